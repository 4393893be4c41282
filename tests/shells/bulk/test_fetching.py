"""Fetching: every order ends once, links are reused and replaced, and orders can be called off.

Strategy: two whole nodes; the holder's fake engine decides what the fetcher runs into.
"""

import threading
import time

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import (
    Address,
    Busy,
    Done,
    FileAsk,
    Folder,
    Gone,
    LinkKind,
    ManifestAsk,
)
from potluck.engine.effects import Answer, CancelFetch, DialToServe, Fetch, ServePieces
from potluck.engine.events import (
    BulkSearch,
    FetchEnded,
    FetchHeard,
    OrderId,
    Outcome,
    PathStalled,
    PiecesVerified,
    RequestHeard,
    SearchStep,
)
from potluck.shells.bulk import fetch_links as fetch_links_module
from potluck.shells.bulk import fetching as fetching_module
from potluck.shells.links import dialling
from potluck.shells.links import stream as stream_module
from tests.shells.peers import content_named, occupied, peers, pieces_of, until

DATA = bytes(range(256)) * 8192  # eight pieces
CONTENT = content_named(DATA)


@pytest.fixture
def pair(monkeypatch):
    monkeypatch.setattr(stream_module, "STEP_S", 0.02)
    with peers() as (holder, fetcher):
        path = holder.shelf.put("Shared/a/file", DATA)
        holder.answers = lambda request: ServePieces(path, CONTENT, pieces_of(request))
        yield holder, fetcher


def order(holder, number=1, pieces=range(8), addresses=None):
    addresses = (holder.address,) if addresses is None else addresses
    ask = FileAsk(CONTENT.root, list(pieces))
    return Fetch(OrderId(number), holder.device, addresses, ask, CONTENT, ())


def ended(fetcher, number=1):
    return until(lambda: next((end for end in fetcher.of(FetchEnded) if end.order == number), None))


def idle_streams(fetcher):
    return [one.stream for waiting in fetcher.fetching.idle._idle.values() for one in waiting]


def test_an_order_ends_once_and_its_link_waits_for_the_next(pair):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher) == FetchEnded(OrderId(1), Outcome.DONE, "")
    assert b"".join(fetcher.drawer.pieces[CONTENT.root, piece] for piece in range(8)) == DATA
    (stream,) = idle_streams(fetcher)
    fetcher.fetching.submit(order(holder, 2, [0]))
    assert ended(fetcher, 2).outcome is Outcome.DONE
    assert idle_streams(fetcher) == [stream]
    assert len(fetcher.of(FetchEnded)) == 2


def test_a_link_that_went_stale_is_replaced(pair):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    ended(fetcher)
    (stale,) = idle_streams(fetcher)
    stale.sock.shutdown(1)  # unusable, and not noticed by looking at it
    stale.unread = lambda: False
    fetcher.fetching.submit(order(holder, 2))
    assert ended(fetcher, 2).outcome is Outcome.DONE
    assert idle_streams(fetcher) != [stale]


def test_a_link_the_other_side_closed_is_noticed_before_it_is_used(pair):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    ended(fetcher)
    (closed,) = idle_streams(fetcher)
    holder.trust()
    until(lambda: not holder.serving._links)
    holder.trust(fetcher)
    fetcher.fetching.submit(order(holder, 2))
    assert ended(fetcher, 2).outcome is Outcome.DONE
    assert closed.sock.fileno() == -1


def test_idle_links_are_closed_in_time_and_bounded(pair):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    ended(fetcher)
    until(lambda: fetcher.fetching.deadline() is not None)
    assert fetcher.fetching.deadline() > time.monotonic()
    fetcher.fetching.on_tick(time.monotonic())
    assert idle_streams(fetcher)
    fetcher.fetching.on_tick(time.monotonic() + fetch_links_module.REUSE_S + 1)
    assert not idle_streams(fetcher)
    assert fetcher.fetching.deadline() is None

    class Closed:
        closed = False

        def close(self):
            self.closed = True

        def unread(self):
            return False

    spare = [Closed() for _ in range(limits.FETCHES_PER_PEER + 1)]
    for one in spare:
        fetcher.fetching.idle.put((holder.device, LinkKind.BULK), one)
    assert [one.closed for one in spare] == [False, False, True]


