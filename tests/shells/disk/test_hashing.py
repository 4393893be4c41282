"""Hashing against real files: every size around a piece boundary, holes, files that do not hold
still.
"""

from __future__ import annotations

import os
import stat as modes
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from potluck.core import limits
from potluck.core.content.facts import ReadFault, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, file_root, piece_size_for
from potluck.engine.effects import Hash
from potluck.engine.events import Hashed, OrderId, Unreadable
from potluck.shells.disk import hashing
from potluck.shells.disk.fsops import Share, stat_of
from potluck.shells.disk.hashing import Buffer, hash_file, hash_files

ORDER = OrderId(3)
PIECE = limits.PIECE_MIN_BYTES


def at(name: str) -> SafePath:
    return parse_wire_path(f"me/{name}".encode())


def noise(size_bytes: int) -> bytes:
    return blake3(b"noise").digest(length=size_bytes)


def expected_root(data: bytes, piece_size: int) -> bytes:
    """What the root must be, computed from the definition and in one go."""
    pieces = [data[start : start + piece_size] for start in range(0, len(data), piece_size)]
    return file_root(len(data), piece_size, b"".join(blake3(piece).digest() for piece in pieces))


def hashed(share: Share, name: str, before: int = 0) -> Hashed:
    result = hash_file(share, at(name), before)
    assert result is not None
    return result


