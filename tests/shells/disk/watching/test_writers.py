"""Who has a file open for writing: asked of the real kernel."""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching import writers as module
from potluck.shells.disk.watching.writers import nobody_writes
from tests.shells.files import open_descriptors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's own")

FILE = parse_wire_path(b"me/file")


def test_a_file_is_written_as_long_as_somebody_can(share: Share, own: Path) -> None:
    (own / "file").write_bytes(b"x" * mmap.PAGESIZE)
    before = open_descriptors()
    assert nobody_writes(share, FILE)
    with (own / "file").open("rb"):
        assert nobody_writes(share, FILE), "who reads does not count"
    with (own / "file").open("r+b") as file:
        assert not nobody_writes(share, FILE)
        mapped = mmap.mmap(file.fileno(), 0)
    assert not nobody_writes(share, FILE), "it is closed and can still be written"
    mapped.close()
    assert nobody_writes(share, FILE)
    os.truncate(own / "file", 7)
    assert nobody_writes(share, FILE)
    assert open_descriptors() == before


def test_another_process_counts_and_its_end_too(share: Share, own: Path) -> None:
    (own / "file").touch()
    code = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(own / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert not nobody_writes(share, FILE)
        writer.communicate(b"\n")
    assert nobody_writes(share, FILE)


def test_of_what_is_not_there_or_no_file_nothing_is_known(share: Share, own: Path) -> None:
    assert not nobody_writes(share, FILE)
    (own / "file").symlink_to("/etc/hostname")
    assert not nobody_writes(share, FILE)


def test_where_there_are_no_leases_nothing_is_known(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "file").touch()
    monkeypatch.setattr(module, "_HAS_LEASES", False)
    assert not nobody_writes(share, FILE)


def test_who_opens_it_in_that_moment_ends_nobody(share: Share, own: Path) -> None:
    (own / "file").touch()
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL, "which is to do nothing"
    descriptor = share.open_file(FILE)
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    with pytest.raises(BlockingIOError):
        os.open(own / "file", os.O_WRONLY | os.O_NONBLOCK)  # breaks the lease: the signal is sent
    os.close(descriptor)
    os.close(os.open(own / "file", os.O_WRONLY))
