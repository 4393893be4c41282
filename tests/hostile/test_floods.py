"""Floods of messages that are allowed one by one: what is asked, said and claimed without end.

Strategy: a member says each of them thousands of times with other numbers and names, then the
honest pair must answer each other as fast, in as much memory, as before.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import (
    Beacon,
    DialMe,
    FlushAsk,
    Flushed,
    Holding,
    Kept,
    LinkKind,
    ProbeResult,
    encode,
)
from potluck.core.wire.catalogue import Folder as Manifest
from potluck.engine.flushing import FLUSH_PATIENCE_S
from tests.devices import until
from tests.hostile.daemons import HOST, Pair, within
from tests.hostile.rogue import Control, Rogue

MESSAGES = 50_000
MORE_BYTES = 10 * limits.MIB  # of memory, for all that: to remember each name would take 15
HEARD_S = 500.0  # 8 to 40 s of work, of which who says so much has a tenth of each second
STALLED_S = 6.0


@pytest.mark.timeout(800)  # on a slow machine to say all that takes as long as to answer
def test_what_is_asked_and_claimed_without_end_costs_nothing_and_delays_nobody(
    attacked: Pair, link: Control
) -> None:
    assert link.answers()
    before = attacked.a.memory_bytes
    for number in range(MESSAGES):
        link.say(ProbeResult(number, os.urandom(32)), FlushAsk(number), Flushed(number, None))
    for _ in range(limits.LIST_ITEMS // limits.HEADS_CHUNK + 5):
        lies = [
            Holding(os.urandom(32), Manifest.OWN, 1, 1, limits.SEQ_MAX, limits.FILE_MAX_BYTES, 1)
            for _ in range(limits.HEADS_CHUNK)
        ]
        link.say(Kept(lies))
    patience = {"patience_s": FLUSH_PATIENCE_S}
    within(FLUSH_PATIENCE_S, lambda: attacked.b.client.post("/api/v1/flush", patience)["ok"])
    assert link.answers(HEARD_S), "at last"
    more = attacked.a.memory_bytes - before
    assert more < MORE_BYTES, f"{more} bytes"
    attacked.unharmed()


def test_who_asks_to_be_dialled_and_stalls_is_dialled_rarely_and_keeps_nobody_waiting(
    attacked: Pair, link: Control, rogue: Rogue
) -> None:
    came = list[float]()
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server((HOST, 0), backlog=64))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.enter_context(listener.accept()[0])
                    came.append(time.monotonic())

        threading.Thread(target=accept, daemon=True).start()
        rogue.datagram(encode(Beacon(listener.getsockname()[1], 1, bytes(8), 1)), attacked.a)

        def is_called() -> bool:
            link.say(DialMe(LinkKind.BULK))
            return bool(came)

        until(is_called)
        began_s = time.monotonic()
        while time.monotonic() < began_s + STALLED_S:
            link.say(*[DialMe(kind) for kind in LinkKind] * 10)
            attacked.delivers(attacked.b, attacked.a)
        spent_s = time.monotonic() - began_s
        calls = limits.FETCHES_PER_PEER * (spent_s / limits.HANDSHAKE_S + 1)
        assert len(came) <= calls * limits.CALL_ADDRESSES
        listener.shutdown(socket.SHUT_RDWR)
    attacked.unharmed()
