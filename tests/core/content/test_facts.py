"""Facts: names that can be keys and stand in order, and words that are written down or sent."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.content.facts import (
    NOTHING,
    Amount,
    Finding,
    ManifestName,
    PlaceRow,
    Source,
    Spot,
    Stat,
    amount_of,
)
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Folder,
    Head,
    Holding,
    Kind,
    ManifestAsk,
    ManifestPage,
)

ANNA, BERT = DeviceId(b"a" * 32), DeviceId(b"b" * 32)
ANNAS = ManifestName.own(ANNA)
COMMON = ManifestName(ANNA, Folder.EVERYONE)


# -- names -----------------------------------------------------------------------------------------
def test_the_own_manifest_of_a_device_is_one_of_its_two() -> None:
    assert ManifestName(ANNA, Folder.OWN) == ANNAS != COMMON
    assert (ANNAS.owner, ANNAS.folder) == (ANNA, Folder.OWN)


@pytest.mark.parametrize(
    "said",
    [
        Head(ANNA, Folder.EVERYONE, 1, 2, 3, bytes(32), b"run"),
        Holding(ANNA, Folder.EVERYONE, 1, 2, 3, 4),
        ManifestAsk(ANNA, Folder.EVERYONE, 1, 2),
        ManifestPage(ANNA, Folder.EVERYONE, [], [], 1, 0, None),
    ],
    ids=lambda said: type(said).__name__,
)
def test_a_message_says_which_manifest_it_is_about(said) -> None:
    assert ManifestName.of(said) == COMMON


def test_names_stand_in_order_of_owner_then_folder_then_path() -> None:
    berts = ManifestName.own(BERT)
    spots = [Spot(COMMON, b"z"), Spot(ANNAS, b"a"), Spot(ANNAS, b"b"), Spot(berts, b"a")]
    assert sorted({*reversed(spots)}) == spots


def test_the_folders_above_a_spot_come_nearest_first() -> None:
    assert Spot(ANNAS, b"f/g/a").above() == [Spot(ANNAS, b"f/g"), Spot(ANNAS, b"f")]
    assert Spot(ANNAS, b"a").above() == []


def test_below_is_inside_a_folder_of_the_same_manifest() -> None:
    folder = Spot(ANNAS, b"f")
    assert Spot(ANNAS, b"f/a").is_below(folder)
    assert not Spot(ANNAS, b"fa").is_below(folder)
    assert not folder.is_below(folder)
    assert not Spot(ManifestName.own(BERT), b"f/a").is_below(folder)
    assert not Spot(COMMON, b"f/a").is_below(folder)


# -- amounts ---------------------------------------------------------------------------------------
def test_amounts_add_up_and_part() -> None:
    one, other = Amount(1, 2, 30), Amount(4, 0, 5)
    assert Amount.total([one, other]) == Amount(5, 2, 35)
    assert Amount.total([]) == NOTHING
    assert Amount(5, 2, 35).less(one) == other


# -- words and values ------------------------------------------------------------------------------
def test_words_are_plain() -> None:
    assert [str(finding) for finding in Finding] == ["file", "folder", "missing"]
    # these stand in the intents of an index
    sources = ["empty", "folder", "kept", "local", "moved", "none", "part"]
    assert sorted(map(str, Source)) == sources


def test_a_stat_differs_by_each_of_its_fields() -> None:
    stat = Stat(1, 2, 3, 4, executable=True)
    others = [
        Stat(0, 2, 3, 4, executable=True),
        Stat(1, 0, 3, 4, executable=True),
        Stat(1, 2, 0, 4, executable=True),
        Stat(1, 2, 3, 0, executable=True),
        Stat(1, 2, 3, 4, executable=False),
    ]
    assert stat == Stat(1, 2, 3, 4, executable=True)
    assert stat not in others


def test_a_row_is_one_file_or_one_folder() -> None:
    file = PlaceRow(b"a", Kind.FILE, b"", 7, 0, 0, 0, executable=False)
    assert amount_of(file) == Amount(1, 0, 7)
    folder = PlaceRow(b"d", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    assert amount_of(folder) == Amount(0, 1, 0)


def test_a_row_cannot_change() -> None:
    row = PlaceRow(b"a", Kind.FILE, b"r" * 32, 1, 2, 3, 4, executable=False)
    with pytest.raises(AttributeError):
        row.size = 2  # type: ignore[misc]
    assert msgspec.structs.replace(row, size=2) != row


# -- what a file system says -----------------------------------------------------------------------
S_NS = 10**9
FIRST_NS, LAST_NS = -(2**31) * S_NS, 9_223_372_036 * S_NS


@pytest.mark.parametrize(
    ("said_ns", "kept_ns"),
    [
        (-(2**63) * S_NS, FIRST_NS),
        (FIRST_NS - 1, FIRST_NS),
        (FIRST_NS, FIRST_NS),
        (FIRST_NS + 1, FIRST_NS + 1),
        (0, 0),
        (LAST_NS - 1, LAST_NS - 1),
        (LAST_NS, LAST_NS),
        (LAST_NS + 1, LAST_NS),
        (2**63 * S_NS, LAST_NS),
    ],
)
def test_a_date_is_the_nearest_that_travels(said_ns: int, kept_ns: int) -> None:
    stat = Stat.of(5, said_ns, 77, 9, executable=True)
    assert stat == Stat(5, kept_ns, 77, 9, executable=True)


@pytest.mark.parametrize(
    ("said", "kept"),
    [(-(2**70), 1 - 2**63), (-3, -3), (2**63 - 1, 2**63 - 1), (2**63, 2**63 - 1)],
)
def test_a_change_time_fits_in_64_bits(said: int, kept: int) -> None:
    assert Stat.of(0, 0, said, 1, executable=False).ctime_ns == kept


@pytest.mark.parametrize(
    ("said", "kept"), [(2**64 - 1, 2**64 - 1), (2**64 + 3, 3), (-1, 2**64 - 1)]
)
def test_a_file_number_is_unsigned(said: int, kept: int) -> None:
    assert Stat.of(0, 0, 0, said, executable=False).inode == kept
