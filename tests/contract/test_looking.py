"""The contract of looking and hashing: what Look, Scan and Hash see, on the fake and the real disk.

Strategy: as in test_placing; what a person made is looked at; what must be seen is said in full.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Finding
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.engine.events import PathSeen
from tests.contract.seams import WRITTEN_NS, Seam, plain_seen, plain_stat
from tests.shells.files import PIECE, content_of, data_of

ONE, MANY = data_of(3000, 1), data_of(3 * PIECE + 5, 2)


def furnish(seam: Seam) -> None:
    seam.write("ann/sub/one", ONE, executable=True)
    seam.write("ann/many", MANY, mtime_ns=77)
    seam.write("ann/sub-b", b"")
    seam.mkdir("ann/empty")


def found(seam: Seam, *texts: str) -> list[tuple[str, Finding]]:
    return [(str(each.path), each.finding) for each in seam.look(*texts)]


def test_a_look_at_files_tells_their_stats(seam: Seam):
    furnish(seam)
    assert plain_seen(seam.look("ann/sub/one", "ann/many", "ann/sub-b")) == [
        ("ann/many", Finding.FILE, (len(MANY), 77, False)),
        ("ann/sub-b", Finding.FILE, (0, WRITTEN_NS, False)),
        ("ann/sub/one", Finding.FILE, (len(ONE), WRITTEN_NS, True)),
    ]


def test_what_is_not_there_is_missing(seam: Seam):
    furnish(seam)
    texts = ("ann/no", "ann/sub/one/below", "ann/no/such/folder", "nobody")
    assert set(found(seam, *texts)) == {(text, Finding.MISSING) for text in texts}
    assert [each.stat for each in seam.look(*texts)] == [None] * 4


def test_a_look_at_a_folder_tells_of_all_below_it(seam: Seam):
    furnish(seam)
    assert found(seam, "ann/sub") == [("ann/sub", Finding.FOLDER), ("ann/sub/one", Finding.FILE)]
    assert found(seam, "ann/empty") == [("ann/empty", Finding.FOLDER)]


def test_what_file_browsers_leave_behind_is_not_told_of(seam: Seam):
    seam.write("ann/f/Thumbs.db", ONE)
    seam.write("ann/f/one", ONE)
    assert found(seam, "ann/f") == [("ann/f", Finding.FOLDER), ("ann/f/one", Finding.FILE)]
    assert found(seam, "ann/f/Thumbs.db") == []


def test_nothing_is_seen_twice(seam: Seam):
    furnish(seam)
    seen = seam.look("ann/sub/one", "ann/sub", "ann/sub-b", "ann/sub", "ann/many")
    assert sorted(str(each.path) for each in seen) == [
        "ann/many",
        "ann/sub",
        "ann/sub-b",
        "ann/sub/one",
    ]


def test_a_scan_names_folders_before_what_is_in_them(seam: Seam):
    furnish(seam)
    seen = [str(each.path) for each in seam.scan("ann", "bob")]
    assert sorted(seen) == [
        "ann",
        "ann/empty",
        "ann/many",
        "ann/sub",
        "ann/sub-b",
        "ann/sub/one",
        "bob",
    ]
    assert seen.index("ann") < seen.index("ann/sub") < seen.index("ann/sub/one")
    assert PathSeen(seam.look("bob")[0].path, Finding.MISSING, None) in seam.scan("ann", "bob")


def test_a_change_gives_another_stat_and_a_look_does_not(seam: Seam):
    furnish(seam)
    first = seam.look("ann/many")
    assert seam.look("ann/many") == first
    seam.write("ann/many", ONE, mtime_ns=78)
    (changed,) = seam.look("ann/many")
    assert changed.stat is not None
    assert first[0].stat is not None
    assert changed.stat != first[0].stat
    assert changed.stat.inode == first[0].stat.inode


@pytest.mark.parametrize("before", [0, 2 * PIECE], ids=["new", "was much larger"])
def test_hashing_gives_the_pieces_and_the_stat_they_were_read_with(seam: Seam, before: int):
    furnish(seam)
    texts = ("ann/sub/one", "ann/many", "ann/sub-b")
    hashed = [each for each in seam.hash(*texts, piece_size=before) if each is not None]
    assert [each.pieces for each in hashed] == [content_of(data) for data in (ONE, MANY, b"")]
    assert hashed[2].pieces.root == EMPTY_ROOT
    assert [each.stat for each in hashed] == [seam.look(text)[0].stat for text in texts]
    assert plain_stat(hashed[0].stat) == (len(ONE), WRITTEN_NS, True)


def test_what_is_no_file_has_no_hash(seam: Seam):
    furnish(seam)
    assert seam.hash("ann/empty", "ann/no", "ann/many/below") == [None, None, None]
