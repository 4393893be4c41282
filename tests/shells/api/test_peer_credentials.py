"""Peer credentials: of whoever connects the kernel says who it is; only its owner is heard."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.api import peer_credentials as module
from potluck.shells.api.peer_credentials import OwnersSocket, may_speak, peer_user

NOBODY = "65534"
CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
print(s.recv(10).decode() or "closed")
"""


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[OwnersSocket]:
    made = OwnersSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(tmp_path / "s"))
    made.listen()
    made.settimeout(10)
    yield made
    made.close()


def connected(listener: OwnersSocket) -> socket.socket:
    near = socket.socket(socket.AF_UNIX)
    near.connect(listener.getsockname())
    return near


def test_this_user_is_accepted(listener: OwnersSocket) -> None:
    with connected(listener), listener.accept()[0] as far:
        assert peer_user(far) == os.geteuid()


def test_only_this_user_and_root_may_speak() -> None:
    assert may_speak(os.geteuid())
    assert may_speak(0)
    assert may_speak(None), "a system that does not say"
    assert not may_speak(os.geteuid() + 1)
    assert not may_speak(-1)


def test_others_are_closed_unheard_and_the_next_one_is_accepted(
    listener: OwnersSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    users: list[int | None] = [os.geteuid(), None, 4711]

    def said(_connection: socket.socket) -> int:
        user = users.pop()
        if user is None:
            raise OSError
        return user

    monkeypatch.setattr(module, "peer_user", said)
    with connected(listener) as other, connected(listener) as gone, connected(listener) as own:
        for _ in range(2):
            with pytest.raises(ConnectionAbortedError):  # so that nobody is kept there by a crowd
                listener.accept()
        far, _ = listener.accept()
        far.sendall(b"hello")
        assert own.recv(5) == b"hello"
        assert (other.recv(5), gone.recv(5)) == (b"", b"")
        far.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_closed_though_the_rights_would_let_it_in(tmp_path: Path) -> None:
    top = Path("/tmp") / f"potluck-credentials-{os.getpid()}"
    top.mkdir()
    try:
        top.chmod(0o755)
        listener = OwnersSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(top / "s"))
        (top / "s").chmod(0o666)
        listener.listen()
        listener.settimeout(10)
        words = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        words += ["/usr/bin/env", "python3", "-c", CONNECT, str(top / "s")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as other:
            with pytest.raises(ConnectionAbortedError):
                listener.accept()
            said, failed = other.communicate(timeout=20)
        if b"Permission denied" in failed and b"python3" in failed:
            pytest.skip("this Python is root's alone")
        assert said.strip() == b"closed", failed
        listener.close()
    finally:
        (top / "s").unlink(missing_ok=True)
        top.rmdir()


@pytest.mark.parametrize(("system", "user"), [("darwin", 501), ("plan9", None)])
def test_other_systems_say_it_otherwise_or_not_at_all(
    system: str, user: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked:
        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            assert (level, option) == (0, 1)
            return struct.pack("2I", 0, 501).ljust(size, b"\0")

    monkeypatch.setattr(sys, "platform", system)
    assert peer_user(Asked()) == user  # type: ignore[arg-type]
