"""The port this node is reached at: claimed once, at start, for TCP and UDP together.

Strategy: whoever wins the TCP bind owns the port. The default port in use means another potluck on
this machine, so the next ones are tried; a port that was *given* and is in use is an error, because
somebody relies on that number. The UDP port of the same number is tried as well, so that
`Datagrams` will find it free.

Guarantees: the socket listens when it is returned, for IPv6 and IPv4 where the system has both; an
error names the culprit where the system lets this user see it, and the command to type next.

Limits: who holds a port is read from /proc, of processes of the same user (root: of all).
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import Final

from potluck.core import limits
from potluck.core.errors import PotluckError, Refused, UsageError
from potluck.core.wire.catalogue import Address

BACKLOG: Final = limits.STRANGERS  # connections the kernel keeps until the loop thread accepts them
PORT_MAX: Final = 65535  # what 16 bits hold
_LISTENING: Final = "0A"  # TCP_LISTEN in /proc/net/tcp
_MAPPED: Final = "::ffff:"  # how an IPv4 peer looks on a socket for both families


def claim_port(port: int | None, *, given: bool, host: str = "") -> tuple[socket.socket, int]:
    """Listen for TCP; returns the listening socket (non-blocking) and its port.

    `port` None means the default one; `given` says that a person chose it, so no other will do.
    `host` is an own IPv4 or IPv6 address to listen on, "" for all. Raises UsageError for a port or
    host that cannot be meant, Refused for one that is in use or forbidden.
    """
    first = limits.PORT if port is None else port
    if not 0 <= first <= PORT_MAX:
        fix = f"potluck up --port {limits.PORT}"
        raise UsageError(f"{first} is no port", f"ports are numbers up to {PORT_MAX}", fix)
    tries = 1 if given or first == 0 else limits.PORT_TRIES
    for candidate in range(first, min(first + tries, PORT_MAX + 1)):
        try:
            listener = _listen(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _explain(error, host, candidate) from error
            continue
        return listener, listener.getsockname()[1]
    raise _in_use(first, tries)


def plain_address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    """Turn what accept() says into an Address; a mapped IPv4 address reads as IPv4."""
    return Address(name[0].removeprefix(_MAPPED), name[1])


def holder(port: int) -> tuple[int, str] | None:
    """Return (process id, command line) of whoever listens on this TCP port, None if unseen."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not wanted:
        return None
    for process in filter(str.isdigit, _names("/proc")):
        folder = f"/proc/{process}/fd"
        if any(_target(f"{folder}/{number}") in wanted for number in _names(folder)):
            return int(process), _command(process)
    return None


def parse_listening(text: str, port: int) -> set[str]:
    """Read /proc/net/tcp or tcp6: inode numbers of the sockets that listen on `port`."""
    inodes = set()
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 9 and columns[3] == _LISTENING and columns[1].endswith(f":{port:04X}"):
            inodes.add(columns[9])
    return inodes


# -- listening -------------------------------------------------------------------------------------
def _listen(host: str, port: int) -> socket.socket:
    """Open the listener; raises OSError with EADDRINUSE if TCP or UDP of this number is taken."""
    both = not host and _has_ipv6()
    family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # a port in TIME_WAIT is free
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.settimeout(0)
        _try_udp(listener.getsockname()[1])
    except OSError:
        listener.close()
        raise
    return listener


def _try_udp(port: int) -> None:
    """Raise OSError if UDP of this number is held by somebody who does not share it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("", port))


def _has_ipv6() -> bool:
    """Tell whether an IPv6 socket can be bound: a kernel may know IPv6 and have it switched off."""
    if not socket.has_dualstack_ipv6():
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


# -- saying why not --------------------------------------------------------------------------------
def _in_use(port: int, tries: int) -> Refused:
    """Explain that no port was free."""
    if tries > 1:
        return Refused(
            f"the ports {port} to {port + tries - 1} are all in use",
            "many potlucks run on this machine",
            "potluck up --port 0",
        )
    found = holder(port)
    if found is None:
        cause = "another program uses it"
    elif _is_potluck(found[1]):
        cause = f"another potluck uses it (process {found[0]})"
    else:
        cause = f"another program uses it: {found[1].split(' ')[0]} (process {found[0]})"
    fix = f"potluck up --port {port + 1 if port < PORT_MAX else limits.PORT}"
    return Refused(f"port {port} is in use", cause, fix)


def _explain(error: OSError, host: str, port: int) -> PotluckError:
    """Turn another failure of bind into three parts."""
    if error.errno in {errno.EACCES, errno.EPERM}:
        cause, fix = "low ports belong to the administrator", f"potluck up --port {limits.PORT}"
        return Refused(f"this user may not listen on port {port}", cause, fix)
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return UsageError(
            f"{host} is no address of this machine", "it may have changed", "potluck up"
        )
    cause = error.strerror or str(error)
    return Refused(f"cannot listen on port {port}", cause, "potluck up --port 0")


def _is_potluck(command: str) -> bool:
    return any(os.path.basename(word) in {"potluck", "pot.py"} for word in command.split(" "))


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        # A system without /proc or without IPv6 has no such table: then the culprit stays unnamed.
        with suppress(OSError), open(table, encoding="ascii") as text:
            inodes |= parse_listening(text.read(), port)
    return inodes


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the process ended, or belongs to somebody else
        return []


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _command(process: str) -> str:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as words:
            raw = words.read(4096)
    except OSError:
        return ""
    # It goes to a terminal: nothing of another program's arguments may act there.
    text = raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)
