"""Sealed datagrams: what is sealed opens for members, once, and for nobody else."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.group.removals import GroupStanding
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.keys.sealing import MAGIC, OVERHEAD_BYTES, seal_datagram
from potluck.core.wire.catalogue import Beacon, Envelope, Ping, encode
from potluck.engine.effects import Transmit
from potluck.engine.node import Node
from potluck.engine.ring.sealed_datagrams import FormerCall, SealedDatagrams
from tests.engine.builders import address, group, key, node, taken

BEACON = Beacon(7685, 1, b"digest", 2)


def sealed_datagrams(number: int, *members: int, run: int = 1) -> tuple[Node, SealedDatagrams]:
    here = node(number, run=run)
    here.roster = group(*(members or (1, 2)))
    return here, SealedDatagrams(here)


def sealed(here: Node, envelope: object) -> bytes:
    assert here.roster is not None
    return seal_datagram(here.roster.group_key, bytes(12), encode(envelope))


def say(here: Node, speaker: SealedDatagrams, message: Beacon | Ping = BEACON) -> bytes:
    speaker.transmit(message, None)
    (effect,) = taken(here, Transmit)
    return effect.data


def test_what_a_member_says_is_heard_once() -> None:
    one, two = sealed_datagrams(1), sealed_datagrams(2)
    data = say(*one)
    assert two[1].open(data) == (key(1).device, BEACON)
    assert two[1].open(data) is None
    assert not two[1].is_foreign(data)


def test_a_member_that_was_restarted_is_heard() -> None:
    two = sealed_datagrams(2)[1]
    assert two.open(say(*sealed_datagrams(1))) is not None
    assert two.open(say(*sealed_datagrams(1, run=2))) is not None


def test_there_is_an_end_to_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIGHTED", 1)
    here = sealed_datagrams(3, 1, 2, 3)[1]
    for number in (1, 2, 2):
        here.open(say(*sealed_datagrams(number, 1, 2, 3)))
    assert list(here._windows) == [key(2).device]


def test_our_own_voice_come_back_is_not_another_group() -> None:
    here, speaker = sealed_datagrams(1)
    data = say(here, speaker)
    assert speaker.open(data) is None
    assert not speaker.is_foreign(data)


def test_what_another_run_calls_in_our_name_is_a_hint() -> None:
    here, speaker = sealed_datagrams(1)
    assert speaker.own_call(say(here, speaker)) is None, "that is this run"
    assert speaker.own_call(say(*sealed_datagrams(1, run=2))) == BEACON
    assert speaker.own_call(say(*sealed_datagrams(1, run=2), Ping(1, b"", b""))) is None
    assert speaker.own_call(say(*sealed_datagrams(2))) is None
    assert speaker.own_call(b"nothing") is None


def test_another_group_is_noticed_and_not_understood() -> None:
    stranger = say(*sealed_datagrams(5, 5, 6))
    _, here = sealed_datagrams(1)
    assert here.open(stranger) is None
    assert here.is_foreign(stranger)
    assert not here.is_foreign(b"rubbish")


def test_the_roster_is_asked_for_keys_only_when_something_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, listener = sealed_datagrams(2, 1, 2, 3)
    assert here.roster is not None
    first, speaker = sealed_datagrams(1, 1, 2, 3)
    one, other = say(first, speaker), say(first, speaker)
    assert listener.open(one) is not None
    with monkeypatch.context() as asked:
        asked.setattr(GroupStanding, "keys", property(lambda _: pytest.fail("asked again")))
        assert listener.open(other) is not None
    said = Remove(here.roster.group, key(3).device, [], b"", None, key_id(b"k" * 32), [])
    here.roster.add(sign_removal(key(1), said, []))
    late = say(first, speaker)
    assert listener.open(late) is None, "there was a removal"
    assert listener.hint(late) is not None
    first.roster = here.roster
    for device in (first, here):
        assert listener.open(fresh := say(first, speaker)) is None
        device.group_keys.learn(b"k" * 32, here.roster.standing.keys)
    assert listener.open(fresh) is not None, "there is a new key"


def test_somebody_outside_the_roster_is_not_heard_and_leaves_no_trace() -> None:
    here, listener = sealed_datagrams(1)
    data = sealed(here, Envelope(key(9).device, b"run", 1, msgspec.Raw(encode(BEACON))))
    assert listener.open(data) is None
    assert listener._windows == {}


@pytest.mark.parametrize(
    "envelope",
    [
        b"no envelope",
        Envelope(key(2).device, b"run", 1, msgspec.Raw(encode({"t": "later"}))),
        Envelope(key(2).device, b"run", 1, msgspec.Raw(encode({"t": "beacon", "port": -1}))),
    ],
)
def test_rubbish_of_a_member_is_nothing(envelope: object) -> None:
    here, listener = sealed_datagrams(1)
    assert listener.open(sealed(here, envelope)) is None


def test_a_datagram_that_was_tampered_with_does_not_open() -> None:
    data = bytearray(say(*sealed_datagrams(2)))
    data[-1] ^= 1
    _, listener = sealed_datagrams(1)
    assert listener.open(bytes(data)) is None
    assert not listener.is_foreign(bytes(data))


def test_another_group_is_another_start() -> None:
    here, listener = sealed_datagrams(1)
    data = say(*sealed_datagrams(2))
    listener.open(data)
    listener.restart()
    assert listener._windows == {}
    assert here.roster is not None


def test_it_is_sent_where_the_device_is_or_where_it_is_wanted() -> None:
    here, speaker = sealed_datagrams(1)
    device = key(2).device
    speaker.send(device, BEACON)
    here.peer(device)
    speaker.send(device, BEACON)
    here.peer(device).address = address(2, 0)
    speaker.send(device, BEACON)
    assert here.take() == [], "nobody knows where that is"
    here.peer(device).address = address(2)
    speaker.send(device, BEACON)
    speaker.send(device, BEACON, address(3))
    assert [effect.to for effect in taken(here, Transmit)] == [address(2), address(3)]


def test_nothing_longer_than_a_datagram_leaves() -> None:
    here, speaker = sealed_datagrams(1)
    speaker.transmit(Ping(1, b"", bytes(limits.DATAGRAM_BYTES)), None)
    assert here.take() == []
    around = len(say(here, speaker, Ping(1, b"", bytes(1000)))) - 1000
    longest = limits.DATAGRAM_BYTES - around
    assert len(say(here, speaker, Ping(1, b"", bytes(longest)))) == limits.DATAGRAM_BYTES
    speaker.transmit(Ping(1, b"", bytes(longest + 1)), None)
    assert here.take() == []


def test_without_a_group_nothing_is_said_and_everything_is_foreign() -> None:
    here = node(1)
    silent = SealedDatagrams(here)
    silent.transmit(BEACON, None)
    assert here.take() == []
    data = say(*sealed_datagrams(2))
    assert silent.open(data) is None
    assert silent.is_foreign(data)
    assert not silent.is_foreign(MAGIC + bytes(OVERHEAD_BYTES - len(MAGIC) - 1))


def test_it_shows_its_state_in_one_line() -> None:
    _, speaker = sealed_datagrams(1)
    speaker.transmit(BEACON, None)
    assert repr(speaker) == "<SealedDatagrams said=1, heard=0 devices>"


def test_under_an_older_key_a_member_calls_and_nothing_else() -> None:
    here, mine = sealed_datagrams(2, 1, 2, 3)
    roster = here.roster
    assert roster is not None
    away, theirs = sealed_datagrams(1, 1, 2, 3)
    out, gone = sealed_datagrams(3, 1, 2, 3)
    said = Remove(roster.group, key(3).device, [], b"", None, key_id(b"k" * 32), [])
    roster.add(sign_removal(key(1), said, []))
    here.group_keys.learn(b"k" * 32, roster.standing.keys)
    call = say(away, theirs)
    assert mine.open(call) is None
    assert not mine.is_foreign(call)
    assert mine.hint(call) == (key(1).device, BEACON)
    assert mine.hint(call) is None
    assert mine.hint(say(away, theirs, Ping(1, b"", b""))) is None
    assert mine.hint(say(out, gone)) is None
    late = say(out, gone)
    calls = [mine.former_call(late), mine.former_call(late)]
    known = roster.former[out.me]
    assert calls == [FormerCall(known, BEACON, is_new=new) for new in (True, False)]
    assert mine.former_call(say(out, gone, Ping(1, b"", b""))) is None
    assert mine.former_call(call) is None, "that one is a member"
    assert mine.former_call(say(here, mine)) is None
    assert theirs.open(say(here, mine)) is None, "who was away does not have the key"
    assert mine.own_call(say(*sealed_datagrams(2, 1, 2, 3, run=2))) == BEACON, "an old copy of us"
    away.roster = roster
    away.group_keys.learn(b"k" * 32, roster.standing.keys)
    assert theirs.open(say(here, mine)) == (key(2).device, BEACON)
    assert SealedDatagrams(node(5)).hint(call) is None
    assert SealedDatagrams(node(5)).former_call(call) is None
