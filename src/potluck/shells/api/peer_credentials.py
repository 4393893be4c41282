"""Peer credentials: whose program is at the other end of the control socket, as the kernel says.

Strategy: the socket lies where only its owner may open it (state/private_home.py), and yet nobody
is served for that alone: rights can be changed while it stands. Of each connection the kernel says
which user made it (SO_PEERCRED on Linux, LOCAL_PEERCRED on macOS); who is neither this user nor
root is closed unheard, before a byte is read.

Guarantees: the answer is of the moment of connecting and cannot be forged. Limits: where a system
says nothing, the rights of the socket are all there is.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Any, Final

_LINUX: Final = struct.Struct("3i")  # struct ucred: process, user, group
_XUCRED: Final = struct.Struct("2I")  # struct xucred begins with its version and the user
_XUCRED_BYTES: Final = 76  # with its groups
_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1  # sys/un.h on macOS
ROOT: Final = 0


def peer_user(connection: socket.socket) -> int | None:
    """Return the user at the other end of a Unix socket, None if the system does not say."""
    system: str = sys.platform
    if system == "linux":
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size)
        return int(_LINUX.unpack(found)[1])
    if system == "darwin":
        found = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        return int(_XUCRED.unpack_from(found)[1])
    return None


def may_speak(user: int | None) -> bool:
    """Say whether that user may drive this program."""
    return user is None or user in {os.geteuid(), ROOT}


class OwnersSocket(socket.socket):
    """A listening Unix socket that accepts this user and root only."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection if it may speak, else close it unheard.

        Raises ConnectionAbortedError then: who accepts goes back to what else there is to do, and
        a crowd of others never keeps it here.
        """
        connection, address = super().accept()
        try:
            user = peer_user(connection)
        except OSError:  # it is gone already
            user = -1
        if may_speak(user):
            return connection, address
        connection.close()
        raise ConnectionAbortedError(errno.ECONNABORTED, "another user")
