"""What is held of others: what keeps it, what ends it, and what is written of it."""

from __future__ import annotations

from potluck.core.content.facts import Amount, Spot
from potluck.core.content.loss_confirms import LossOrigin
from potluck.core.content.loss_window import Loss
from potluck.core.wire.catalogue import FileRecord, RunEnd, encode
from potluck.engine.node import Node
from potluck.engine.others.held_replicas import HeldReplicas
from potluck.engine.troubles import TroubleKind
from tests.engine import builders
from tests.engine.index.builders import folder, place, record
from tests.engine.receiver import ANNA, ANNAS, BERT

KEY = f"losses held {ANNA.hex()}"


def here() -> Node:
    node = builders.node(1)
    node.roster = builders.group(1, 2, 3)
    return node


def lost(*records: FileRecord) -> list[Loss]:
    return [Loss(each.path, each.size, each.root, replaced=False) for each in records]


def test_a_file_is_kept_as_long_as_its_owner_wants_something_else() -> None:
    held, one = HeldReplicas(here()), record("f/a")
    spot, stands = Spot(ANNAS, b"f/a"), place(one)
    assert not held.keeps(spot, None, stands)
    held.hold(ANNAS, 7, lost(one))
    held.hold(ANNAS, 8, lost(one, record("b")))
    assert held.keeps(spot, None, stands)
    assert held.keeps(spot, record("f/a", text="x"), stands)
    assert held.keeps(Spot(ANNAS, b"f"), None, place(folder("f"))), "its folder"
    assert not held.keeps(Spot(ANNAS, b"f"), folder("f"), place(folder("f")))
    assert not held.keeps(Spot(ANNAS, b"c"), None, stands)
    assert not held.keeps(spot, one, stands), "it is wanted again"
    assert not held.has(spot)
    assert held.settle() == [Spot(ANNAS, b"f")]
    assert held.settle() == []
    lot = held.lot(ANNAS)
    assert lot is not None
    assert (lot.seq, lot.amount) == (7, Amount(1, 0, 1))


def test_it_is_news_when_it_is_more_than_twice_as_much() -> None:
    held = HeldReplicas(here())
    held.hold(ANNAS, 1, lost(record("a", text="12345"), record("b", text="12345")))
    assert [held.is_news(ANNAS), held.is_news(ANNAS)] == [True, False]
    held.hold(ANNAS, 2, lost(record("c"), record("d")))
    assert not held.is_news(ANNAS), "twice as many"
    held.hold(ANNAS, 3, lost(record("e", text="")))
    assert held.is_news(ANNAS), "one more"
    held.hold(ANNAS, 4, lost(record("f", text="1234567890123")))
    assert held.is_news(ANNAS), "of the bytes"


def test_a_folder_may_go_when_nothing_in_it_is_held() -> None:
    held = HeldReplicas(here())
    held.hold(ANNAS, 1, lost(record("f/a"), record("f/b")))
    held.release(ANNAS, [b"f/a"])
    assert held.settle() == []
    held.release(ANNAS, [b"f/b"])
    assert held.settle() == [Spot(ANNAS, b"f")]


def test_who_has_another_label_is_called_by_it() -> None:
    node = here()
    held = HeldReplicas(node)
    held.hold(ANNAS, 1, lost(record("a")))
    held.settle()
    node.label_of = lambda device: "anna lee"  # type: ignore[method-assign]
    held.renew()
    (trouble,) = node.troubles.of(TroubleKind.KEPT)
    assert (trouble.subject, trouble.command) == ("anna lee", "confirm 'anna lee'")


def test_what_stands_there_no_more_or_is_a_folder_is_not_kept() -> None:
    held = HeldReplicas(here())
    held.hold(ANNAS, 1, lost(record("a"), record("b")))
    assert not held.keeps(Spot(ANNAS, b"a"), None, None)
    assert not held.keeps(Spot(ANNAS, b"b"), None, place(folder("b")))
    assert (held.names, held.lot(ANNAS)) == (set(), None)
    held.settle()
    assert repr(held) == "<HeldReplicas: 0 files of 0 owners>"


def test_it_is_written_when_it_grows_and_when_half_of_it_is_gone() -> None:
    node = here()
    held = HeldReplicas(node)
    held.hold(ANNAS, 1, lost(*(record(str(number)) for number in range(5))))
    held.settle()
    first = node.index.meta.get(KEY)
    held.release(ANNAS, [b"0", b"1", b"other"])
    held.settle()
    assert node.index.meta.get(KEY) == first
    held.release(ANNAS, [b"2"])
    held.settle()
    assert node.index.meta.get(KEY) not in {first, None}
    assert held.release_all(ANNAS) == [b"3", b"4"]
    held.settle()
    assert node.index.meta.get(KEY) is None
    assert held.release_all(ANNAS) == []


