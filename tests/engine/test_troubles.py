"""The register of what is wrong: kept until it is over, bounded whatever is noted.

Strategy: values in, lists out. Limits: who notes what is tested beside those who do.
"""

from __future__ import annotations

import tracemalloc

from potluck.engine.troubles import ASIDE, KIND_MAX, Trouble, TroubleKind, Troubles

MANY = 20_000


def trouble(
    subject: str = "ada/x",
    kind: TroubleKind = TroubleKind.UNREADABLE,
    *,
    reason: str = "permission denied",
    since_s: float = 1.0,
) -> Trouble:
    return Trouble(kind, subject, reason, "chmod u+rx ada/x", since_s, None)


def test_what_is_noted_stays_until_it_is_cleared():
    troubles = Troubles()
    assert troubles.note(trouble())
    assert troubles.all() == [trouble()]
    assert "UNREADABLE 1" in repr(troubles)
    troubles.clear(TroubleKind.UNREADABLE, "ada/x")
    assert troubles.all() == []
    assert repr(troubles) == "<Troubles: none>"


def test_noting_it_again_is_no_news_and_keeps_since_when_it_lasts():
    troubles = Troubles()
    troubles.note(trouble(since_s=1.0))
    assert not troubles.note(trouble(since_s=5.0))
    assert troubles.all() == [trouble(since_s=1.0)]
    assert troubles.note(trouble(since_s=6.0, reason="the disk fails"))
    assert troubles.all() == [trouble(since_s=1.0, reason="the disk fails")]


def test_kinds_are_apart_and_come_in_their_order():
    troubles = Troubles()
    troubles.note(trouble(kind=TroubleKind.BLOCKED))
    troubles.note(trouble(kind=TroubleKind.DISK))
    assert [one.kind for one in troubles.all()] == [TroubleKind.DISK, TroubleKind.BLOCKED]
    assert troubles.of(TroubleKind.DISK) == [trouble(kind=TroubleKind.DISK)]
    troubles.clear_kind(TroubleKind.DISK)
    assert [one.kind for one in troubles.all()] == [TroubleKind.BLOCKED]
    assert troubles.count(TroubleKind.DISK) == 0


def test_of_very_many_only_the_first_are_kept_and_all_are_counted():
    troubles = Troubles()
    subjects = [f"ada/{number}" for number in range(KIND_MAX + 2)]
    for subject in subjects:
        assert troubles.note(trouble(subject))
    assert not troubles.note(trouble(subjects[-1]))
    assert troubles.count(TroubleKind.UNREADABLE) == troubles.total == KIND_MAX + 2
    assert len(troubles.all()) == KIND_MAX
    for subject in [*subjects, "ada/unknown"]:
        troubles.clear(TroubleKind.UNREADABLE, subject)
    assert troubles.count(TroubleKind.UNREADABLE) == 0


def test_clearing_what_nobody_noted_does_nothing():
    troubles = Troubles()
    troubles.clear(TroubleKind.LINK, "nas")
    assert troubles.all() == []


def test_what_was_only_counted_is_counted_once_when_there_is_room_for_its_reason():
    troubles = Troubles()
    for number in range(KIND_MAX + 1):
        troubles.note(trouble(f"ada/{number}"))
    troubles.clear(TroubleKind.UNREADABLE, "ada/0")
    assert not troubles.note(trouble(f"ada/{KIND_MAX}")), "it was told already"
    assert troubles.count(TroubleKind.UNREADABLE) == len(troubles.all()) == KIND_MAX


def test_many_long_names_cost_a_hash_each():
    tracemalloc.start()
    troubles = Troubles()
    for number in range(MANY):
        troubles.note(trouble(f"{number:04000}"))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert troubles.count(TroubleKind.UNREADABLE) == MANY
    assert used < MANY * 200


def test_a_fact_that_hinders_nothing_is_not_wrong():
    facts = {one for one in TroubleKind if not trouble(kind=one).wrong}
    assert facts == {*ASIDE, TroubleKind.WRITTEN}
