"""Tests of reading: one order at a time for a path, results that do not count, patience with
restless files.
"""

from __future__ import annotations

from potluck.core.content.facts import Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, PieceList
from potluck.engine.effects import Hash
from potluck.engine.events import FilesHashed, Hashed, OrderId
from potluck.engine.own.reading import HASH_BATCH, UNSTABLE_MAX_S, Reading
from tests.engine.builders import node, taken

A, B, C = (parse_wire_path(b"d1/" + name) for name in (b"a", b"b", b"c"))


def hashed(path: SafePath) -> Hashed:
    return Hashed(path, Stat(0, 1, 1, 1, False), PieceList(EMPTY_ROOT, 0, 1 << 18, b""))


def begun(*paths: SafePath) -> tuple[Reading, Hash]:
    reading = Reading(node())
    reading.begin((path, 0) for path in paths)
    (order,) = taken(reading._node, Hash)
    return reading, order


def test_files_are_read_in_batches_and_never_twice_at_a_time() -> None:
    reading = Reading(node())
    paths = [parse_wire_path(b"d1/%04d" % number) for number in range(HASH_BATCH + 1)]
    reading.begin([(path, 7) for path in [*paths, paths[0]]])
    reading.begin([(path, 7) for path in paths])
    first, second = taken(reading._node, Hash)
    assert (len(first.files), second.files) == (HASH_BATCH, ((paths[-1], 7),))
    assert len(reading) == HASH_BATCH + 1


def test_results_come_in_parts_and_count_once() -> None:
    reading, order = begun(A, B)
    assert reading.is_awaited(A)
    assert reading.end(FilesHashed(order.order, (hashed(A),), (), last=False)) == ([hashed(A)], [])
    assert [reading.is_awaited(one) for one in (A, B, C)] == [False, True, False]
    assert reading.end(FilesHashed(order.order, (hashed(A), hashed(B)), (), last=True)) == (
        [hashed(B)],
        [],
    )
    assert reading.end(FilesHashed(order.order, (hashed(A),), (), last=True)) == ([], [])
    assert len(reading) == 0


def test_an_order_nobody_gave_changes_nothing() -> None:
    reading, _ = begun(A)
    assert reading.end(FilesHashed(OrderId(1), (hashed(A),), (), last=True)) == ([], [])
    assert reading.has(A)


def test_a_file_seen_while_it_is_read_is_looked_at_again_afterwards() -> None:
    reading, order = begun(A, B)
    reading.on_seen(A)
    reading.on_seen(C)
    assert reading.end(FilesHashed(order.order, (hashed(A), hashed(B)), (), last=True)) == (
        [hashed(A), hashed(B)],
        [A],
    )


def test_what_is_gone_does_not_count_even_if_it_was_read() -> None:
    reading, order = begun(A, B)
    reading.cancel([A, C])
    reading.begin([(A, 0)])
    (again,) = taken(reading._node, Hash)
    assert reading.end(FilesHashed(order.order, (hashed(A), hashed(B)), (), last=True)) == (
        [hashed(B)],
        [],
    )
    assert reading.end(FilesHashed(again.order, (hashed(A),), (), last=True)) == ([hashed(A)], [])


def test_a_file_that_never_holds_still_for_a_day_overflows_no_number() -> None:
    reading, order = begun(A)
    for _ in range(1_100):
        assert reading.end(FilesHashed(order.order, (), (A,), last=True)) == ([], [])
        reading._node.now = reading.deadline() or 0.0
        assert reading.due() == [A]
        reading.begin([(A, 0)])
        (order,) = taken(reading._node, Hash)


def test_a_file_that_never_holds_still_is_left_alone_ever_longer() -> None:
    reading, order = begun(A)
    now, waits = 0.0, []
    for _ in range(8):
        assert reading.end(FilesHashed(order.order, (), (A,), last=True)) == ([], [])
        assert (reading.has(A), len(reading)) == (True, 0)
        reading.begin([(A, 0)])  # whatever hints say
        assert taken(reading._node, Hash) == []
        due = reading.deadline()
        assert due is not None
        waits.append(due - now)
        reading._node.now = now = due
        assert reading.due() == [A]
        reading.begin([(A, 0)])
        (order,) = taken(reading._node, Hash)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, UNSTABLE_MAX_S, UNSTABLE_MAX_S, UNSTABLE_MAX_S]
    reading.end(FilesHashed(order.order, (hashed(A),), (), last=True))
    reading.begin([(A, 0)])
    (order,) = taken(reading._node, Hash)
    reading.end(FilesHashed(order.order, (), (A,), last=True))
    assert reading.deadline() == now + 1.0


def test_a_file_left_out_of_a_complete_result_is_restless_too() -> None:
    reading, order = begun(A, B)
    reading.end(FilesHashed(order.order, (hashed(A),), (), last=True))
    assert (reading.has(A), reading.has(B), reading.paths) == (False, True, [B])


def test_a_restless_file_that_is_gone_is_forgotten_with_its_history() -> None:
    reading, order = begun(A)
    reading.end(FilesHashed(order.order, (), (A,), last=True))
    reading.cancel(reading.paths)
    assert (reading.has(A), reading.paths, reading.deadline()) == (False, [], None)


def test_it_says_how_much_is_in_hand() -> None:
    reading, _ = begun(A, B)
    assert repr(reading) == "<Reading 2 files in 1 orders>"


def test_from_the_third_time_on_a_restless_file_is_read_as_one() -> None:
    for snapshots, called in ((True, [(), (), (), (A,)]), (False, [(), (), (), ()])):
        reading, seen = Reading(node(), snapshots=snapshots), []
        for tries in range(4):
            assert reading.tries(A) == tries
            reading.begin([(A, 0), (B, 0)])
            (order,) = taken(reading._node, Hash)
            seen.append(order.restless)
            reading.end(FilesHashed(order.order, (hashed(B),), (A,), last=True))
            due = reading.due_s(A)
            assert due is not None
            reading._node.now = due
            assert reading.due() == [A]
            assert reading.due_s(A) is None
        assert seen == called


def test_a_file_that_is_left_alone_can_be_read_at_once_if_there_is_hope() -> None:
    reading, order = begun(A)
    reading.end(FilesHashed(order.order, (), (A,), last=True))
    reading.begin([(A, 0)])
    assert not taken(reading._node, Hash)
    reading.hurry(A)
    reading.begin([(A, 0)])
    (again,) = taken(reading._node, Hash)
    assert again.files == ((A, 0),)
    assert reading.tries(A) == 1