def test_of_one_file_it_is_said_as_of_one() -> None:
    node = here()
    held = HeldReplicas(node)
    held.hold(ANNAS, 1, lost(record("a")))
    held.settle()
    (trouble,) = node.troubles.of(TroubleKind.KEPT)
    assert "1 file (1 B) stays here as it was (d2/a); confirm" in trouble.reason


def test_a_start_takes_up_what_is_still_lost_only() -> None:
    node = here()
    before = HeldReplicas(node)
    before.hold(ANNAS, 3, lost(record("a"), record("b")))
    before.settle()
    node.index.places.put(ANNAS, [place(record("a"))])
    held = HeldReplicas(node)
    held.start()
    lot = held.lot(ANNAS)
    assert lot is not None
    assert (lot.seq, list(lot.sizes)) == (3, [b"a"])
    assert held.names == {ANNAS}
    assert not held.has(Spot(ANNAS._replace(owner=BERT), b"a"))


def test_what_was_held_in_a_transaction_that_was_undone_was_never_held() -> None:
    node = here()
    held = HeldReplicas(node)
    held.hold(ANNAS, 1, lost(record("f/a"), record("f/b")))
    held.settle()
    node.index.rollback()
    held.release(ANNAS, [b"f/a", b"f/b"])
    held.start()
    assert (held.names, held.settle()) == (set(), [])


def test_since_when_each_is_lost_is_kept_and_a_later_change_is_noted() -> None:
    node = here()
    before, first, later = HeldReplicas(node), RunEnd(1, 3, b"a"), RunEnd(1, 9, b"a")
    before.hold(ANNAS, 3, lost(record("a"), record("b"), record("c")))
    origins = {b"a": LossOrigin(first, 2), b"b": LossOrigin(first, 3), b"x": LossOrigin(first, 1)}
    before.note_origins(ANNAS, origins)
    before.settle()
    before.note_origins(ANNAS, {b"b": LossOrigin(later, 9)})
    before.settle()
    written = node.index.meta.get(KEY)
    before.note_origins(ANNAS, {b"x": LossOrigin(later, 9)})
    before.note_origins(ANNAS._replace(owner=BERT), {b"a": LossOrigin(later, 9)})
    before.settle()
    assert node.index.meta.get(KEY) == written
    node.index.places.put(ANNAS, [place(record(name)) for name in "abc"])
    held = HeldReplicas(node)
    held.start()
    lot = held.lot(ANNAS)
    assert lot is not None
    assert lot.origins[b"a"] == LossOrigin(first, 2)
    assert lot.origins[b"b"] == LossOrigin(later, 9)
    held.release(ANNAS, [b"a"])
    assert b"a" not in lot.origins


def test_what_an_earlier_potluck_held_is_held_and_since_when_is_not_known() -> None:
    node = here()
    node.index.meta.set(KEY, encode((3, [(b"a", 1)])))
    node.index.places.put(ANNAS, [place(record("a"))])
    held = HeldReplicas(node)
    held.start()
    lot = held.lot(ANNAS)
    assert lot is not None
    assert (lot.seq, lot.sizes, lot.origins) == (3, {b"a": 1}, {})
    node.index.places.put(ANNAS, [place(record("b"))])
    held.hold(ANNAS, 4, lost(record("b")))
    held.note_origins(ANNAS, {b"b": LossOrigin(RunEnd(1, 4, b"run"), 4)})
    held.settle()
    again = HeldReplicas(node)
    again.start()
    lot = again.lot(ANNAS)
    assert lot is not None
    assert (set(lot.sizes), set(lot.origins)) == ({b"a", b"b"}, {b"b"}), "nor in a later run"


def test_where_nobody_else_could_confirm_it_nothing_is_said_of_others() -> None:
    node = here()
    held = HeldReplicas(node)
    held.hold(ANNAS, 1, lost(record("a")))
    held.renew()
    node.roster = builders.group(1, 2)
    (trouble,) = node.troubles.of(TroubleKind.KEPT)
    assert trouble.reason.endswith("confirm that only if it was meant, once, on any device but d2")
    held.renew()
    (trouble,) = node.troubles.of(TroubleKind.KEPT)
    assert trouble.reason.endswith("confirm that only if it was meant")
