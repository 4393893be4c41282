"""TLS sockets: one whose other side is gone leaves no descriptor behind, at whatever moment."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from contextlib import closing
from typing import Any

import pytest

from potluck.shells.links.tls_sockets import TlsSocket
from tests.shells.peers import WAIT_S

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.sslsocket_class = TlsSocket
    return made


def wrapped(sock: socket.socket) -> ssl.SSLSocket:
    return context().wrap_socket(sock, do_handshake_on_connect=False)


def linked() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), WAIT_S)
        far, _ = listener.accept()
    return near, far


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def reset(far: socket.socket) -> None:
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    far.close()


def test_whoever_is_at_the_other_end_is_said():
    near, far = linked()
    with far, closing(wrapped(near)) as secured:
        assert secured.getpeername() == far.getsockname()


def test_one_whose_other_side_is_gone_is_closed_at_once():
    near, far = linked()
    descriptor = near.fileno()
    reset(far)
    with pytest.raises(ConnectionResetError, match="the other side is gone") as raised:
        wrapped(near)
    # the traceback still holds the socket, so that no collector closed it
    assert raised.tb is not None
    assert not is_open(descriptor)


def test_a_reset_that_comes_while_it_is_wrapped_counts_as_well(monkeypatch: pytest.MonkeyPatch):
    near, far = linked()
    descriptor = near.fileno()
    options = socket.socket.getsockopt

    def reset_meanwhile(sock: socket.socket, *args: Any) -> Any:
        if sock is near:
            reset(far)  # the first thing that `wrap_socket` does is to ask what kind this is
        return options(sock, *args)

    monkeypatch.setattr(socket.socket, "getsockopt", reset_meanwhile)
    with pytest.raises(ConnectionResetError, match="the other side is gone") as raised:
        wrapped(near)
    assert raised.tb is not None
    assert not is_open(descriptor)


def test_one_in_use_is_left_to_its_holder():
    near, far = linked()
    with closing(wrapped(near)) as secured:
        reset(far)
        with pytest.raises(OSError):
            secured.do_handshake()
        with pytest.raises(ConnectionResetError):
            secured.getpeername()
        assert is_open(secured.fileno())
