"""What is meant by a path, and what the list has there."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName, Spot
from potluck.engine.views import asked_path as module
from potluck.engine.views.asked_path import AskedPath, asked_path, below
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, place, receive, record

D1, D2 = (ManifestName.own(key(number).device) for number in (1, 2))


def test_a_path_is_in_somebodys_folder_or_nobodys() -> None:
    here = node(1)
    here.roster = group(1, 2)
    for text, name, inner in [
        ("", None, b""),
        ("/", None, b""),
        ("d1", D1, b""),
        ("d2/a/b/", D2, b"a/b"),
        ("d3/a", None, b""),
        ("d1/../d2", None, b""),
    ]:
        asked = asked_path(here, text)
        assert asked == AskedPath(text.strip("/"), name, inner)
    assert asked_path(here, "d2/a").spot == Spot(D2, b"a")
    assert asked_path(here, "d2").spot is asked_path(here, "").spot is None


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("d1/bad\udcff", "d1/bad\\xff"),  # bytes that are no text, as the system hands them over
        ("d1/bad\nname", "d1/bad\\x0aname"),
        ("d1/\ud800", "d1/\\ud800"),
        ("d1/bad\\xff", "d1/bad\\xff"),
        ("d1/ü", "d1/ü"),
    ],
)
def test_a_name_that_is_refused_is_meant_as_people_read_it(typed: str, read: str) -> None:
    here = node(1)
    here.roster = group(1, 2)
    assert asked_path(here, typed).text == read
    assert (asked_path(here, typed).name is None) is ("\\" in read)


def test_a_path_covers_what_is_below_and_is_concerned_by_what_is_above() -> None:
    asked = AskedPath("d2/a", D2, b"a")
    covered = {"d2/a": True, "d2/a/b": True, "d2": False, "d2/ab": False, "d1": False}
    assert {path: asked.covers(path) for path in covered} == covered
    assert {path: asked.concerns(path) for path in covered} == {**covered, "d2": True}
    assert [asked.holds(Spot(name, path)) for name, path in [
        (D2, b"a"), (D2, b"a/b"), (D2, b"ab"), (D1, b"a")
    ]] == [True, True, False, False]  # fmt: skip
    everything = AskedPath("", None, b"")
    assert everything.covers("d1/x")
    assert everything.holds(Spot(D1, b"x"))
    assert AskedPath("d2", D2, b"").holds(Spot(D2, b"x"))


def test_records_are_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    index = node(1).index
    assert below(index, D2, b"").newest_seq == 0
    records = [folder("d", 1), record("d/a", 2, "five!"), record("d/b", 4), record("e", 9)]
    receive(index, records, 9, D2.owner)
    index.places.put(D2, [place(one) for one in records[:2]])
    whole = below(index, D2, b"")
    assert (whole.amount, whole.newest_seq, whole.lacking) == (Amount(3, 1, 9), 9, 2)
    part = below(index, D2, b"d")
    assert (part.amount, part.newest_seq, part.lacking, part.counted) == (
        Amount(2, 0, 8), 4, 1, True
    )  # fmt: skip
    assert part.top == records[0]
    assert (part.meant, whole.meant) == (Amount(2, 1, 8), whole.amount)
    alone = below(index, D2, b"d/a")
    assert (alone.amount, alone.newest_seq, alone.lacking) == (Amount(1, 0, 5), 2, 0)
    nothing = below(index, D2, b"gone")
    assert (nothing.amount, nothing.top) == (NOTHING, None)
    monkeypatch.setattr(module, "ROWS_MAX", 1)
    first = below(index, D2, b"d")
    assert (first.counted, first.newest_seq) == (False, 9), "what was not seen may be newer"
    index.manifests.put(D1, records)
    assert below(index, D1, b"d").newest_seq == 2, "there is no head yet"
