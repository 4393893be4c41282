"""Outgoing: who lacks something of mine, who keeps it as it was, and who is silent, in one line."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.outgoing import (
    OwnerName,
    Receiver,
    coming_words,
    held_before_words,
    held_of,
    held_words,
    keep_words,
    outgoing_words,
)
from potluck.core.keys.identity import DeviceId

ANNA = OwnerName("anna", "7F3A-91C2")
TWO, SIX = Amount(2, 0, 200), Amount(6, 0, 6000)
LACKS, SHORT = Receiver("ben", TWO), Receiver("cat", TWO, Amount(1, 0, 100))
HOLDS, BOTH = Receiver("dan", held=SIX), Receiver("eve", TWO, held=SIX)
KEEPS = "keeps 6 files (6.0 KB)"
EVE = "eve still lacks 2 files (200 B) of mine; "
SINCE = "since very many were deleted or replaced at once"
STEPS = (
    "if that was meant, type there: confirm anna; "
    "if not, here type: undo (what went last in one go comes back)"
)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([LACKS], "ben still lacks 2 files (200 B) of mine"),
        (
            [LACKS, SHORT],
            "ben and cat still lack 2 files (200 B) of mine; no room for 1 file (100 B) on cat",
        ),
        ([HOLDS], f"dan keeps 6 files (6.0 KB) of mine as before, {SINCE}; {STEPS}"),
        (
            [BOTH, HOLDS, Receiver("fox")],
            f"{EVE}eve {KEEPS} and dan {KEEPS} of mine as before, {SINCE}; {STEPS}",
        ),
        ([Receiver("fox")], "fox has not said yet what is there of my newest files"),
        (
            [Receiver("fox"), Receiver("gus")],
            "fox and gus have not said yet what is there of my newest files",
        ),
    ],
)
def test_the_sentence_names_what_lacks_then_what_is_held_then_who_is_silent(
    rows: list[Receiver], words: str
) -> None:
    assert outgoing_words(rows, ANNA) == words


def test_of_one_device_it_is_said_what_it_keeps_while_it_is_here_and_before_it_went() -> None:
    keeps = f"6 files (6.0 KB) of that folder as before, {SINCE}"
    assert held_words(SIX, ANNA) == f"it keeps {keeps}; {STEPS}"
    assert held_before_words(SIX) == f"by its last word it kept {keeps}"


def test_an_owner_that_cannot_be_typed_is_confirmed_by_its_id() -> None:
    assert "type there: confirm 7F3A-91C2; " in held_words(SIX, OwnerName("--all", ANNA.id))
    assert "type there: confirm 'my pc'; " in held_words(SIX, OwnerName("my pc", ANNA.id))


def test_undo_is_not_advised_where_the_last_change_was_taken_back() -> None:
    meant = f"as before, {SINCE}; if that was meant, type there: confirm anna"
    said = (
        outgoing_words([HOLDS], ANNA, can_undo=False),
        held_words(SIX, ANNA, can_undo=False),
    )
    assert [one.endswith(meant) for one in said] == [True, True]


def test_of_what_is_shared_now_it_is_said_what_lets_it_come_from_there() -> None:
    assert keep_words([("dan", SIX)]) == f"dan {KEEPS} of mine as before, {SINCE}"
    assert coming_words(ANNA) == (
        "what I share now comes from the trash there, as far as it is in it, once that is"
        " confirmed: type there: confirm anna"
    )


def test_only_a_person_is_waited_for_where_something_is_held_and_nothing_lacks() -> None:
    found = [one.waits_for_person for one in (LACKS, HOLDS, BOTH, Receiver("fox"))]
    assert found == [False, True, False, False]


def test_what_is_held_counts_of_the_folders_that_are_asked_about() -> None:
    names = [ManifestName.own(DeviceId(bytes([number]) * 32)) for number in range(3)]
    held = {names[0]: TWO, names[1]: SIX}
    assert held_of(held, names) == Amount(8, 0, 6200)
    assert held_of(held, names[1:]) == SIX
    assert held_of(held, names[2:]) == NOTHING
