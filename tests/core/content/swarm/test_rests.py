"""Who lacks a content rests longer each time, up to a minute, or until it has something new."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.rests import LONGEST_REST_S, Rests, rest_ends
from potluck.core.keys.identity import DeviceId

ANN, BEN, TOM = (DeviceId(bytes([number]) * 32) for number in range(3))
ROOT, OTHER = Root(b"r" * 32), Root(b"o" * 32)
MOMENT = limits.RETRY_S


def wanted(root: Root = ROOT) -> Download:
    return Download(root, 10, 262_144, owners=[TOM])


def order(peer: DeviceId, what: What = What.LIST) -> Order:
    return Order(1, peer, what, (ROOT,))


def test_what_a_pack_is_without_its_holder_lacks_unless_it_was_wrong() -> None:
    rests, download = Rests(), wanted()
    for times in (1, 2):
        rests.begin(download, order(ANN, What.PACK), 0.0, End.DONE)
        download.retry_s[ANN] = 0.0
        assert download.lacked[ANN] == times
    rests.begin(download, order(BEN), 0.0, End.DONE)
    download.retry_s[TOM] = 60.0  # an item was wrong
    rests.begin(download, order(TOM, What.PACK), 0.0, End.DONE)
    assert (download.lacked[BEN], download.lacked[TOM]) == (0, 0)
    assert download.retry_s == {ANN: 0.0, BEN: MOMENT, TOM: 60.0}


def test_whoever_failed_rests_for_a_moment_however_often() -> None:
    rests, download = Rests(), wanted()
    for now in (0.0, 10.0, 20.0):
        rests.begin(download, order(ANN), now, End.FAILED)
        assert download.retry_s == {ANN: now + MOMENT}


def test_whoever_lacks_it_rests_twice_as_long_each_time_up_to_a_minute() -> None:
    rests, download, now = Rests(), wanted(), 0.0
    pauses = list[float]()
    for _ in range(2000):
        rests.begin(download, order(ANN), now, End.GONE)
        pauses.append(download.retry_s[ANN] - now)
        now = download.retry_s[ANN]
    assert pauses[:7] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert max(pauses) == LONGEST_REST_S
    rests.begin(download, order(BEN), now, End.GONE)
    assert download.retry_s[BEN] == now + MOMENT, "each for itself"


def test_a_longer_rest_stays() -> None:
    rests, download = Rests(), wanted()
    download.retry_s[ANN] = 99.0
    rests.begin(download, order(ANN), 0.0, End.GONE)
    assert download.retry_s[ANN] == 99.0


def test_a_word_about_the_folder_ends_it_but_for_the_first_moment() -> None:
    rests, download = Rests(), wanted()
    downloads = {ROOT: download}
    for _ in range(4):
        rests.begin(download, order(ANN), 0.0, End.GONE)
    assert download.retry_s[ANN] == 16.0
    rests.end(ANN, {BEN}, downloads)
    rests.end(BEN, {TOM}, downloads)
    assert download.retry_s[ANN] == 16.0, "of another folder, and another device"
    rests.end(ANN, {BEN, TOM}, downloads)
    assert download.retry_s[ANN] == MOMENT
    assert repr(rests) == "<Rests of 1 holders>"


def test_what_nobody_wants_any_more_is_forgotten() -> None:
    rests, download = Rests(), wanted()
    rests.begin(download, order(ANN), 0.0, End.GONE)
    rests.begin(wanted(OTHER), order(ANN), 0.0, End.GONE)
    rests.forget(ROOT)
    rests.begin(download, order(ANN), 0.0, End.GONE)
    rests.forget(ROOT)
    rests.end(ANN, {TOM}, {ROOT: download})
    assert download.retry_s[ANN] == 2 * MOMENT


def test_the_ends_of_rests_are_those_of_all_that_was_in_the_order() -> None:
    ann, ben, gone = wanted(), wanted(OTHER), Root(b"g" * 32)
    ann.retry_s[ANN], ben.retry_s[BEN] = 8.0, 9.0
    pack = Order(1, ANN, What.PACK, (ROOT, OTHER, gone))
    assert rest_ends({ROOT: ann, OTHER: ben}, pack, 1.0) == {8.0, 1.0 + MOMENT}