def test_how_an_order_comes_is_told(pair, monkeypatch):
    monkeypatch.setattr("potluck.core.limits.PACE_TOLD_S", 0.01)
    holder, fetcher = pair
    holder.answers = lambda _request: None
    fetcher.fetching.submit(order(holder))
    until(lambda: fetcher.of(FetchHeard))
    fetcher.fetching.cancel(CancelFetch(OrderId(1)))
    assert ended(fetcher).detail == "cancelled"
    told = fetcher.of(FetchHeard)
    assert {(fact.order, fact.size_bytes) for fact in told} == {(1, 0)}
    assert all(fact.waited_s >= 0.01 for fact in told)


def test_a_link_too_long_idle_is_not_used_again(pair, monkeypatch):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    ended(fetcher)
    monkeypatch.setattr(fetch_links_module, "REUSE_S", 0.0)
    assert fetcher.fetching.idle.take((holder.device, LinkKind.BULK)) is None


@pytest.mark.parametrize(
    ("reply", "outcome"), [(Gone(), Outcome.GONE), (Busy(), Outcome.BUSY), (Done(), Outcome.GONE)]
)
def test_what_the_holder_says_is_the_outcome_and_the_link_stays(pair, reply, outcome):
    holder, fetcher = pair
    holder.answers = lambda _request: reply
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher).outcome is outcome
    assert len(idle_streams(fetcher)) == 1


def test_news_passes_while_every_worker_and_link_for_pieces_is_taken(pair):
    holder, fetcher = pair
    manifest = ManifestAsk(holder.device, Folder.OWN, 0, 1)
    holder.answers = lambda heard: Gone() if isinstance(heard.message, ManifestAsk) else None
    for number in range(limits.WORKERS + 1):
        fetcher.fetching.submit(order(holder, number))
    holder.wait(RequestHeard, limits.FETCHES_PER_PEER)
    news = Fetch(OrderId(99), holder.device, (holder.address,), manifest, None, ())
    fetcher.fetching.submit(news)
    until(lambda: any(end.order == OrderId(99) for end in fetcher.of(FetchEnded)))
    (ended_news,) = (end for end in fetcher.of(FetchEnded) if end.order == OrderId(99))
    assert ended_news.outcome is Outcome.GONE
    assert set(fetcher.fetching.idle._idle) == {(holder.device, LinkKind.NEWS)}


def test_pieces_give_way_while_news_comes_from_there(pair):
    holder, fetcher = pair
    pieces = holder.answers
    holder.answers = lambda heard: pieces(heard) if isinstance(heard.message, FileAsk) else None
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher).outcome is Outcome.DONE
    (stream,) = until(lambda: idle_streams(fetcher))
    assert not stream.gives_way(), "an order of pieces is no news"
    manifest = ManifestAsk(holder.device, Folder.OWN, 0, 1)
    news = Fetch(OrderId(99), holder.device, (holder.address,), manifest, None, ())
    fetcher.fetching.submit(news)
    until(stream.gives_way)
    assert repr(fetcher.fetching.news) == "<NewsUnderWay: 1 orders>"
    assert not fetcher.fetching.news.comes_from(fetcher.device), "it comes from another one"
    fetcher.fetching.cancel(CancelFetch(OrderId(99)))
    until(lambda: not stream.gives_way())


