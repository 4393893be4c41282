"""How fast content moves through serving and fetching, as a ratio to a bare TLS stream; measured,
never gated.

Strategy: two processes over loopback, one serves a file and one fetches it with hashing on both
sides and writing to a file; interleaved with a bare stream of the same bytes, so that the noise of
the machine hits both. Run it by hand: `PYTHONPATH=src:. python tests/bench/bulk_ratio.py [MiB]
[rounds] [links] [folder]`.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from typing import Any

from potluck.core import limits
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import (
    Bitfield,
    PieceList,
    file_root,
    piece_hash,
    piece_size_for,
)
from potluck.core.wire.catalogue import Address, FileAsk
from potluck.engine.effects import Fetch, ServePieces
from potluck.engine.events import FetchEnded, OrderId, Outcome
from potluck.shells.links import tls
from tests.shells.peers import Peer, new_key, pieces_of

PATH = parse_wire_path(b"Shared/bench/file")
SEND_BYTES = limits.MIB


class OneFile:
    """A share of one file."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open_file(self, _path: object) -> int:
        return os.open(self.name, os.O_RDONLY)


class FilePart:
    """A part that is a plain file."""

    def __init__(self, descriptor: int, content: PieceList) -> None:
        self.descriptor = descriptor
        self.piece_size, self.count = content.piece_size, content.count

    def write(self, piece: int, data: memoryview) -> None:
        os.pwrite(self.descriptor, data, piece * self.piece_size)

    def have(self) -> Bitfield:
        return Bitfield(self.count)

    def mark(self, pieces: tuple[int, ...]) -> None:
        pass

    def close(self) -> None:
        pass


class FileParts:
    """Parts that are one plain file."""

    def __init__(self, name: str) -> None:
        self.descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def open(self, content: PieceList) -> FilePart:
        return FilePart(self.descriptor, content)

    def write_whole(self, content: PieceList, data: memoryview) -> None:
        raise ValueError("not in this measurement")


def list_of(name: str) -> PieceList:
    size = os.stat(name).st_size
    piece_size = piece_size_for(size)
    with open(name, "rb") as file:
        hashes = b"".join(piece_hash(data) for data in iter(lambda: file.read(piece_size), b""))
    return PieceList(file_root(size, piece_size, hashes), size, piece_size, hashes)


def serve(pipe: Connection, name: str) -> None:
    """The holder: answers every request for the file."""
    peer = Peer(1)
    peer.trust(new_key(2))
    peer.serving.share = OneFile(name)  # type: ignore[misc]
    content: PieceList = pipe.recv()
    peer.answers = lambda request: ServePieces(PATH, content, pieces_of(request))
    pipe.send(peer.doorway.port)
    pipe.recv()
    peer.stop()


def stream_out(pipe: Connection, name: str) -> None:
    """The bare sender: reads the file and sends it, one connection."""
    context = tls.pairing_context()
    room = memoryview(bytearray(SEND_BYTES))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        while pipe.recv() == "go":
            sock, _ = listener.accept()
            with (
                tls.accept_stranger(sock, context, lambda _sock: None) as secured,
                open(name, "rb") as file,
            ):
                while count := file.readinto(room):
                    secured.sendall(room[:count])
                secured.recv(1)


def stream_in(port: int, size: int, target: str) -> float:
    """The bare receiver: writes what comes; returns seconds."""
    begun = time.perf_counter()
    room = memoryview(bytearray(SEND_BYTES))
    sock = socket.create_connection(("127.0.0.1", port))
    got = 0
    with (
        tls.dial_stranger(sock, tls.newcomer_context()) as secured,
        open(target, "wb", buffering=0) as file,
    ):
        while got < size:
            at = 0
            while at < min(SEND_BYTES, size - got):
                at += secured.recv_into(room[at:])
            file.write(room[:at])
            got += at
        secured.send(b"!")
    return time.perf_counter() - begun


def fetch(peer: Peer, port: int, content: PieceList, links: int) -> float:
    """One run of fetching everything over `links` links; returns seconds."""
    begun = time.perf_counter()
    before = len(peer.of(FetchEnded))
    run = max(1, limits.RUN_BYTES // content.piece_size)
    orders = [
        list(range(first, min(first + run, content.count)))
        for first in range(0, content.count, run)
    ]
    waiting = iter(enumerate(orders))
    address = Address("127.0.0.1", port)
    started = 0
    while True:
        ended = len(peer.of(FetchEnded)) - before
        if ended == len(orders):
            break
        if started - ended < links and started < len(orders):
            number, pieces = next(waiting)
            started += 1
            ask = FileAsk(content.root, pieces)
            peer.fetching.submit(
                Fetch(OrderId(before + number), new_key(1).device, (address,), ask, content, ())
            )
        else:
            time.sleep(0.0005)
    assert all(end.outcome is Outcome.DONE for end in peer.of(FetchEnded)), peer.of(FetchEnded)
    return time.perf_counter() - begun


def main(mebibytes: int = 512, rounds: int = 5, links: int = 2, folder: str = "/dev/shm") -> None:
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        source, target = f"{place}/source", f"{place}/target"
        with open(source, "wb") as file:
            file.writelines(os.urandom(limits.MIB) for _ in range(mebibytes))
        content = list_of(source)
        pipes: list[Any] = []
        for job in (serve, stream_out):
            ours, theirs = spawn.Pipe()
            spawn.Process(target=job, args=(theirs, source), daemon=True).start()
            pipes.append(ours)
        pipes[0].send(content)
        ports = [pipe.recv() for pipe in pipes]
        peer = Peer(2)
        peer.trust(new_key(1))
        parts = FileParts(target)
        peer.fetching.parts = parts  # type: ignore[misc]  # a constant to all but this
        ratios = []
        for _ in range(rounds):
            pipes[1].send("go")
            before = time.process_time()
            plain = stream_in(ports[1], content.size_bytes, f"{place}/bare")
            plain_cpu = time.process_time() - before
            os.unlink(f"{place}/bare")
            os.ftruncate(parts.descriptor, 0)
            before = time.process_time()
            full = fetch(peer, ports[0], content, links)
            full_cpu = time.process_time() - before
            ratios.append(plain / full)
            rate = content.size_bytes / 1e6
            print(
                f"bare {rate / plain:6.0f} MB/s   potluck {rate / full:6.0f} MB/s   "
                f"ratio {plain / full:.2f}   receiver's CPU {plain_cpu:.2f} s and {full_cpu:.2f} s"
            )
        print(f"median ratio {statistics.median(ratios):.2f}")
        pipes[0].send("stop")
        peer.stop()


if __name__ == "__main__":
    given = [*sys.argv[1:], *("512", "5", "2", "/dev/shm")[len(sys.argv) - 1 :]]
    main(int(given[0]), int(given[1]), int(given[2]), given[3])
