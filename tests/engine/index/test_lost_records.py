"""Lost records: what is staged and not in the manifest, after a change number, page by page."""

from __future__ import annotations

from potluck.engine.index.lost_records import _PAGE_ROWS
from tests.engine.index.builders import ANNAS, BERTS, folder, index, place, record, records


def test_what_the_manifest_lacks_or_has_otherwise_is_found() -> None:
    made = index()
    made.manifests.put(ANNAS, [record("same", 1), record("other", 2), folder("kind", 3)])
    made.manifests.put(BERTS, [record("new", 1)])
    staged = [
        record("same", 11, mtime_ns=99),
        record("other", 12, "text"),
        record("kind", 13),
        record("new", 14),
        record("before", 10),
    ]
    made.manifests.stage(ANNAS, staged, (), whole=True)
    made.manifests.stage(BERTS, [record("elsewhere", 20)], ())
    made.manifests.stage_rest_as_deleted(ANNAS, 15)
    assert [one.path for one in made.lost_records.since(ANNAS, 10)] == [b"kind", b"new", b"other"]
    assert next(made.lost_records.since(ANNAS, 0)) == record("before", 10)
    assert list(made.lost_records.since(ANNAS, 14)) == []
    assert (made.lost_records.count(ANNAS), made.lost_records.count(BERTS)) == (5, 1)


def test_files_that_stand_here_and_ended_in_what_is_staged_are_counted() -> None:
    made = index()
    here = [record("ended", 1), record("text", 2), record("away", 3), record("later", 9)]
    made.manifests.put(ANNAS, [*here, folder("d", 4)])
    made.manifests.put(BERTS, [record("elsewhere", 1)])
    made.places.put(ANNAS, [place(one) for one in here if one.path != b"away"])
    made.places.put(BERTS, [place(record("away", 1)), place(record("elsewhere", 1))])
    made.manifests.stage(ANNAS, [record("text", 12, "other")], (), whole=True)
    made.manifests.stage_rest_as_deleted(ANNAS, 15)
    assert [made.lost_records.ended(ANNAS, upto) for upto in (0, 8, 9)] == [0, 1, 2]


def test_many_come_page_by_page() -> None:
    made, every = index(), records(2 * _PAGE_ROWS + 1)
    made.manifests.stage(ANNAS, every, (), whole=True)
    assert list(made.lost_records.since(ANNAS, 0)) == every
