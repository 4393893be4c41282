"""A member with many invented devices: what all of them together take from others.

Strategy: one rogue admits as many keys of its own as it takes to have everything that is counted by
device. The oracle is an honest file, in time, at the other device of the pair. Each attack is made
again against a pair whose one guard is off (unguarded.py), where it succeeds. Limits: what honest
devices had before the crowd came is let go first, by a restart of the second device.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.core.group.statements import admit
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import FileAsk, LinkKind, RosterRecords
from potluck.engine.effects import Member
from potluck.shells.bulk.serving import ROOM
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import Stream
from tests.devices import until
from tests.hostile import daemons
from tests.hostile.daemons import Pair
from tests.hostile.rogue import Deaf, Rogue, deadline
from tests.hostile.test_slow_members import comes

LINKS, EACH = ROOM[LinkKind.BULK]
CROWD = LINKS // EACH + 1
CHUNK = 20  # records in a message: far below a control frame
FILE_BYTES = 2 * limits.MIB  # so it comes by bulk links
IN_TIME_S = 20.0
pytestmark = pytest.mark.full


@pytest.fixture
def unguarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """A pair of which one guard is off."""
    with daemons.pair(tmp_path, request.param) as devices:
        yield devices


def invent(rogue: Rogue, count: int) -> list[DeviceKey]:
    """Have a rogue let in so many devices of its own."""
    keys = [DeviceKey(os.urandom(64)) for _ in range(count)]
    group = rogue.roster.group
    records = [
        admit(rogue.key, group, key.certificate, key.sealing_public, f"one-{os.urandom(4).hex()}")
        for key in keys
    ]
    control = rogue.control(rogue.pair.a)
    for at in range(0, count, CHUNK):
        control.say(RosterRecords(records[at : at + CHUNK]))
    assert control.answers()
    control.close()
    return keys


def is_kept(stream: Stream) -> bool:
    """Ask for what nobody has, so that the link is not idle; whether it is still there."""
    try:
        stream.send(FileAsk(bytes(32), [0]))
    except OSError:
        return False
    return True


@contextmanager
def crowd(pair: Pair) -> Iterator[list[Stream]]:
    """Take all links that the first device serves, and go on asking for those that it takes back.

    Yields what was taken; of these some may be gone again.
    """
    rogue = Rogue(f"crowd-{os.urandom(2).hex()}", pair)
    members = [
        Member(one.device, one.certificate, one.sealing) for one in rogue.roster.members.values()
    ]
    request = DialRequest(rogue.device_of(pair.a), pair.a.address, LinkKind.BULK)
    taken: list[Stream] = []
    over = threading.Event()

    def take(key: DeviceKey) -> None:
        standing = tls.CurrentTrust(key, os.urandom(16), Deaf())
        standing.trust(members)
        mine = list[Stream]()
        while not over.is_set():
            mine = [stream for stream in mine if is_kept(stream)]
            if len(mine) < EACH:
                try:
                    mine.append(open_link(standing, request, deadline(), Segments()).stream)
                    taken.append(mine[-1])
                except (NoLink, OSError, EOFError):
                    pass
            over.wait(2.0 if len(mine) == EACH else 0.2)

    threads = [
        threading.Thread(target=take, args=(key,), daemon=True) for key in invent(rogue, CROWD)
    ]
    try:
        for thread in threads:
            thread.start()
        yield taken
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for stream in taken:
            stream.close()
        rogue.close()


def comes_in_the_crowd(pair: Pair) -> bool:
    """Let the second device begin anew among the crowd; whether a file comes to it."""
    with crowd(pair) as taken:
        until(lambda: len(taken) >= LINKS - 2 * EACH, pair.said)
        pair.b.again()  # it has nothing to fetch yet, so what it had is the crowd's
        until(lambda: len(taken) >= LINKS, pair.said)
        return comes(pair, IN_TIME_S, FILE_BYTES)


def test_a_crowd_of_invented_devices_leaves_links_for_others(attacked: Pair) -> None:
    assert comes_in_the_crowd(attacked), attacked.said()


@pytest.mark.proof
@pytest.mark.parametrize("unguarded", ["shares"], indirect=True)
def test_without_shares_of_lines_it_takes_all_of_them(unguarded: Pair) -> None:
    assert not comes_in_the_crowd(unguarded)