def test_a_third_link_is_busy(pair):
    holder, fetcher = pair
    holder.answers = lambda _request: None
    for number in range(3):
        fetcher.fetching.submit(order(holder, number))
    end = fetcher.wait(FetchEnded)[0]
    assert (end.outcome, end.detail) == (Outcome.BUSY, "busy")
    for number in range(3):
        fetcher.fetching.cancel(CancelFetch(OrderId(number)))
    assert {end.detail for end in fetcher.wait(FetchEnded, 3)} == {"busy", "cancelled"}


def test_a_stalled_holder_is_given_up(pair, monkeypatch):
    monkeypatch.setattr(limits, "BULK_STALL_S", 0.1)
    holder, fetcher = pair
    holder.answers = lambda _request: None
    fetcher.fetching.submit(order(holder))
    end = ended(fetcher)
    assert end.outcome is Outcome.BROKEN
    assert not idle_streams(fetcher)
    assert fetcher.wait(PathStalled) == [PathStalled("127.0.0.1")]


def test_called_off_between_two_pieces(pair):
    holder, fetcher = pair
    real = fetcher.drawer.check
    fetcher.drawer.check = lambda: (real(), fetcher.fetching.cancel(CancelFetch(OrderId(1))))
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher) == FetchEnded(OrderId(1), Outcome.BROKEN, "cancelled")
    assert [heard.pieces for heard in fetcher.of(PiecesVerified)] == [(0,)], (
        "what is written is reported"
    )
    assert fetcher.drawer.opened == 0
    until(lambda: not holder.serving._links)


def test_called_off_before_it_began_and_after_it_ended(pair):
    holder, fetcher = pair
    with occupied(fetcher.fetching._workers):
        fetcher.fetching.submit(order(holder))
        fetcher.fetching.cancel(CancelFetch(OrderId(1)))
    assert ended(fetcher).detail == "cancelled"
    fetcher.fetching.cancel(CancelFetch(OrderId(1)))
    assert len(fetcher.of(FetchEnded)) == 1


def test_our_own_disk_is_told_apart_from_the_link(pair):
    holder, fetcher = pair
    fetcher.drawer.full = True
    fetcher.fetching.submit(order(holder))
    end = ended(fetcher)
    assert end.outcome is Outcome.DISK
    assert "No space left" in end.detail


def test_addresses_are_tried_in_order(pair, monkeypatch):
    monkeypatch.setattr(limits, "CALLED_S", 0.05)
    holder, fetcher = pair
    nobody = Address("127.0.0.1", 1)
    fetcher.fetching.submit(order(holder, 1, addresses=(nobody, holder.address)))
    assert ended(fetcher).outcome is Outcome.DONE
    fetcher.fetching.on_tick(time.monotonic() + 100)
    fetcher.fetching.submit(order(holder, 2, addresses=(nobody,)))
    assert ended(fetcher, 2) == FetchEnded(OrderId(2), Outcome.BROKEN, "refused")
    fetcher.fetching.submit(order(holder, 3, addresses=()))
    assert ended(fetcher, 3).detail == "no address"


def test_whoever_can_dial_dials(pair):
    holder, fetcher = pair
    nobody = Address("127.0.0.1", 1)
    fetcher.fetching.submit(order(holder, 1, addresses=(nobody,)))
    lacking = BulkSearch(holder.device, LinkKind.BULK, SearchStep.LACKING, "refused")
    assert fetcher.wait(BulkSearch) == [lacking]
    holder.dialling.call(DialToServe(OrderId(9), fetcher.device, (fetcher.address,), LinkKind.BULK))
    assert ended(fetcher).outcome is Outcome.DONE
    assert [search.step for search in fetcher.of(BulkSearch)] == [
        SearchStep.LACKING,
        SearchStep.FOUND,
    ]
    fetcher.fetching.submit(order(holder, 2, [0], addresses=()))
    assert ended(fetcher, 2).outcome is Outcome.DONE, "the link waited for it"
    assert len(fetcher.of(BulkSearch)) == 2