def during_reading(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have `act` happen after the first read of a file."""
    real = os.preadv
    acted: list[object] = []

    def reading(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = real(descriptor, buffers, offset)
        if not acted:
            acted.append(act())
        return count

    monkeypatch.setattr(os, "preadv", reading)


# -- what comes out --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "size",
    [1, 2, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE + 777],
)
def test_every_size_around_a_piece_boundary(share: Share, own: Path, size: int) -> None:
    data = noise(size)
    (own / "file").write_bytes(data)
    result = hashed(share, "file")
    assert result.path == at("file")
    assert result.pieces.size_bytes == size
    assert result.pieces.piece_size == PIECE
    assert len(result.pieces.hashes) == 32 * -(-size // PIECE)
    assert result.pieces.root == expected_root(data, PIECE)


def test_an_empty_file_has_the_root_of_all_empty_files(share: Share, own: Path) -> None:
    (own / "empty").touch()
    result = hashed(share, "empty")
    assert result.pieces.root == EMPTY_ROOT
    assert result.pieces.hashes == b""


def test_the_stat_is_the_files(share: Share, own: Path) -> None:
    (own / "run.sh").write_bytes(b"#!/bin/sh\n")
    (own / "run.sh").chmod(0o755)
    found = (own / "run.sh").stat()
    expected = Stat(10, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, executable=True)
    assert hashed(share, "run.sh").stat == expected


def test_a_changed_file_keeps_its_piece_size(share: Share, own: Path) -> None:
    size = 500 * 2 * PIECE
    with (own / "grown").open("wb") as file:
        file.truncate(size)
    assert piece_size_for(size) == PIECE
    assert hashed(share, "grown", before=2 * PIECE).pieces.piece_size == 2 * PIECE
    assert hashed(share, "grown").pieces.piece_size == PIECE


def test_short_reads_are_read_on(share: Share, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = noise(2 * PIECE + 5)
    (own / "file").write_bytes(data)
    real = os.preadv
    monkeypatch.setattr(
        os,
        "preadv",
        lambda descriptor, buffers, offset: real(descriptor, [buffers[0][:100_000]], offset),
    )
    assert hashed(share, "file").pieces.root == expected_root(data, PIECE)


def test_one_buffer_serves_files_of_all_sizes(share: Share, own: Path) -> None:
    sizes = {"big": 600 * PIECE, "small": 5, "middle": PIECE + 1}
    for name, size in sizes.items():
        (own / name).write_bytes(noise(size))
    found = [each for batch in hash_files(share, files(*sizes)) for each in batch.files]
    assert [each.stat.size for each in found] == list(sizes.values())
    for each in found:
        data = noise(each.stat.size)
        assert each.pieces.root == expected_root(data, each.pieces.piece_size)


def test_the_buffer_grows_and_is_kept() -> None:
    buffer = Buffer()
    large = buffer.view(3 * PIECE)
    large[:3] = b"abc"
    assert len(large) == 3 * PIECE
    assert bytes(buffer.view(3)) == b"abc"


# -- holes -----------------------------------------------------------------------------------------
def sparse_file(own: Path, size: int, data: dict[int, bytes]) -> None:
    with (own / "sparse").open("wb") as file:
        file.truncate(size)
        for offset, some in data.items():
            file.seek(offset)
            file.write(some)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {0: b"front"},
        {9 * PIECE + 5: b"back"},
        {3 * PIECE - 2: b"over a boundary"},
        {PIECE: noise(PIECE), 5 * PIECE: b"x", 7 * PIECE + 100: b"y"},
        {number * PIECE: b"z" for number in range(10)},
    ],
    ids=["nothing", "front", "back", "boundary", "several", "every piece"],
)
def test_holes_hash_like_zeros(share: Share, own: Path, data: dict[int, bytes]) -> None:
    size = 9 * PIECE + 1000
    sparse_file(own, size, data)
    assert hashed(share, "sparse").pieces.root == expected_root(
        (own / "sparse").read_bytes(), PIECE
    )


def test_a_sparse_file_of_5_gib_is_hardly_read(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse_file(own, 5 * limits.GIB, {3 * limits.GIB: b"in the middle", 5 * limits.GIB - 3: b"end"})
    read: list[int] = []
    real = os.preadv

    def counting(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        read.append(len(buffers[0]))
        return real(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", counting)
    result = hashed(share, "sparse")
    assert result.pieces.piece_size == 4 * limits.MIB
    # two pieces; timing is published by tests/bench, not gated
    assert sum(read) == 2 * 4 * limits.MIB
    assert not result.pieces.is_zero(768)
    assert sum(not result.pieces.is_zero(piece) for piece in range(result.pieces.count)) == 2


def test_a_file_system_that_knows_no_holes_is_read(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse_file(own, 4 * PIECE, {PIECE: b"x"})

    def unknown(*_args: int) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "lseek", unknown)
    assert hashed(share, "sparse").pieces.root == expected_root(
        (own / "sparse").read_bytes(), PIECE
    )


# -- files that do not hold still ------------------------------------------------------------------
def test_written_while_read_is_not_hashed(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(noise(3 * PIECE))

    def overwrite() -> None:
        with (own / "file").open("r+b") as file:
            file.write(b"changed")

    during_reading(monkeypatch, overwrite)
    assert hash_file(share, at("file"), 0) is None


def test_a_change_that_sets_the_old_time_again_is_noticed(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(noise(PIECE))
    old = (own / "file").stat()

    def overwrite() -> None:
        with (own / "file").open("r+b") as file:
            file.write(b"changed")
        os.utime(own / "file", ns=(old.st_atime_ns, old.st_mtime_ns))

    during_reading(monkeypatch, overwrite)
    assert hash_file(share, at("file"), 0) is None


@pytest.mark.parametrize("size", [0, 10, 2 * PIECE])
def test_shorter_while_read_is_not_hashed(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    (own / "file").write_bytes(noise(3 * PIECE))
    during_reading(monkeypatch, lambda: os.truncate(own / "file", size))
    assert hash_file(share, at("file"), 0) is None


def test_a_change_in_the_tick_of_the_last_one_is_waited_out(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(b"x")
    changed_ns = (own / "file").stat().st_ctime_ns
    clock = iter([changed_ns - 4_000_000, changed_ns, changed_ns + 1])
    slept: list[float] = []
    monkeypatch.setattr(hashing, "_file_clock_ns", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", slept.append)
    assert hash_file(share, at("file"), 0) is not None
    assert len(slept) == 2


@pytest.mark.parametrize("ahead_s", [1, 86400 * 365])
def test_a_clock_that_was_set_back_is_not_waited_for(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: int
) -> None:
    (own / "file").write_bytes(b"x")
    changed_ns = (own / "file").stat().st_ctime_ns
    monkeypatch.setattr(hashing, "_file_clock_ns", lambda: changed_ns - ahead_s * 10**9)
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("waited"))
    assert hash_file(share, at("file"), 0) is not None


def test_a_clock_that_stands_is_not_waited_for_long(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(b"x")
    monkeypatch.setattr(hashing, "_file_clock_ns", lambda: (own / "file").stat().st_ctime_ns)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    assert hash_file(share, at("file"), 0) is not None
    assert 0 < sum(slept) <= 0.05


def test_the_clock_of_files_is_the_one_that_stamps_them(own: Path) -> None:
    before = hashing._file_clock_ns()
    (own / "file").touch()
    changed_ns = (own / "file").stat().st_ctime_ns
    assert before <= changed_ns
    deadline = time.monotonic() + 5
    while hashing._file_clock_ns() <= changed_ns:
        assert time.monotonic() < deadline


def test_once_asked_to_stop_nothing_is_read(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(noise(PIECE))
    monkeypatch.setattr(os, "preadv", lambda *_args: pytest.fail("read"))
    (only,) = hash_files(share, files("file"), lambda: True)
    assert (only.files, only.unstable) == ((), (at("file"),))


# -- what is no file -------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["gone", "no/such/folder/gone", "plain/below"])
def test_a_file_that_is_gone_is_none(share: Share, own: Path, name: str) -> None:
    (own / "plain").touch()
    assert hash_file(share, at(name), 0) is None


def test_a_pipe_swapped_in_never_blocks(share: Share, own: Path) -> None:
    os.mkfifo(own / "file")
    assert modes.S_ISFIFO((own / "file").stat().st_mode)
    assert hash_file(share, at("file"), 0) is None


def test_a_link_swapped_in_is_not_followed(share: Share, own: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (own / "file").symlink_to(tmp_path / "secret")
    assert hash_file(share, at("file"), 0) is None


def test_a_folder_swapped_in_is_none(share: Share, own: Path) -> None:
    (own / "file").mkdir()
    assert hash_file(share, at("file"), 0) is None


def test_no_descriptor_stays_open(share: Share, own: Path) -> None:
    (own / "file").write_bytes(b"x")
    os.mkfifo(own / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("file", "pipe", "gone"):
        hash_file(share, at(name), 0)
    assert len(os.listdir("/proc/self/fd")) == before


# -- many files ------------------------------------------------------------------------------------
def files(*names: str) -> Hash:
    return Hash(ORDER, tuple((at(name), 0) for name in names))


def test_files_come_in_batches_by_count(share: Share, own: Path) -> None:
    names = [f"{number}" for number in range(limits.COMMIT_FILES + 10)]
    for name in names:
        (own / name).write_bytes(name.encode())
    batches = list(hash_files(share, files(*names)))
    assert [len(batch.files) for batch in batches] == [limits.COMMIT_FILES, 10]
    assert [batch.last for batch in batches] == [False, True]
    assert [one.path for batch in batches for one in batch.files] == [at(name) for name in names]


def test_files_come_in_batches_by_size(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_BYTES", 100)
    for name, size in [("a", 60), ("b", 60), ("c", 60)]:
        (own / name).write_bytes(noise(size))
    assert [len(batch.files) for batch in hash_files(share, files("a", "b", "c"))] == [
        2,
        1,
    ]


def test_an_order_of_nothing_ends(share: Share) -> None:
    (only,) = hash_files(share, files())
    assert only.last
    assert only.files == only.unstable == ()


def test_what_is_gone_or_changing_is_unstable(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("changing", "still"):
        (own / name).write_bytes(noise(10))
    during_reading(monkeypatch, lambda: os.truncate(own / "changing", 3))
    (only,) = hash_files(share, files("changing", "gone", "still"))
    assert only.unstable == (at("changing"), at("gone"))
    assert [one.path for one in only.files] == [at("still")]


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (PermissionError(13, "Permission denied"), ReadFault.PERMISSION),
        (OSError(5, "Input/output error"), ReadFault.DISK),
    ],
)
def test_what_cannot_be_read_is_unstable_and_named(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, fault: ReadFault
) -> None:
    (own / "good").write_bytes(b"x")
    real = share.open_file

    def opening(path: SafePath) -> int:
        if path == at("bad"):
            raise error
        return real(path)

    monkeypatch.setattr(share, "open_file", opening)
    (only,) = hash_files(share, files("bad", "good"))
    assert only.unstable == (at("bad"),)
    assert [one.path for one in only.files] == [at("good")]
    assert only.unreadable == (Unreadable(at("bad"), fault, str(error.strerror)),)


def test_the_private_key_is_not_shared_whatever_it_is_called(own: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "device.key").write_bytes(bytes(64))
    (own / "copied").write_bytes(bytes(64))
    (own / "other").write_bytes(bytes(63) + b"x")
    with Share(str(own.parent.parent), str(home)) as share:
        (only,) = hash_files(share, files("copied", "other"))
    assert [one.path for one in only.files] == [at("other")]
    (refused,) = only.unreadable
    assert (refused.path, refused.fault) == (at("copied"), ReadFault.PRIVATE)


# -- files that never hold still -------------------------------------------------------------------
def restless(name: str) -> Hash:
    return Hash(ORDER, ((at(name), 0),), restless=(at(name),))


def while_reading(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> list[int]:
    """Have one of `acts` happen after each read, as long as there are any."""
    real = os.preadv
    left, reads = list(acts), list[int]()

    def reading(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = real(descriptor, buffers, offset)
        reads.append(offset)
        if left:
            left.pop(0)()
        return count

    monkeypatch.setattr(os, "preadv", reading)
    return reads


def test_a_log_that_grows_is_what_it_was_when_the_first_reading_began(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(2 * PIECE + 5)
    (own / "log").write_bytes(data)
    before = (own / "log").stat()

    def grow() -> None:
        with (own / "log").open("ab") as file:
            file.write(b"one more line")

    while_reading(monkeypatch, *[grow] * 6)
    (only,) = hash_files(share, restless("log"))
    (hashed,) = only.files
    assert (hashed.pieces.root, hashed.stat.size) == (expected_root(data, PIECE), len(data))
    assert hashed.stat.mtime_ns == before.st_mtime_ns
    assert hashed.stat != stat_of((own / "log").stat()), "the next look has it read again"


def test_a_file_rewritten_while_it_is_read_is_never_torn(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "base").write_bytes(noise(3 * PIECE))

    def overwrite(offset: int) -> Callable[[], None]:
        def act() -> None:
            with (own / "base").open("r+b") as file:
                file.seek(offset)
                file.write(b"changed")

        return act

    # a piece that was read already is changed: the first reading is of no moment
    reads = while_reading(monkeypatch, lambda: None, overwrite(0))
    (only,) = hash_files(share, restless("base"))
    assert (only.files, only.unstable) == ((), (at("base"),))
    assert len(reads) == 4, "given up at the first piece that differs"
    # changed before it was read, and not since: as it stood between the two readings
    while_reading(monkeypatch, overwrite(2 * PIECE))
    (only,) = hash_files(share, restless("base"))
    (hashed,) = only.files
    assert hashed.pieces.root == expected_root((own / "base").read_bytes(), PIECE)


def test_a_restless_file_that_was_cut_short_or_is_sparse(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "cut").write_bytes(noise(2 * PIECE))
    while_reading(monkeypatch, lambda: None, lambda: os.truncate(own / "cut", PIECE))
    (only,) = hash_files(share, restless("cut"))
    assert only.unstable == (at("cut"),)
    sparse_file(own, 4 * PIECE, {PIECE: b"x"})
    data = (own / "sparse").read_bytes()
    while_reading(monkeypatch, lambda: os.utime(own / "sparse"))
    (only,) = hash_files(share, restless("sparse"))
    assert only.files[0].pieces.root == expected_root(data, PIECE)


def test_a_file_that_holds_still_is_read_once_even_if_it_is_called_restless(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "calm").write_bytes(noise(PIECE + 1))
    reads = while_reading(monkeypatch)
    (only,) = hash_files(share, restless("calm"))
    assert (len(only.files), reads) == (1, [0, PIECE])


def test_a_file_that_grew_beyond_every_size_is_not_read(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "huge").write_bytes(b"123456")
    monkeypatch.setattr(limits, "FILE_MAX_BYTES", 5)
    assert hash_file(share, at("huge"), 0) is None


# -- what the disk itself has ----------------------------------------------------------------------
@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system has no such word")
def test_what_is_read_afresh_is_not_taken_from_memory_nor_left_there(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").write_bytes(noise(10))
    said = list[str]()
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: said.append("let go"))
    real = hashing.read_exactly

    def read(descriptor: int, view: memoryview, offset: int) -> bool:
        said.append("read")
        return real(descriptor, view, offset)

    monkeypatch.setattr(hashing, "read_exactly", read)
    list(hash_files(share, files("file")))
    assert said == ["read"]
    (only,) = hash_files(share, replace(files("file"), afresh=True))
    assert said[1:] == ["let go", "read", "let go"]
    assert [one.path for one in only.files] == [at("file")]


def test_an_order_that_has_time_rests_after_each_piece(share: Share, own: Path) -> None:
    (own / "a").write_bytes(noise(PIECE + 100))
    (own / "b").write_bytes(noise(50))
    rests = list[float]()
    order = replace(files("a", "b"), afresh=True, bytes_s=50)
    (only,) = hash_files(share, order, sleep=rests.append)
    assert len(only.files) == 2
    assert rests == [PIECE / 50, 2.0, 1.0]
