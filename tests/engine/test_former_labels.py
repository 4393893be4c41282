"""Former labels: which folder still has which name, in memory and in the index."""

from __future__ import annotations

from potluck.core.keys.identity import short_id
from potluck.engine.former_labels import FormerLabels
from potluck.engine.index import Index
from tests.engine.builders import key

ANNA, BERT, CLEO = (key(number).device for number in (2, 3, 4))


def test_a_folder_keeps_its_name_until_it_is_renamed_also_over_a_restart() -> None:
    index = Index.open(":memory:")
    former = FormerLabels(index.meta)
    assert (former.of(ANNA), ANNA in former, list(former)) == ("", False, [])
    former.note(ANNA, "anna", "anne")
    former.note(ANNA, "anne", "ann")
    assert former.of(ANNA) == "anna", "of two labels, one after the other, the disk has the first"
    again = FormerLabels(index.meta)
    assert (again.of(ANNA), ANNA in again, list(again)) == ("anna", True, [ANNA])
    again.stands(ANNA, "ann", "ann")
    assert ANNA not in FormerLabels(index.meta)
    assert repr(former) == "<FormerLabels: 1>"


def test_who_is_called_as_before_has_nothing_to_be_renamed() -> None:
    index = Index.open(":memory:")
    former = FormerLabels(index.meta)
    former.note(ANNA, "anna", "anne")
    former.note(ANNA, "anne", "anna")
    assert list(former) == list(FormerLabels(index.meta)) == []
    former.forget(ANNA)


def test_after_the_index_failed_it_is_written_once_more() -> None:
    index = Index.open(":memory:")
    former = FormerLabels(index.meta)
    index.begin()
    former.note(ANNA, "anna", "anne")
    index.rollback()
    FormerLabels(index.meta).note(BERT, "bert", "bertha")
    former.rewrite()
    found = FormerLabels(index.meta)
    assert {device: found.of(device) for device in found} == {ANNA: "anna"}


def test_a_name_that_a_folder_has_still_is_no_second_ones() -> None:
    former = FormerLabels(Index.open(":memory:").meta)
    before, now = {ANNA: "anna", CLEO: "cleo"}, {ANNA: "anna-2", BERT: "Anna", CLEO: "cleo"}
    former.follow(before, now)
    spare = f"Anna {short_id(BERT)} (waits for its name)"
    assert {device: former.of(device) for device in former} == {ANNA: "anna", BERT: spare}
    assert (former.waits_as(BERT) != "", former.waits_as(ANNA)) == (True, "")
    assert former.is_taken("ANNA", BERT)
    assert not former.is_taken("anna", ANNA), "it is its own"
    former.follow(now, now | {BERT: "bert"})
    assert former.of(BERT) == spare, "the disk has it under that one"
    former.follow(now, {ANNA: "anna"})
    assert ANNA not in former, "it is called again as its folder is"


def test_a_spare_name_is_nobodys() -> None:
    former = FormerLabels(Index.open(":memory:").meta)
    spare = f"d3 {short_id(BERT)} (waits for its name)"
    assert former.spare(BERT, {BERT: "d3"}) == spare
    former.note(ANNA, spare + "-", "anna")
    assert former.spare(BERT, {BERT: "d3", CLEO: spare.upper()}) == f"{spare}--"
