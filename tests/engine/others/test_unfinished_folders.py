"""Unfinished folders: what came waits exactly as long as more of its folder still lacks here.

Strategy: what lacks is a row of paths with sizes, so that a test reads which path waits for which.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.engine.index.needs import Rest
from potluck.engine.others.unfinished_folders import (
    FOLDERS_ASKED,
    ROWS_ASKED,
    UnfinishedFolders,
)

ANNAS = ManifestName.own(DeviceId(b"a" * 32))
SMALL, LARGE = limits.PIECE_MIN_BYTES, limits.PIECE_MIN_BYTES + 1


class Lacking:
    """Paths that lack, with their sizes, and are brought here."""

    fetching, placing = True, False

    def __init__(self, **sizes: int) -> None:
        self.sizes = {path.replace("_", "/"): size for path, size in sizes.items()}
        self.asked: list[bytes] = []

    def rest(self, name: ManifestName, folder: bytes, rows: int, *, deep: bool) -> Rest:
        assert (name, rows) == (ANNAS, ROWS_ASKED)
        self.asked.append(folder)
        begin = folder.decode() + "/" if folder else ""
        inner = {path.removeprefix(begin): size for path, size in self.sizes.items()
                 if path.startswith(begin)}  # fmt: skip
        found = [size for path, size in inner.items() if deep or "/" not in path]
        return Rest(len(found), sum(size <= SMALL for size in found))


def waiting(lacking: Lacking, *new: str, **files: int) -> set[str]:
    came = {path.replace("_", "/").encode(): size for path, size in files.items()}
    folders = UnfinishedFolders(lacking, lacking)
    found = folders.waiting(ANNAS, came, [path.encode() for path in new])
    return {path.decode() for path in found}


def test_a_file_waits_for_the_rest_of_its_folder() -> None:
    assert waiting(Lacking(a_2=SMALL), a_1=SMALL, b_1=SMALL, c=SMALL) == {"a/1"}
    assert waiting(Lacking(c=SMALL), a_1=SMALL, b=SMALL) == {"b"}
    assert waiting(Lacking(), a_1=SMALL) == set()


def test_in_an_old_folder_only_what_is_directly_in_it_counts() -> None:
    assert waiting(Lacking(a_f_1=SMALL), a_1=SMALL) == set()
    assert waiting(Lacking(a_f_1=SMALL), "a/f", a_1=SMALL, a_f_2=SMALL) == {"a/f", "a/f/2"}


def test_a_new_folder_is_one_with_all_below_it() -> None:
    lacking = Lacking(a_f_g_1=SMALL)
    assert waiting(lacking, "a", "a/e", a_e_1=SMALL, b=SMALL) == {"a", "a/e", "a/e/1"}
    assert waiting(Lacking(), "a", a_1=SMALL) == set()


def test_a_small_file_does_not_wait_for_a_large_one() -> None:
    assert waiting(Lacking(a_film=LARGE), a_1=SMALL, a_2=LARGE) == {"a/2"}
    assert waiting(Lacking(film=LARGE), b=SMALL, c=LARGE) == set()
    assert waiting(Lacking(d=SMALL), b=SMALL, c=LARGE) == {"b", "c"}
    assert waiting(Lacking(a_film=LARGE), "a", a_1=SMALL) == {"a"}


def test_of_many_folders_only_so_many_are_asked_about() -> None:
    many = {f"{number:03}_x": SMALL for number in range(FOLDERS_ASKED + 5)}
    lacking = Lacking(**many)
    came = {f"{number:03}_y": SMALL for number in range(FOLDERS_ASKED + 5)}
    assert len(waiting(lacking, **came)) == len(lacking.asked) == FOLDERS_ASKED


def test_while_nothing_is_brought_here_nothing_waits() -> None:
    lacking = Lacking(a_2=SMALL)
    lacking.fetching = False
    assert waiting(lacking, a_1=SMALL) == set()
    assert repr(UnfinishedFolders(lacking, lacking)) == "<UnfinishedFolders goes_on=False>"
    lacking.placing = True
    assert waiting(lacking, a_1=SMALL) == {"a/1"}
