"""UDP: one socket to be reached at, and per network two ears for what is said to everybody.

Strategy: the *unicast* socket is bound to this node's own port P, which it owns because it won the
TCP port of the same number; everything is sent from it, so the source of every datagram is where
its sender can be reached. Per network there is a *multicast* receiver bound to (group, discovery
port) and a *broadcast* receiver bound to (directed broadcast address, discovery port), all shared
by SO_REUSEADDR: several potlucks on one host all hear what is said to everybody, and each one alone
what is said to it.

Of what is not sealed with a key that this node seals with, and so is of strangers, only so much is
heard (attention.py); of what begins as if it were sealed so, much more (group_attention.py).

Guarantees: nothing blocks and nothing raises on account of the network or of a peer; a refused or
failed act is counted. A call to `receive` returns after a bounded number of datagrams. What is too
long or came from ourselves never gets out. A host that is not a literal, ordinary IPv4 address is
never sent to: no name is ever resolved here, and nobody can make us shout by naming a broadcast
address as theirs.

Limits: IPv4. Whoever overhears the four bytes that name a key can send what the kernel lets pass
always. A datagram sent to everybody may be heard twice, by multicast
and by broadcast. One thread only.
"""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from potluck.core import limits
from potluck.core.keys.sealing import MAGIC
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Transmit
from potluck.engine.events import DatagramHeard
from potluck.shells.net.attention import Attention, Budget
from potluck.shells.net.group_attention import GroupAttention
from potluck.shells.net.interfaces import UsableNetwork
from potluck.shells.net.packet_filters import MARK_BYTES

RECEIVE_MAX: Final = (
    64  # datagrams per call: a flood never keeps the loop thread from its other work
)
# On each socket, of whatever is not sealed with a key that we seal with. One costs the engine up to
# 0.3 ms, one that is refused a hundredth of that. A whole building that starts at once is heard,
# and many potlucks on one host; in a crowd a lonely device needs to ask once a second at most.
STRANGERS_HEARD: Final = Budget(all_burst=256, all_per_s=64, host_burst=16, host_per_s=2)
MARKS: Final = 2  # of own keys, the newest ones: a new key is in force everywhere within seconds
IP_PKTINFO: Final = 8  # linux/in.h; the socket module names it only in later versions
# linux/in.h; 0: only groups this very socket joined, on the card it joined them on
IP_MULTICAST_ALL: Final = 49
_PACKET_INFO: Final = struct.Struct("=i4s4s")  # card number, local address, address in the header
_MULTICAST: Final = "multicast"
_BROADCAST: Final = "broadcast"
_UNICAST: Final = "unicast"

_Ear = tuple[str, int, str]  # way, card number, address it is bound to


