"""A flood of strangers, as a process of its own, and what else takes one.

`python -m tests.hostile.flooder flood PORT DISCOVERY_PORT SECONDS SOURCES` floods; with `sink` in
the place of `flood` it is flooded on these two ports instead, and does nothing with what it gets
but to use as many per cent of a processor as the last word says, no more and no less.

Strategy: as many connections and datagrams a second as S5 asks for, paced, from one address of the
loopback network or from many. Connections are silent, or knock wrong, or half, or are closed at
once; the newest some hundred stay open. Datagrams are rubbish, look sealed, ask, or are too large.
It prints how many it really sent, as two numbers. Limits: what it falls behind, on a busy machine,
it makes up for later, and what it never sent is not counted.
"""

from __future__ import annotations

import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import cast

from potluck.core.keys.sealing import MAGIC
from potluck.core.wire.catalogue import Beacon, Solicit, encode

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
CONNECTIONS_PER_S = 2_000
DATAGRAMS_PER_S = 20_000
HELD = 300  # connections at once
TURN_S = 0.005
SPEAKERS = 200  # sockets for datagrams
ONE_SOURCE = "127.0.0.66"


def sources(count: int) -> list[str]:
    """Addresses of nobody else."""
    if count == 1:
        return [ONE_SOURCE]
    return [f"127.{1 + n // 250}.{n % 250}.{1 + n % 200}" for n in range(count)]


def datagram(number: int) -> bytes:
    """One of many kinds."""
    match number % 5:
        case 0:
            return os.urandom(200)
        case 1:
            return MAGIC + os.urandom(150)
        case 2 | 3:
            return encode(Solicit(os.urandom(16), bytes(320)))
        case _:
            return encode(Beacon(1, 1, b"", 1, ask=True)) + bytes(1200)


class Flood:
    """The flood as a process, while it runs."""

    def __init__(self, port: int, discovery_port: int, seconds: float, count: int) -> None:
        self.process = started("flood", port, discovery_port, seconds, count)

    def runs(self) -> bool:
        """Whether it goes on."""
        return self.process.poll() is None

    def sent(self) -> tuple[int, int]:
        """How many connections and datagrams it was, in the end."""
        said, _ = self.process.communicate(timeout=300)
        connections, datagrams = map(int, said.split())
        return connections, datagrams


def started(*words: object) -> subprocess.Popen[bytes]:
    """This module as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.flooder", *map(str, words)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )


def connect(host: str, port: int, number: int) -> socket.socket | None:
    """One connection of many kinds; None if it is over at once."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.bind((host, 0))
        with suppress(BlockingIOError):
            sock.connect((HOST, port))
        said = (b"", b"K" + os.urandom(48), b"K" + bytes(20), b"P", b"I\0\0\1\0" + bytes(99))
        with suppress(BlockingIOError):
            sock.send(said[number % len(said)])
    except OSError:
        sock.close()
        return None
    if number % 3 == 0:
        sock.close()
        return None
    return sock


def speaker(host: str) -> socket.socket:
    """A socket for datagrams from one address."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def flood(port: int, discovery_port: int, seconds: float, hosts: list[str]) -> tuple[int, int]:
    """Send it all; how many connections and datagrams that were."""
    speakers = [speaker(host) for host in hosts[:SPEAKERS]]
    held: deque[socket.socket] = deque()
    kinds = [datagram(number) for number in range(500)]
    made = sent = 0
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < seconds:
        while made < spent * CONNECTIONS_PER_S and time.monotonic() - begun < seconds:
            sock = connect(random.choice(hosts), port, made)
            made += 1
            if sock is not None:
                held.append(sock)
            if len(held) > HELD:
                held.popleft().close()
            if made % 20 == 0 and sent < spent * DATAGRAMS_PER_S:
                break
        for _ in range(200):
            if sent >= spent * DATAGRAMS_PER_S:
                break
            to = port if sent % 4 else discovery_port
            with suppress(OSError):
                speakers[sent % len(speakers)].sendto(kinds[sent % len(kinds)], (HOST, to))
            sent += 1
        if made >= spent * CONNECTIONS_PER_S and sent >= spent * DATAGRAMS_PER_S:
            time.sleep(TURN_S)
    return made, sent


def sink(port: int, discovery_port: int, seconds: float, percent: int) -> None:
    """Take what comes on these ports, close it, and use just so much of a processor.

    What it has no time for the kernel drops, as it does for the member. It ends in time whatever
    is asked for: one thread cannot use more than one processor.
    """
    begun_s, used_s = time.monotonic(), time.process_time()
    end_s = begun_s + seconds

    def owes() -> bool:
        """Whether it has used less than it is to use by now."""
        due_s = (time.monotonic() - begun_s) * percent / 100
        return time.process_time() - used_s < due_s and time.monotonic() < end_s

    with (
        selectors.DefaultSelector() as selector,
        socket.create_server((HOST, port), backlog=4096) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind((HOST, port))
        far.bind((HOST, discovery_port))
        for sock in (listener, near, far):
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        print("ready", flush=True)
        while time.monotonic() < end_s:
            came = selector.select(0.1)
            if not owes():
                time.sleep(TURN_S)
                continue
            for key, _ in came:
                with suppress(OSError):
                    if key.fileobj is listener:
                        listener.accept()[0].close()
                    else:
                        cast("socket.socket", key.fileobj).recv(70_000)
            while came and owes():
                pass


def main() -> None:
    """Flood, or be flooded, as the command line says."""
    act, port, discovery_port, seconds, count = sys.argv[1:]
    if act == "sink":
        sink(int(port), int(discovery_port), float(seconds), int(count))
    else:
        hosts = sources(int(count))
        print(*flood(int(port), int(discovery_port), float(seconds), hosts), flush=True)


if __name__ == "__main__":
    main()
