"""The listing: page by page and folder by folder, whatever the steps, it is what there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.content.facts import Amount, ManifestName
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.views.listing import PAGE_FILES, Listing, _FolderWalk
from potluck.engine.views.values import EntryView, FileView
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, place, receive, record, root_of

D1 = ManifestName.own(key(1).device)
D2 = ManifestName.own(key(2).device)


class Covered:
    """What a mount hides of the own folder."""

    def __init__(self, *records: FileRecord) -> None:
        self._paths = {one.path for one in records}
        self.amount = Amount(
            sum(one.kind is Kind.FILE for one in records),
            sum(one.kind is Kind.FOLDER for one in records),
            sum(one.size for one in records),
        )

    @property
    def lacks_any(self) -> bool:
        return bool(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._paths


NONE = Covered()


@pytest.fixture
def here() -> Iterator[Any]:
    """Device d1 of a group of three; nobody shares anything yet."""
    one = node(1)
    one.roster = group(1, 2, 3)
    yield one
    one.index.close()


def every_path(listing: Listing, path: str = "", limit: int = PAGE_FILES) -> list[FileView]:
    found: list[FileView] = []
    after: str | None = ""
    while after is not None:
        page = listing.page(path, after, limit)
        assert len(page.files) <= limit
        found, after = found + page.files, page.next
    return found


def every_entry(listing: Listing, path: str, rows: int) -> dict[tuple[str, str], list[int]]:
    """Entries by name and kind, parts added up."""
    found: dict[tuple[str, str], list[int]] = {}
    after: str | None = ""
    while after is not None:
        page = listing.folder(path, after, rows)
        assert page.known
        for one in page.entries:
            known = found.setdefault((one.name, one.kind), [0, 0, 0, 0])
            part = (one.files, one.folders, one.size, one.here)
            found[one.name, one.kind] = [a + b for a, b in zip(known, part, strict=True)]
        after = page.next
    return found


def test_a_page_tells_path_kind_size_owner_and_whether_it_is_here(here) -> None:
    records = [folder("album", 1), record("album/1", 2, "five!"), record("b", 3)]
    receive(here.index, records, 3, D2.owner)
    here.index.places.put(D2, [place(one) for one in records[:2]])
    assert Listing(here, NONE).page("", "").files == [
        FileView("d2/album", "folder", 0, "d2", here=True, root=EMPTY_ROOT.hex()),
        FileView("d2/album/1", "file", 5, "d2", here=True, root=root_of("five!").hex()),
        FileView("d2/b", "file", 1, "d2", here=False, root=root_of("b").hex()),
    ]


def test_paths_are_looked_at_by_name_and_not_by_how_they_begin(here) -> None:
    names = ["a", "a b", "ab"]
    receive(
        here.index, [*(record(name) for name in names), folder("d"), record("d/e")], 1, D2.owner
    )
    here.index.manifests.put(D1, [record("x", 1)])
    listing = Listing(here, NONE)
    for path, paths in {
        "": ["d1/x", "d2/a", "d2/a b", "d2/ab", "d2/d", "d2/d/e"],
        "d2": ["d2/a", "d2/a b", "d2/ab", "d2/d", "d2/d/e"],
        "d2/a": ["d2/a"],
        "d2/d": ["d2/d", "d2/d/e"],
        "d2/d/e": ["d2/d/e"],
        "d2/d/": [],
        "d": [],
        "d3": [],
        "nobody/x": [],
        "d2/\ud800": [],
    }.items():
        for limit in (1, 2, PAGE_FILES, 10**6):
            assert [one.path for one in every_path(listing, path, limit)] == paths, (path, limit)
    assert listing.page("", "d2/zzz").files == []
    assert len(listing.page("", "", 0).files) == 1, "at least one, or nothing would ever end"


def test_every_device_stands_at_the_top_with_all_it_shares(here) -> None:
    records = [folder("f", 1), *(record(f"f/{number}", 2, "five!") for number in range(7))]
    receive(here.index, records, 2, D2.owner)
    here.index.places.put(D2, [place(one) for one in records[:3]])
    here.index.manifests.put(D1, [record("x", 1)])
    assert every_entry(Listing(here, NONE), "", 1) == {
        ("d1", "folder"): [1, 0, 1, 1],
        ("d2", "folder"): [7, 1, 35, 2],
        ("d3", "folder"): [0, 0, 0, 0],
    }


def test_while_the_share_is_offline_nothing_is_here(here) -> None:
    records = [folder("f", 1), *(record(f"f/{number}", 2, "five!") for number in range(2))]
    receive(here.index, records, 2, D2.owner)
    here.index.places.put(D2, [place(one) for one in records])
    listing = Listing(here, NONE)
    folders = ("", "d2", "d2/f")
    assert [sum(one.here for one in listing.folder(each, "").entries) for each in folders] == [
        2
    ] * 3
    assert all(one.here for one in listing.page("", "").files)
    here.share_present = False
    assert not any(one.here for each in folders for one in listing.folder(each, "").entries)
    assert not any(one.here for one in listing.page("", "").files)


def test_what_a_mount_hides_of_mine_is_not_said_to_be_here(here) -> None:
    names = ("a", "m/b", "m/d/c", "m/e")
    records = [folder("m"), *map(record, names), folder("m/d")]
    hidden = [one for one in records if one.path in {b"m/b", b"m/d", b"m/d/c"}]
    here.index.manifests.put(D1, records)
    receive(here.index, records, 1, D2.owner)
    here.index.places.put(D2, [place(one) for one in records])
    listing = Listing(here, Covered(*hidden))
    lacking = {"d1/m/b", "d1/m/d", "d1/m/d/c"}
    for limit in (1, 3, PAGE_FILES):
        found = every_path(listing, limit=limit)
        assert {one.path for one in found if not one.here} == lacking
    for rows in (1, 2, 3, 50):
        for path, counts in {
            "": {"d1": 2, "d2": 4, "d3": 0},
            "d1": {"a": 1, "m": 1},
            "d1/m": {"b": 0, "d": 0, "e": 1},
            "d2/m": {"b": 1, "d": 1, "e": 1},
        }.items():
            told = every_entry(listing, path, rows)
            assert {name: row[3] for (name, _), row in told.items()} == counts, (path, rows)


def test_a_manifest_of_somebody_who_is_no_member_is_listed_too(here) -> None:
    stranger = key(9).device
    receive(here.index, [record("a")], 1, stranger)
    labels = [entry.name for entry in Listing(here, NONE).folder("", "").entries]
    assert labels == sorted(["d1", "d2", "d3", here.label_of(stranger)])


def test_what_is_in_a_folder(here) -> None:
    records = [folder("f"), record("f!"), folder("f/g"), record("f/g/1", 1, "22"), record("f/2")]
    receive(here.index, [*records, folder("empty"), record("implied/a/b")], 1, D2.owner)
    for rows in (1, 2, 3, 4, 5, 6, 7, 8, 50):
        listing = Listing(here, NONE)
        assert every_entry(listing, "d2", rows) == {
            ("empty", "folder"): [0, 0, 0, 0],
            ("f", "folder"): [2, 1, 5, 0],
            ("f!", "file"): [1, 0, 2, 0],
            ("implied", "folder"): [1, 0, 11, 0],
        }, rows
        assert every_entry(listing, "d2/f", rows) == {
            ("2", "file"): [1, 0, 3, 0],
            ("g", "folder"): [1, 0, 2, 0],
        }
        assert every_entry(listing, "d2/implied", rows) == {("a", "folder"): [1, 0, 11, 0]}
        assert every_entry(listing, "d2/empty", rows) == every_entry(listing, "d3", rows) == {}


def test_what_nobody_shares_as_a_folder_is_not_known(here) -> None:
    receive(here.index, [record("f")], 1, D2.owner)
    for path in ("d9", "d2/f", "d2/g", "d2/f/g", "d2/\ud800"):
        page = Listing(here, NONE).folder(path, "")
        assert (page.entries, page.next, page.known) == ([], None, False)


def test_a_file_where_a_folder_is_needed_is_listed_beside_it(here) -> None:
    receive(here.index, [record("x"), record("x/y"), record("x/z")], 1, D2.owner)
    for rows in range(1, 6):
        assert every_entry(Listing(here, NONE), "d2", rows) == {
            ("x", "file"): [1, 0, 1, 0],
            ("x", "folder"): [2, 0, 6, 0],
        }, rows


def test_whatever_stands_there_is_added_up_in_steps_of_any_size(here) -> None:
    chance = random.Random(7685)
    paths = sorted(
        {
            "/".join(chance.choice(["a", "a b", "b", "é", "c!"]) for _ in range(depth))
            for depth in (1, 2, 3, 4)
            for _ in range(40)
        }
    )
    folders = {path for path in paths if any(one.startswith(path + "/") for one in paths)}
    records = [folder(one) if one in folders else record(one, 1, "xyz") for one in paths]
    receive(here.index, records, 1, D2.owner)
    listing = Listing(here, NONE)
    assert [one.path for one in every_path(listing, "d2", 3)] == [
        f"d2/{one}" for one in sorted(paths, key=str.encode)
    ]
    for rows in (1, 2, 3, 7, 20, 4000):
        for top in ["", *sorted(folders)]:
            wanted = brute_force(records, top)
            assert every_entry(listing, f"d2/{top}".rstrip("/"), rows) == wanted, (rows, top)


def brute_force(records: list[FileRecord], top: str) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    prefix = f"{top}/" if top else ""
    for one in records:
        path = one.path.decode()
        if not path.startswith(prefix) or path == top:
            continue
        child, slash, _ = path[len(prefix) :].partition("/")
        is_folder = one.kind is Kind.FOLDER
        row = found.setdefault((child, "folder" if slash or is_folder else "file"), [0, 0, 0, 0])
        row[0] += not is_folder
        row[1] += is_folder and bool(slash)
        row[2] += one.size
    return found


def test_no_answer_looks_at_more_rows_than_it_may(here, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(here.index, [folder("f"), *(record(f"f/{n:03}") for n in range(300))], 1, D2.owner)
    looked: list[int] = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:
            looked.append(words[-1])
            return real(*words)

        return call

    listings = here.index.listings
    for name in ("page", "lines", "amounts"):
        monkeypatch.setattr(listings, name, counted(getattr(listings, name)))
    page = Listing(here, NONE).folder("d2", "", 100)
    assert (page.entries[0].files, page.next) == (99, "f/098")
    assert sum(looked) <= 2 * 100


def test_a_sum_that_no_json_holds_is_cut(here) -> None:
    huge = [FileRecord(b"%d" % n, Kind.FILE, limits.FILE_MAX_BYTES, 5, False, 65536, b"r" * 32, 1)
            for n in range(3)]  # fmt: skip
    receive(here.index, huge, 1, D2.owner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SEQ_MAX", 10)
        assert Listing(here, NONE).folder("", "").entries[1] == EntryView(
            "d2", "folder", 3, 0, 10, 0
        )


def test_a_walk_shows_how_far_it_came(here) -> None:
    receive(here.index, [record("a"), record("b")], 1, D2.owner)
    walk = _FolderWalk(here.index.listings, D2, b"", 9)
    assert walk.run(b"") is None
    assert repr(walk) == "<_FolderWalk: 2 entries, 7 rows left>"