class Datagrams:
    """All UDP sockets of this node."""

    def __init__(self, port: int, discovery_port: int = limits.PORT) -> None:
        """Open the unicast socket on `port`; the ears open with the first `update`.

        Raises OSError if another program holds `port` and does not share it: `claim_port` comes
        first.
        """
        self.counts: Counter[str] = Counter()
        """What was dropped or failed, by a short stable name; the log shows it at the end."""
        self._port = port
        self._discovery_port = discovery_port
        self._networks: tuple[UsableNetwork, ...] = ()
        self._ours: frozenset[str] = frozenset()
        self._ears: dict[_Ear, socket.socket] = {}
        self._marks: deque[bytes] = deque(maxlen=MARKS)
        self._attention: dict[socket.socket, Attention] = {}
        self._group_attention = GroupAttention(time.monotonic())
        self._voice = _open("", port)
        self._attend(self._voice)
        self._voice.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._voice.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        self._voice.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        self._voice.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)

    def __repr__(self) -> str:
        """Show how many ears there are, and what was dropped or failed."""
        return f"<Datagrams {self._port}: {len(self._ears)} ears, {dict(self.counts)}>"

    def sockets(self) -> list[socket.socket]:
        """Return every open socket, for the selector."""
        return [self._voice, *self._ears.values()]

    def close(self) -> None:
        """Close everything; the caller has taken the sockets out of its selector."""
        for sock in self.sockets():
            sock.close()
        self._ears.clear()

    def _attend(self, sock: socket.socket) -> None:
        self._attention[sock] = Attention(sock, STRANGERS_HEARD, time.monotonic())

    def on_tick(self, now: float) -> None:
        """Have the kernel follow who is not heard; `now` is monotonic."""
        for attention in self._attention.values():
            attention.on_tick(now, spared=self._marks)

    # -- networks ----------------------------------------------------------------------------------
    def update(
        self, networks: Sequence[UsableNetwork]
    ) -> tuple[list[socket.socket], list[socket.socket]]:
        """Listen on these networks from now on; returns (added, removed) sockets.

        The removed ones are still open, so that the caller can unregister them first; it closes
        them.
        """
        self._networks = tuple(networks)
        self._ours = frozenset(network.interface.host for network in networks)
        wanted = dict.fromkeys(ear for network in networks for ear in _ears_of(network))
        removed = [self._ears.pop(ear) for ear in list(self._ears) if ear not in wanted]
        for gone in removed:
            del self._attention[gone]
        added = []
        for ear in wanted:
            if ear not in self._ears and (sock := self._listen(ear)) is not None:
                self._ears[ear] = sock
                self._attend(sock)
                added.append(sock)
        return added, removed

    def _listen(self, ear: _Ear) -> socket.socket | None:
        """Open one ear; None (and counted) if the system refuses it, since two others remain."""
        way, index, host = ear
        try:
            sock = _open(host, self._discovery_port)
        except OSError:
            self.counts[f"{way} receiver refused"] += 1
            return None
        try:
            if way == _MULTICAST:
                group = struct.pack("=4s4si", socket.inet_aton(host), bytes(4), index)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        except OSError:
            self.counts[f"{way} receiver refused"] += 1
            sock.close()
            return None
        return sock

    # -- hearing -----------------------------------------------------------------------------------
    def receive(self, sock: socket.socket) -> list[DatagramHeard]:
        """Read what waits on one of the sockets: at most RECEIVE_MAX datagrams."""
        way = next((ear[0] for ear, known in self._ears.items() if known is sock), _UNICAST)
        heard: list[DatagramHeard] = []
        attention, now = self._attention[sock], time.monotonic()
        for _ in range(RECEIVE_MAX):
            try:
                data, notes, flags, source = sock.recvmsg(
                    limits.DATAGRAM_BYTES + 1, socket.CMSG_SPACE(_PACKET_INFO.size)
                )
            except BlockingIOError:
                break
            except OSError:
                self.counts["receive failed"] += 1
                break
            if not self._for_us(notes, source):
                continue
            # also what is too long counts: whoever sends it is loud
            is_ours = data[:MARK_BYTES] in self._marks
            ears = self._group_attention if is_ours else attention
            is_heard = ears.hears(source[0], now)
            if flags & socket.MSG_TRUNC or len(data) > limits.DATAGRAM_BYTES:
                self.counts["too long"] += 1
            elif is_heard:
                heard.append(DatagramHeard(data, Address(source[0], source[1]), way))
            else:
                self.counts[f"of {'our group' if is_ours else 'strangers'}, too many"] += 1
        return heard

    def _for_us(self, notes: list[tuple[int, int, bytes]], source: tuple[str, int]) -> bool:
        """Tell whether a datagram of others came to the right socket; count it if not."""
        if source[1] == self._port and (source[0] in self._ours or source[0].startswith("127.")):
            self.counts["own"] += 1
        # with P = discovery port the kernel gives it to the ears as well
        elif _said_to_everybody(notes):
            self.counts["heard by the ears"] += 1
        else:
            return True
        return False

    # -- speaking ----------------------------------------------------------------------------------
    def transmit(self, effect: Transmit) -> None:
        """Send one datagram, to one address or to everybody; what cannot be sent is counted."""
        mark = effect.data[:MARK_BYTES]
        if mark.startswith(MAGIC):
            if mark not in self._marks:
                self._marks.append(mark)
            if effect.to is not None:
                self._group_attention.on_sent(effect.to.host)
        if effect.to is None:
            for _way, index, host, own in self._everybody():
                # Card and source address are named: with several cards the routing table knows only
                # one way.
                info = _PACKET_INFO.pack(index, socket.inet_aton(own), bytes(4))
                self._send(
                    effect.data,
                    (host, self._discovery_port),
                    [(socket.IPPROTO_IP, IP_PKTINFO, info)],
                )
        elif self._ordinary(effect.to.host):
            self._send(effect.data, (effect.to.host, effect.to.port), [])
        else:
            self.counts["address refused"] += 1

    def _everybody(self) -> Iterable[tuple[str, int, str, str]]:
        """Each way to reach everybody once: way, card number, destination, own address."""
        ways = {
            ear: network.interface.host for network in self._networks for ear in _ears_of(network)
        }
        return [(*ear, own) for ear, own in ways.items()]

    def _ordinary(self, host: str) -> bool:
        """Tell whether `host` is a literal IPv4 address of one host."""
        try:
            address = IPv4Address(host)
        except AddressValueError:
            return False
        shouted = {network.interface.broadcast for network in self._networks}
        return not (
            address.is_multicast or address.is_reserved or address.is_unspecified or host in shouted
        )

    def _send(self, data: bytes, to: tuple[str, int], notes: list[tuple[int, int, bytes]]) -> None:
        try:
            self._voice.sendmsg([data], notes, socket.MSG_DONTWAIT, to)
        except BlockingIOError:
            self.counts["send buffer full"] += 1
        # no route, firewall, no buffers, port 0 …: a datagram may always be lost
        except OSError as error:
            self.counts[f"send failed: {error.strerror or error}"] += 1


def _ears_of(network: UsableNetwork) -> list[_Ear]:
    """Name the receivers one network wants."""
    ears: list[_Ear] = [(_MULTICAST, network.index, limits.MULTICAST_GROUP)]
    if network.interface.broadcast:
        ears.append((_BROADCAST, network.index, network.interface.broadcast))
    return ears


def _said_to_everybody(notes: list[tuple[int, int, bytes]]) -> bool:
    """Tell from IP_PKTINFO whether a datagram was sent to something else than our own address."""
    for level, kind, value in notes:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(value) == _PACKET_INFO.size:
            _index, local, header = _PACKET_INFO.unpack(value)
            return bool(local != header)
    return False


def _open(host: str, port: int) -> socket.socket:
    """Open a bound, non-blocking UDP socket that others may share, deaf to groups not joined."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
