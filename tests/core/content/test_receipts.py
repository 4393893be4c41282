"""What is said of one path on another device, and that it is never more than was told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import CopyKnown, DeviceKnown, ManifestKnown
from potluck.core.content.last_words import HeadNumber, LastWord
from potluck.core.content.receipts import CopyReceipt, PathKnown, is_safe, receipt
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Gap

ANN, BEN, CAT = DeviceId(b"a" * 32), DeviceId(b"b" * 32), DeviceId(b"c" * 32)
NAME = ManifestName.own(ANN)
WHOLE = Amount(3, 1, 300)
FILE = PathKnown(5, Amount(1, 0, 100))
HELD = HeadNumber(2, 9)


def manifest(held: HeadNumber | None = HELD, heard: HeadNumber = HELD) -> ManifestKnown:
    return ManifestKnown(NAME, heard, held, WHOLE, NOTHING)


def device(
    number: tuple[int, int] | None,
    missing: Amount = NOTHING,
    *,
    who: DeviceId = BEN,
    here: bool = True,
) -> DeviceKnown:
    said = {} if number is None else {NAME: LastWord(HeadNumber(*number), missing)}
    return DeviceKnown(who, "ben", here, said)


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ((2, 9), CopyKnown.ALL),  # the very head
        ((2, 5), CopyKnown.ALL),  # an older one, in which the file stood as it does now
        ((2, 4), CopyKnown.UNKNOWN),  # one before the file
        ((2, 10), CopyKnown.UNKNOWN),  # newer than ours: it may be gone by then
        ((1, 7), CopyKnown.UNKNOWN),  # a number of another generation means other files
        ((3, 9), CopyKnown.UNKNOWN),
        (None, CopyKnown.UNKNOWN),
    ],
)
def test_who_lacks_nothing_of_a_list_has_what_stood_in_it(
    number: tuple[int, int] | None, known: CopyKnown
) -> None:
    said = receipt(device(number), manifest(), FILE)
    assert said.known is known
    assert (said.why == "") is (known is CopyKnown.ALL)


@pytest.mark.parametrize(
    ("missing", "known"),
    [
        (Amount(1, 0, 100), CopyKnown.UNKNOWN),  # which one it does not say
        (Amount(2, 1, 299), CopyKnown.UNKNOWN),
        (Amount(3, 0, 300), CopyKnown.LACKS),  # all files there are
    ],
)
def test_who_lacks_some_does_not_say_what(missing: Amount, known: CopyKnown) -> None:
    assert receipt(device((2, 9), missing), manifest(), FILE).known is known


def test_all_files_of_an_older_list_are_not_all_of_ours() -> None:
    said = receipt(device((2, 8), Amount(3, 1, 300)), manifest(), FILE)
    assert said.known is CopyKnown.UNKNOWN
    assert "does not say what" in said.why


def test_an_empty_folder_is_lacking_only_where_all_folders_are() -> None:
    folder = PathKnown(5, Amount(0, 1, 0))
    assert receipt(device((2, 9), Amount(3, 0, 300)), manifest(), folder).known is (
        CopyKnown.UNKNOWN
    )
    assert receipt(device((2, 9), Amount(0, 1, 0)), manifest(), folder).known is CopyKnown.LACKS


@pytest.mark.parametrize(
    ("number", "missing", "last", "words"),
    [
        ((2, 9), NOTHING, CopyKnown.ALL, "by its last word it had it"),
        ((2, 9), WHOLE, CopyKnown.LACKS, "by its last word it lacked this file"),
        ((2, 3), NOTHING, CopyKnown.UNKNOWN, "did not say"),
    ],
)
def test_of_who_is_away_only_the_last_word_is_told(
    number: tuple[int, int], missing: Amount, last: CopyKnown, words: str
) -> None:
    said = receipt(device(number, missing, here=False), manifest(), FILE)
    assert (said.known, said.last_word) == (CopyKnown.AWAY, last)
    assert words in said.why


def test_an_owner_has_what_it_announces_but_for_what_it_says_that_it_lacks() -> None:
    behind = manifest(heard=HeadNumber(2, 10))
    for said in (None, (0, 0)):
        assert receipt(device(said, who=ANN), manifest(), FILE).known is CopyKnown.UNKNOWN
    assert receipt(device((2, 9), who=ANN), manifest(), FILE).known is CopyKnown.ALL
    assert receipt(device((2, 9), WHOLE, who=ANN), manifest(), FILE).known is CopyKnown.LACKS
    some = receipt(device((2, 9), Amount(1, 0, 1), who=ANN), manifest(), FILE)
    assert some.known is CopyKnown.UNKNOWN
    for said in ((2, 9), (2, 10)):
        newer = receipt(device(said, who=ANN), behind, FILE)
        assert newer.known is CopyKnown.UNKNOWN
        assert "newer list" in newer.why


def test_why_it_is_not_known_is_said() -> None:
    words = {
        (number, held): receipt(device(number), manifest(held), FILE).why
        for number, held in [
            (None, HELD),
            ((0, 0), HELD),
            ((2, 4), HELD),
            ((2, 10), HELD),
            ((2, 5), None),
        ]
    }
    assert list(words.values()) == [
        "it has not said yet what it has of that folder",
        (
            "nothing it says of that folder counts now: it looks for something there, "
            "is in doubt, or holds another list of it"
        ),
        "it has not spoken yet of the list that this is in",
        "it spoke of a newer list of files than this device has",
        "it has not spoken yet of the list that this is in",
    ]


def copy(label: str, known: CopyKnown) -> CopyReceipt:
    return CopyReceipt(label, known, "")


def test_it_may_go_only_where_somebody_else_has_it_now() -> None:
    has, away = copy("ben", CopyKnown.ALL), copy("cat", CopyKnown.AWAY)
    assert is_safe([has, away], here=True, settled=True) == (
        True,
        "ben has it now, by what was said last",
    )
    both = is_safe([has, copy("dan", CopyKnown.ALL)], here=True, settled=True)
    assert both == (True, "ben and dan have it now, by what was said last")
    for receipts, here, settled in [
        ([away, copy("dan", CopyKnown.UNKNOWN)], True, True),
        ([has], False, True),
        ([has], True, False),
        ([], True, True),
    ]:
        safe, why = is_safe(receipts, here=here, settled=settled)
        assert not safe
        assert why


def test_what_is_skipped_there_is_called_so() -> None:
    skips = LastWord(HELD, Amount(1, 0, 100), Amount(1, 0, 100))
    said = receipt(DeviceKnown(BEN, "ben", True, {NAME: skips}), manifest(), FILE)
    assert said.known is CopyKnown.UNKNOWN
    assert said.why == "it skips 1 file (100 B) of that folder, and does not say what"
    some = LastWord(HELD, Amount(2, 0, 200), Amount(1, 0, 100))
    said = receipt(DeviceKnown(BEN, "ben", True, {NAME: some}), manifest(), FILE)
    assert said.why == (
        "it lacks 2 files (200 B) (and skips 1 file (100 B) of that) of that folder, "
        "and does not say what"
    )
    every = LastWord(HELD, WHOLE, WHOLE)
    said = receipt(DeviceKnown(BEN, "ben", True, {NAME: every}), manifest(), FILE)
    assert (said.known, said.why) == (CopyKnown.LACKS, "it skips this file")


@pytest.mark.parametrize(
    ("seqs", "amount", "known", "why"),
    [
        ((5,), Amount(1, 0, 100), CopyKnown.ALL, ""),
        ((7,), Amount(1, 0, 100), CopyKnown.LACKS, "it lacks this file"),
        ((7, 8), Amount(1, 1, 100), CopyKnown.LACKS, "it lacks everything there"),
        ((4, 5), Amount(2, 0, 100), CopyKnown.ALL, ""),
        (
            (5, 7),
            Amount(2, 0, 100),
            CopyKnown.UNKNOWN,
            "it lacks 2 files (150 B) of that folder, 1 of which is in here",
        ),
        (
            (5, 7, 8),
            Amount(2, 1, 100),
            CopyKnown.UNKNOWN,
            "it lacks 2 files (150 B) of that folder, 2 of which are in here",
        ),
    ],
)
def test_who_says_what_lacks_has_the_rest(
    seqs: tuple[int, ...], amount: Amount, known: CopyKnown, why: str
) -> None:
    word = LastWord(HELD, Amount(2, 0, 150), gaps=(Gap(7, 8),))
    path = PathKnown(max(seqs), amount, seqs=seqs)
    said = receipt(DeviceKnown(BEN, "ben", True, {NAME: word}), manifest(), path)
    assert (said.known, said.why) == (known, why)
    away = receipt(DeviceKnown(BEN, "ben", False, {NAME: word}), manifest(), path)
    assert (away.known, away.last_word) == (CopyKnown.AWAY, known)


def test_what_a_list_without_the_path_lacks_says_nothing_of_it() -> None:
    word = LastWord(HeadNumber(2, 4), Amount(1, 0, 1), gaps=(Gap(3, 3),))
    path = PathKnown(5, FILE.amount, seqs=(5,))
    known = {
        number: receipt(
            DeviceKnown(BEN, "ben", True, {NAME: replace(word, number=HeadNumber(*number))}),
            manifest(),
            path,
        ).known
        for number in [(2, 4), (1, 9), (2, 10), (2, 6)]
    }
    assert list(known.values()) == [CopyKnown.UNKNOWN] * 3 + [CopyKnown.ALL]


def no_room(missing: Amount, short: Amount, meant: Amount = FILE.amount) -> str:
    said = LastWord(HELD, missing, NOTHING, short)
    path = PathKnown(5, meant)
    return receipt(DeviceKnown(BEN, "ben", True, {NAME: said}), manifest(), path).why


def test_what_has_no_room_there_may_be_what_is_meant_and_no_more_is_said() -> None:
    two, one = Amount(2, 0, 200), Amount(1, 0, 100)
    lacks = "it lacks 2 files (200 B) of that folder, and does not say what"
    assert no_room(two, NOTHING) == lacks
    words = f"{lacks}; it has no room for 1 file (100 B)"
    assert no_room(two, one) == f"{words}, of which this may be one"
    assert no_room(two, one, Amount(2, 1, 200)) == f"{words}, some of which may be these"
    assert no_room(two, one, WHOLE) == words, "all of that folder is meant"
    assert no_room(two, one, Amount(0, 1, 0)) == lacks, "a folder takes no room"


def lacks_words(missing: Amount, meant: Amount, *, counted: bool = True) -> str:
    said = {NAME: LastWord(HELD, missing)}
    found = receipt(
        DeviceKnown(BEN, "ben", True, said), manifest(), PathKnown(5, meant, counted=counted)
    )
    assert found.known is CopyKnown.UNKNOWN, "what is told of may be told before all was looked at"
    return found.why


@pytest.mark.parametrize(
    ("missing", "meant", "counted", "another"),
    [
        (Amount(1, 0, 105), Amount(1, 0, 19), True, True),
        (Amount(1, 0, 19), Amount(1, 0, 105), True, False),  # the rest of it may be there
        (Amount(1, 0, 19), Amount(1, 0, 19), True, False),
        (Amount(2, 0, 105), Amount(1, 0, 19), True, False),  # it may be one of the two
        (Amount(1, 0, 105), Amount(2, 1, 104), True, True),
        (Amount(1, 0, 105), Amount(2, 1, 105), True, False),
        (Amount(1, 1, 105), Amount(2, 1, 104), True, False),  # the folder may be what lacks
        (Amount(1, 1, 105), Amount(1, 0, 19), True, True),  # a folder is no file
        (Amount(1, 0, 105), Amount(2, 1, 104), False, False),  # there is more in it
        (Amount(1, 0, 105), Amount(0, 1, 0), True, False),
        (Amount(0, 1, 0), Amount(1, 0, 19), True, False),
    ],
)
def test_a_single_file_that_lacks_is_none_that_is_smaller(
    missing: Amount, meant: Amount, counted: bool, another: bool
) -> None:
    words = lacks_words(missing, meant, counted=counted)
    assert words.endswith("and does not say what") is not another
    assert words.endswith("it does not say whether it has looked at all others") is another


def test_what_is_ruled_out_is_said_and_no_more() -> None:
    meant = Amount(1, 0, 19)
    told = "it does not say whether it has looked at all others"
    lacks = "it lacks 1 file (105 B) of that folder, which is"
    one = Amount(1, 0, 105)
    assert lacks_words(one, meant) == f"{lacks} another one, since this is smaller; {told}"
    folder = lacks_words(one, Amount(1, 1, 19))
    assert folder == f"{lacks} not in here: all of this is smaller; {told}"
    short = no_room(one, one, meant)
    assert short.endswith(f"{told}; it has no room for 1 file (105 B)")
    two = no_room(Amount(2, 0, 110), one, meant)
    assert two.endswith("and does not say what; it has no room for 1 file (105 B)")


def test_who_lacks_everything_says_for_how_much_of_it_there_is_no_room() -> None:
    words = "it lacks everything there; it has no room for 3 files (300 B)"
    assert no_room(WHOLE, Amount(3, 0, 300), WHOLE) == words
    one = "it lacks this file; it has no room for 3 files (300 B), of which this may be one"
    assert no_room(WHOLE, Amount(3, 0, 300)) == one
    assert no_room(WHOLE, NOTHING) == "it lacks this file"