def test_who_waits_for_a_link_in_vain_says_so_and_may_be_called_off(pair, monkeypatch):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder, 1, addresses=()))
    fetcher.wait(BulkSearch)
    fetcher.fetching.cancel(CancelFetch(OrderId(1)))
    assert ended(fetcher).detail == "cancelled"
    monkeypatch.setattr(limits, "CALLED_S", 0.05)
    fetcher.fetching.submit(order(holder, 2, addresses=()))
    assert ended(fetcher, 2) == FetchEnded(OrderId(2), Outcome.BROKEN, "no address")
    assert [search.step for search in fetcher.of(BulkSearch)] == [
        SearchStep.LACKING,
        SearchStep.LACKING,
        SearchStep.MISSED,
    ]


def test_who_is_no_member_is_not_asked_even_over_an_idle_link(pair):
    holder, fetcher = pair
    fetcher.fetching.submit(order(holder))
    ended(fetcher)
    fetcher.trust()
    fetcher.fetching.submit(order(holder, 2))
    assert ended(fetcher, 2).detail == "not a member"


def test_something_unforeseen_still_ends_the_order(pair, monkeypatch):
    holder, fetcher = pair
    said = []
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_value))
    monkeypatch.setattr(fetching_module, "carry_out", lambda _exchange: 1 // 0)
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher).outcome is Outcome.BROKEN
    assert isinstance(until(lambda: said)[0], ZeroDivisionError)


def test_closing_calls_everything_off(pair):
    holder, fetcher = pair
    holder.answers = lambda _request: None
    fetcher.fetching.submit(order(holder))
    holder.wait(RequestHeard)
    assert fetcher.fetching.close(5)
    assert ended(fetcher).detail == "cancelled"
    fetcher.fetching.submit(order(holder, 2))
    assert ended(fetcher, 2).detail == "stopping"


def test_an_order_that_never_began_ends_too(pair):
    holder, fetcher = pair
    with occupied(fetcher.fetching._workers):
        fetcher.fetching.submit(order(holder))
        fetcher.fetching.close(0)
        assert ended(fetcher) == FetchEnded(OrderId(1), Outcome.BROKEN, "stopping")
    assert len(fetcher.of(FetchEnded)) == 1
    assert not fetcher.fetching._orders


def test_a_link_that_becomes_idle_after_the_end_is_closed(pair):
    holder, fetcher = pair
    holder.answers = lambda _request: None
    fetcher.fetching.submit(order(holder))
    request = holder.wait(RequestHeard)[0]
    fetcher.fetching.idle.close()
    holder.serving.answer(Answer(request.request, Done()))
    ended(fetcher)
    assert repr(fetcher.fetching.idle) == "<IdleLinks: 0 of 0 kinds, closed=True>"


def test_who_asks_the_holder_that_just_removed_us_hears_nothing(pair):
    holder, fetcher = pair
    removed = threading.Event()

    def remove(_request):
        holder.current_trust.trust([])
        removed.set()
        return ServePieces(holder.shelf.put("Shared/a/file", DATA), CONTENT, (0,))

    holder.answers = remove
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher).outcome is Outcome.BROKEN
    assert removed.is_set()
    assert not fetcher.drawer.pieces


def test_who_is_removed_while_it_answers_is_cut_off(pair):
    holder, fetcher = pair
    holder.answers = lambda _request: None
    fetcher.fetching.submit(order(holder))
    holder.wait(RequestHeard)
    fetcher.trust()
    assert ended(fetcher).outcome is Outcome.BROKEN
    assert repr(fetcher.fetching.used) == "<UsedLinks: 0>"


def test_who_is_removed_while_it_is_dialled_is_not_asked(pair, monkeypatch):
    holder, fetcher = pair
    real = dialling.open_first

    def dialled(*asked):
        stream = real(*asked)
        fetcher.trust()
        return stream

    monkeypatch.setattr(fetching_module, "open_first", dialled)
    fetcher.fetching.submit(order(holder))
    assert ended(fetcher).detail == "cancelled"
    assert not holder.of(RequestHeard)
