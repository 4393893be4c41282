"""One content: what of it is lacking, asked and here, found without going over it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root, file_root, piece_hash, zero_hash
from potluck.core.content.swarm.download import LIST_FRAME_BYTES, Download, Order, What
from tests.core.fakes import ANN, BEN

SMALL = limits.PIECE_MIN_BYTES
A, B = ANN.device, BEN.device


def content(pieces: int, zeros: tuple[int, ...] = ()) -> PieceList:
    hashes = [zero_hash(SMALL) if n in zeros else piece_hash(b"%d" % n) for n in range(pieces)]
    joined = b"".join(hashes)
    return PieceList(file_root(pieces * SMALL, SMALL, joined), pieces * SMALL, SMALL, joined)


def listed(pieces: int, zeros: tuple[int, ...] = ()) -> Download:
    one = content(pieces, zeros)
    download = Download(one.root, one.size_bytes, SMALL)
    download.learn(one)
    return download


def test_a_small_content_is_unasked_until_it_is_in_an_order_or_here() -> None:
    download = Download(Root(bytes(32)), 5, SMALL, [A])
    assert download.small
    assert download.unasked
    download.orders.add(1)
    assert not download.unasked
    download.orders.clear()
    download.have = Bitfield(1, b"\1")
    assert not download.unasked
    assert download.complete
    assert download.done_bytes == 5
    assert not Download(Root(bytes(32)), SMALL + 1, SMALL).unasked


def test_how_long_a_list_is_follows_from_the_record() -> None:
    assert Download(Root(bytes(32)), 3 * SMALL - 1, SMALL).list_bytes == 96 + LIST_FRAME_BYTES


def test_without_a_list_nothing_can_be_asked() -> None:
    download = Download(Root(bytes(32)), 3 * SMALL, SMALL)
    assert download.take_run(10 * SMALL) == ()
    assert not download.lacks_orders
    assert not download.complete
    assert download.done_bytes == 0
    assert download.to_come_bytes == 3 * SMALL


def test_runs_are_adjacent_and_what_was_given_back_comes_first() -> None:
    download = listed(8, zeros=(3,))
    assert download.take_run(2 * SMALL) == (0, 1)
    assert download.take_run(9 * SMALL) == (2,), "3 is a hole"
    assert download.take_run(2 * SMALL) == (4, 5)
    download.give_back((0, 1))
    download.give_back((0, 1))
    assert download.have is not None
    download.have.add(0)
    assert download.take_run(9 * SMALL) == (1,), "0 came meanwhile, 2 is asked"
    assert download.take_run(0) == (6,), "one at least"
    assert download.take_run(9 * SMALL) == (7,)
    assert download.take_run(9 * SMALL) == ()
    assert not download.lacks_orders


def test_what_takes_its_room_at_once_counts_as_here_with_its_first_piece() -> None:
    download = listed(4)
    assert download.at_once
    assert download.to_come_bytes == 4 * SMALL
    assert download.have is not None
    download.have.add(2)
    assert download.to_come_bytes == 0
    assert not listed(4, zeros=(1,)).at_once


def test_who_rests_or_was_wrong_twice_is_not_willing() -> None:
    download = Download(Root(bytes(32)), 5, SMALL)
    download.retry_s[A] = 7.0
    assert download.willing([A, B], 6.9) == [B]
    assert download.willing([A, B], 7.0) == [A, B]
    download.strikes[A] = limits.STRIKES
    assert download.willing([A, B], 7.0) == [B]
    again = Download(Root(bytes(32)), 6, SMALL)
    again.keep_rests(download, 1.0)
    assert again.willing([A, B], 1.0 + limits.RETRY_S - 0.1) == [B]
    assert again.willing([A, B], 1.0 + limits.RETRY_S) == [A, B], "who sent another size may try"


def test_who_was_asked_in_vain_has_failed_also_when_it_rests_no_more() -> None:
    download = Download(Root(bytes(32)), 5, SMALL, [A])
    assert not download.failed(A)
    download.retry_s[A] = 1.0
    assert (download.failed(A), download.willing([A], 2.0)) == (True, [A])
    download.strikes[B] = limits.STRIKES
    assert download.failed(B)


def test_what_an_order_brought() -> None:
    download = listed(3)
    pieces = Order(1, A, What.PIECES, (download.root,), (0, 1))
    assert download.brought(Order(1, A, What.LIST, (download.root,)))
    assert not download.brought(Order(1, A, What.PACK, (download.root,)))
    assert not download.brought(pieces)
    assert download.have is not None
    download.have.add(0)
    download.have.add(1)
    assert download.brought(pieces)
    assert not Download(download.root, 3 * SMALL, SMALL).brought(pieces)
    assert [what.news for what in What] == [True, True, False]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which pieces were looked at."""
    looked: list[int] = []
    plain = Bitfield.__contains__

    def contains(self: Bitfield, piece: int) -> bool:
        looked.append(piece)
        return plain(self, piece)

    monkeypatch.setattr(Bitfield, "__contains__", contains)
    return looked


def test_finding_all_runs_looks_at_each_piece_a_few_times_however_many_there_are(
    looks: list[int],
) -> None:
    """It was all of them for every run: 44 s of CPU for a record of 64 TiB."""
    for pieces in (500, 2000):
        download = listed(pieces)
        looks.clear()
        while download.lacks_orders:
            run = download.take_run(SMALL)
            if run[0] % 2:
                continue
            assert download.have is not None
            download.have.add(run[0])
            download.asked.discard(run[0])
        assert len(looks) < 8 * pieces


def test_a_piece_that_never_comes_makes_nobody_look_at_the_others_again(looks: list[int]) -> None:
    download = listed(2000)
    run = download.take_run(SMALL)
    download.take_run(1990 * SMALL)
    looks.clear()
    for _ in range(100):
        download.give_back(run)
        run = download.take_run(SMALL)
        assert run == (0,)
    assert len(looks) < 100 * 12


@given(st.data())
def test_a_piece_is_in_one_run_at_most_and_all_are_asked_in_the_end(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 40))
    download = listed(count)
    assert download.have is not None
    under_way: list[tuple[int, ...]] = []
    for _ in range(data.draw(st.integers(0, 30))):
        bring: bool = data.draw(st.booleans())
        if under_way and bring:
            run = under_way.pop()
            for piece in run[: data.draw(st.integers(0, len(run)))]:
                download.have.add(piece)
                download.asked.discard(piece)
            download.give_back(run)
        elif run := download.take_run(data.draw(st.integers(0, 5)) * SMALL):
            under_way.append(run)
        flat = [piece for run in under_way for piece in run]
        assert len(set(flat)) == len(flat)
    while run := download.take_run(10 * SMALL):
        under_way.append(run)
    asked = {piece for run in under_way for piece in run}
    assert asked | set(range(count)).difference(download.have.missing()) == set(range(count))
    assert not download.lacks_orders


def test_who_is_excused_does_not_rest_once_in_a_while() -> None:
    before = download = Download(Root(bytes(32)), 5, SMALL)
    for now, rests in ((0.0, False), (1.0, True), (limits.RETRY_S, False)):
        download.retry_s[A] = now + limits.RETRY_S
        download.excuse(A, now)
        assert (A in download.retry_s) is rests
        download = Download(Root(bytes(32)), 6, SMALL)
        download.keep_rests(before, now)
        before = download
