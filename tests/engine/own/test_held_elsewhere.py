"""Held elsewhere: only what follows from what the others said is said of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core.wire.catalogue import FileRecord, Gap, Head, Holding
from potluck.engine.events import LinkId
from potluck.engine.node import Node
from potluck.engine.own.held_elsewhere import (
    HeldElsewhere,
    common_path,
    held_by_nobody,
    held_elsewhere,
    is_lacked,
)
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, record

LOST = (folder("f", 4), record("f/a", 5), record("f/b", 6))


def home(*others: int) -> Node:
    """A device whose list is at number 9, linked to these."""
    made = node(1)
    made.roster = group(1, *others)
    made.index.manifests.set_head(Head(*made.own_manifest, 1, 9, 5, b"r" * 32, b"instance"))
    for number in others:
        made.peer(key(number).device).link = LinkId(number)
    return made


def says(
    here: Node, number: int, files: int, folders: int = 0, *, seq: int = 9, generation: int = 1
) -> None:
    """A device says that it lacks so much."""
    kept = here.peer(key(number).device).kept
    word = Holding(*here.own_manifest, generation, seq, files, files, folders)
    kept[here.own_manifest] = word


def words(here: Node, *records: FileRecord) -> str:
    return held_elsewhere(here, records or LOST).words


def test_who_lacks_nothing_of_a_list_that_it_is_in_has_all_of_it() -> None:
    here = home(2, 3)
    says(here, 2, 0, seq=6)
    says(here, 3, 2, 1)
    assert words(here) == "d2 has all of it"
    says(here, 3, 0)
    assert words(here) == "d2 and d3 have all of it"
    assert not held_elsewhere(here, LOST).by_nobody
    says(here, 3, 0, 1)
    assert words(here, *LOST[1:]) == "d2 and d3 have all of it", "it lacks no file"
    assert words(here, *LOST[:1]) == "d2 has all of it"


def test_who_lacks_fewer_than_these_has_some_of_them() -> None:
    here = home(2, 3)
    says(here, 2, 1, 1)
    says(here, 3, 2)
    assert words(here) == "d2 has some of it, 1 at least"
    assert not held_elsewhere(here, LOST).by_nobody


@pytest.mark.parametrize(
    ("gaps", "records", "said"),
    [
        ((Gap(1, 3), Gap(9, 9)), LOST, "d2 has all of it"),
        ((Gap(5, 5),), LOST, "d2 has some of it, 1 at least"),
        ((Gap(4, 4),), LOST, "d2 has some of it, 2 at least"),
        ((Gap(4, 4),), LOST[1:], "d2 has all of it"),
        ((Gap(4, 9),), LOST, "no other device is known to have any of it, and all are linked"),
        ((Gap(6, 6),), LOST[:1], "d2 has all of it"),
    ],
)
def test_who_says_what_it_lacks_has_the_rest(
    gaps: tuple[Gap, ...], records: tuple[FileRecord, ...], said: str
) -> None:
    here = home(2)
    says(here, 2, 3, 1)
    kept = here.peer(key(2).device).kept
    kept[here.own_manifest] = replace(kept[here.own_manifest], gaps=gaps)
    assert words(here, *records) == said


def test_who_may_lack_all_of_these_is_not_known_to_have_any() -> None:
    here = home(2, 3)
    says(here, 2, 2, 1)
    says(here, 3, 7, 1)
    assert words(here) == "no other device is known to have any of it, and all are linked"
    assert held_elsewhere(here, LOST).by_nobody


def test_a_word_about_a_list_that_it_is_not_in_says_nothing() -> None:
    silent = "no other device is known to have any of it (d2 has not said yet)"
    for generation, seq in ((1, 5), (1, 10), (2, 9)):
        here = home(2)
        assert words(here) == silent
        says(here, 2, 0, seq=seq, generation=generation)
        assert words(here) == silent
        assert not held_elsewhere(here, LOST).by_nobody
    here = home(2)
    says(here, 2, 0)
    here.unmerged = True
    assert words(here) == silent
    here.unmerged, here.cloned = False, True
    assert words(here) == silent


def test_of_who_is_away_only_its_last_word_is_known() -> None:
    here = home(2, 3, 4)
    here.peer(key(2).device).link = here.peer(key(3).device).link = None
    assert words(here) == (
        "no other device is known to have any of it (d2 and d3 are away, d4 has not said yet)"
    )
    del here.peers[key(3).device]
    says(here, 2, 2, 1)
    says(here, 4, 2, 1)
    assert words(here) == "no other device is known to have any of it (d2 and d3 are away)"
    assert not held_elsewhere(here, LOST).by_nobody
    says(here, 2, 0)
    assert words(here) == "d2 is away, and by its last word had all of it"
    here.peer(key(3).device)
    says(here, 3, 0)
    assert words(here) == "d2 and d3 are away, and by their last words had all of it"


def test_without_a_group_nobody_has_anything() -> None:
    here = node(1)
    assert held_elsewhere(here, LOST) == HeldElsewhere()
    assert words(here) == "there is no other device in the group that could have it"
    assert held_elsewhere(here, LOST).by_nobody


def test_the_folder_that_they_have_in_common() -> None:
    assert common_path([b"a/b"]) == b"a/b"
    assert common_path([b"a/b/c", b"a/b", b"a/b-"]) == b"a"
    assert common_path([b"a/b/c", b"a/b"]) == b"a/b"
    assert common_path([b"a", b"b"]) == b""


def test_a_device_whose_name_reads_like_our_words_is_set_off() -> None:
    here = home(2)
    says(here, 2, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(here), "label_of", lambda _here, _device: "everybody else")
        assert words(here) == "“everybody else” has all of it"


def lacks(here: Node, number: int, *seqs: int) -> None:
    """A device says which numbers it lacks."""
    says(here, number, len(seqs))
    kept = here.peer(key(number).device).kept
    gaps = tuple(Gap(seq, seq) for seq in seqs)
    kept[here.own_manifest] = replace(kept[here.own_manifest], gaps=gaps)


def test_what_is_lacked_and_no_linked_device_has() -> None:
    here = home(2, 3, 4)
    assert not is_lacked(here)
    assert held_by_nobody(here, LOST) == [], "nobody said anything"
    lacks(here, 2, 5, 6)
    assert is_lacked(here)
    assert held_by_nobody(here, LOST) == [*LOST[1:]]
    lacks(here, 3, 5)
    assert held_by_nobody(here, LOST) == [LOST[1]], "the third has the other"
    says(here, 4, 7)
    assert held_by_nobody(here, LOST) == [LOST[1]], "of which the fourth may have any"
    here.peer(key(3).device).link = None
    assert held_by_nobody(here, LOST) == [*LOST[1:]], "it is away"
    says(here, 2, 0, seq=5)
    assert held_by_nobody(here, LOST) == [LOST[2]], "that is newer than its word"
    says(here, 2, 0)
    assert held_by_nobody(here, LOST) == [], "it has everything"


def test_the_last_words_of_those_who_are_away_count_as_such() -> None:
    here = home(2)
    lacks(here, 2, 5)
    here.peer(key(2).device).link = None
    assert is_lacked(here)
    assert held_by_nobody(here, LOST) == [LOST[1]]


def test_without_a_group_nobody_lacks_anything() -> None:
    here = node(1)
    assert not is_lacked(here)
    assert held_by_nobody(here, LOST) == []
