"""A LAN inside this machine: one network namespace per host, one more for the bridge that joins
them.

Strategy: every host has one card, called eth0, whose other end is a port of the bridge. Cables are
pulled, rates limited, bytes counted and packets dropped *at the bridge*: a host notices nothing but
what a real one would.

Guarantees: the machine's own network is never touched, nothing can leave; names and addresses carry
the process id, so that runs do not meet; `close` ends every process that was started in a host, and
what a killed run left behind is swept by the next one.

Limits: root on Linux, with iproute2 and nftables. Clocks, disks and processes are shared: only the
network is not.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.conditions import Condition
from tests.fair_time import FairTime, at_least

PREFIX = "potlan"
CLONE_NEWNET = 0x40000000
ALL_FRAMES = 3  # linux/if_ether.h: ETH_P_ALL
GONE_S = 5.0
CARRIER_S = 5.0
_numbers = itertools.count()
Socket = socket.socket  # in Hosts that name is a method

# At the bridge, so that no host gets an EPERM a real network would never give. ARP must pass:
# without it there is no LAN at all. "Everybody" is UDP only, since IPv6 finds its neighbours by
# multicast as well.
_RULES = """
table bridge lan {
  set deaf { type ifname; }
  set torn { type ifname . ifname; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @torn drop
    iifname @deaf ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 meta l4proto udp drop
    oifname @deaf ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 meta l4proto udp drop
  }
}
"""


class Count(NamedTuple):
    """Bytes through one host's cable, Ethernet headers included, as the host sees them."""

    sent: int
    received: int


def unavailable() -> str:
    """Why there can be no LAN here, "" if there can."""
    if os.name != "posix" or not hasattr(socket, "AF_NETLINK"):
        return "network namespaces need Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "tc", "nft"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    added = subprocess.run(
        ["ip", "netns", "add", probe], capture_output=True, text=True, check=False
    )
    if added.returncode:
        return f"no network namespace can be made here: {added.stderr.strip()}"
    _call("ip", "netns", "del", probe)
    return ""


def sweep() -> list[str]:
    """Remove the namespaces, and end the processes in them, of runs whose own process is gone."""
    swept = []
    for name in _names():
        owner = name.split("-")[1]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _remove(name)
            swept.append(name)
    return swept


class Hosts:
    """`n` hosts on one network."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._tag = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        self._bridge = f"{self._tag}-bridge"
        self._subnet = f"10.{os.getpid() >> 8 & 0xFF}.{os.getpid() & 0xFF}"
        self._moves = 0  # how often each host got an address that nobody had before
        self._started: list[subprocess.Popen[Any]] = []
        sweep()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _build(self) -> None:
        _call("ip", "netns", "add", self._bridge)
        # Without snooping the bridge floods multicast at once, instead of after the first
        # membership reports.
        bridge = ["link", "add", "br0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0"]
        self._ip(self._bridge, *bridge)
        self._ip(self._bridge, "link", "set", "br0", "up")
        self._nft(_RULES)
        for i in range(self.n):
            self._build_host(i)
        self._wait_for_carrier("eth0", range(self.n))

    def _build_host(self, i: int) -> None:
        name = self.name(i)
        _call("ip", "netns", "add", name)
        # Duplicate address detection would keep IPv6 silent for the first seconds.
        _call("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        far_end = ["peer", "name", f"p{i}", "netns", self._bridge]
        _call("ip", "link", "add", "eth0", "netns", name, "type", "veth", *far_end)
        self._ip(self._bridge, "link", "set", f"p{i}", "master", "br0", "up")
        self._ip(name, "link", "set", "lo", "up")
        self._ip(name, "addr", "add", f"{self.address(i)}/24", "brd", "+", "dev", "eth0")
        self._ip(name, "link", "set", "eth0", "up")
        # a router that is off
        self._ip(name, "route", "add", "default", "via", f"{self._subnet}.254")

    def cross(self, i: int, j: int, card: str, subnet: str) -> None:
        """Join two hosts by a second cable of their own, beside the bridge."""
        _call("ip", "link", "add", card, "netns", self.name(i), "type", "veth",
              "peer", "name", card, "netns", self.name(j))  # fmt: skip
        for number, host in enumerate((i, j), start=1):
            self._ip(
                self.name(host), "addr", "add", f"{subnet}.{number}/24", "brd", "+", "dev", card
            )
            self._ip(self.name(host), "link", "set", card, "up")
        self._wait_for_carrier(card, (i, j))

    def _wait_for_carrier(self, card: str, hosts: Sequence[int]) -> None:
        """Wait until cards work; the kernel takes up to a second to believe in a new cable."""

        def all_up() -> bool:
            ends = [(self.name(i), card) for i in hosts]
            if card == "eth0":
                ends += [(self._bridge, f"p{i}") for i in hosts]
            return all(self._works(*end) for end in ends)

        wait_until(all_up, CARRIER_S)

    def _works(self, name: str, card: str) -> bool:
        return bool(json.loads(self._ip(name, "-j", "link", "show", card))[0]["operstate"] == "UP")

    def close(self) -> None:
        """End everything that runs in a host and remove the LAN."""
        mine = [name for name in _names() if name.startswith(f"{self._tag}-")]
        for name in mine:
            _kill(name, signal.SIGKILL)
        for process in self._started:
            process.wait()
        for name in mine:
            _remove(name)

    # -- names -------------------------------------------------------------------------------------
    def name(self, i: int) -> str:
        """The network namespace of a host."""
        return f"{self._tag}-h{i}"

    def address(self, i: int) -> str:
        """The IPv4 address of a host."""
        return f"{self._subnet}.{self._moves * self.n + i + 1}"

    # -- processes ---------------------------------------------------------------------------------
    def inside(self, i: int, pid: int) -> bool:
        """Whether a process has come to a host: `ip` goes there before it becomes the program."""
        try:
            return os.path.samefile(f"/proc/{pid}/ns/net", f"/run/netns/{self.name(i)}")
        except OSError:
            return False

    def popen(self, i: int, argv: Sequence[object], **options: Any) -> subprocess.Popen[Any]:
        """Start a program in a host; its pid is the program's own, since `ip` becomes it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        command = ["ip", "netns", "exec", self.name(i), *map(str, argv)]
        process = subprocess.Popen(command, start_new_session=True, **options)
        self._started = [old for old in self._started if old.poll() is None]
        self._started.append(process)
        return process

    def run(
        self, i: int, argv: Sequence[object], timeout_s: float = 60.0, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a host to its end, with its output."""
        command = ["ip", "netns", "exec", self.name(i), *map(str, argv)]
        options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options}
        return subprocess.run(command, timeout=timeout_s, check=False, **options)

    def pids(self, i: int) -> list[int]:
        """The processes that run in a host now."""
        return _pids(self.name(i))

    def kill(self, i: int, number: int = signal.SIGKILL) -> None:
        """Signal every process in a host and wait until they are gone."""
        _kill(self.name(i), number)
        for process in self._started:
            process.poll()

    def socket(
        self, i: int, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM
    ) -> socket.socket:
        """A socket that belongs to a host and is used from here."""
        return _socket_in(self.name(i), family, kind)

    def ear(self) -> Socket:
        """A socket that hears every frame that passes the bridge, once on each side of it."""
        return _socket_in(self._bridge, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_FRAMES))

    # -- cables ------------------------------------------------------------------------------------
    def cable(self, i: int, up: bool) -> None:
        """Plug in or pull a host's cable; like a real card, its own end sees the carrier come and
        go.
        """
        self._ip(self._bridge, "link", "set", f"p{i}", "up" if up else "down")
        if up:
            self._wait_for_carrier("eth0", (i,))

    def rate(self, i: int, rate: str | None, at_once: str = "64k") -> None:
        """Limit a host to `rate` ("100mbit") each way at once; None takes the limit away.

        As much as `at_once` passes without a limit first. A limit is replaced in place: at no
        moment between two of them is the host without one.
        """
        for name, device in ((self.name(i), "eth0"), (self._bridge, f"p{i}")):
            if rate:
                shape = ["tbf", "rate", rate, "burst", at_once, "limit", "256k"]
                _call("tc", "-n", name, "qdisc", "replace", "dev", device, "root", *shape)
            else:
                subprocess.run(
                    ["tc", "-n", name, "qdisc", "del", "dev", device, "root"],
                    capture_output=True,
                    check=False,
                )

    def counters(self) -> list[Count]:
        """Bytes each host has sent and received so far."""
        links = json.loads(_call("ip", "-n", self._bridge, "-s", "-j", "link"))
        stats = {link["ifname"]: link["stats64"] for link in links}
        # What the bridge's end receives, the host has sent.
        return [
            Count(stats[f"p{i}"]["rx"]["bytes"], stats[f"p{i}"]["tx"]["bytes"])
            for i in range(self.n)
        ]

    # -- troubles ----------------------------------------------------------------------------------
    def drop_multicast(self, i: int) -> None:
        """From now on nothing a host says to everybody gets out, and nothing said to everybody gets
        in.
        """
        self._nft(f'add element bridge lan deaf {{ "p{i}" }}')

    def drop_all(self, i: int, j: int) -> None:
        """From now on nothing passes between two hosts, in either direction."""
        self._nft(f'add element bridge lan torn {{ "p{i}" . "p{j}", "p{j}" . "p{i}" }}')

    def heal(self) -> None:
        """Take back every drop."""
        self._nft("flush set bridge lan deaf\nflush set bridge lan torn")

    def move(self) -> None:
        """Give each host another address, as a router does that has forgotten all of them."""
        before = [self.address(i) for i in range(self.n)]
        self._moves += 1
        for i, address in enumerate(before):
            name = self.name(i)
            self._ip(name, "addr", "del", f"{address}/24", "dev", "eth0")
            self._ip(name, "addr", "add", f"{self.address(i)}/24", "brd", "+", "dev", "eth0")
            self._ip(name, "route", "replace", "default", "via", f"{self._subnet}.254")

    def acquaint(self) -> None:
        """Put every host into every other's neighbour table, as an exchange of packets would."""
        for i, j in itertools.permutations(range(self.n), 2):
            link = json.loads(_call("ip", "-n", self.name(j), "-j", "link", "show", "eth0"))[0]
            entry = [self.address(j), "lladdr", link["address"], "dev", "eth0", "nud", "reachable"]
            self._ip(self.name(i), "neigh", "replace", *entry)

    def _ip(self, name: str, *argv: str) -> str:
        return _call("ip", "-n", name, *argv)

    def _nft(self, rules: str) -> None:
        command = ["ip", "netns", "exec", self._bridge, "nft", "-f", "-"]
        done = subprocess.run(command, input=rules, text=True, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"nft: {done.stderr.strip()}")


def _socket_in(name: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket of a namespace."""
    made: list[socket.socket] = []
    failed: list[int] = []
    library = ctypes.CDLL(None, use_errno=True)

    def inside() -> None:  # setns moves one thread only, and this one ends right away
        with open(f"/run/netns/{name}", "rb") as namespace:
            if library.setns(namespace.fileno(), CLONE_NEWNET):
                failed.append(ctypes.get_errno())
                return
        made.append(socket.socket(family, kind, protocol))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if failed:
        raise OSError(failed[0], os.strerror(failed[0]))
    return made[0]


def wait_until(condition: Callable[[], object], timeout_s: float, every_s: float = 0.02) -> float:
    """Wait until something is true; returns how long that took, raises TimeoutError.

    Seconds count as far as the machine had them for us, and it may stand still for a while
    (tests/fair_time.py).
    """
    asked = Condition(condition)
    with FairTime() as clock:
        while not asked():
            if clock.spent() > at_least(timeout_s):
                raise TimeoutError(f"not within {timeout_s} s: {condition}{asked.missed}")
            time.sleep(every_s)
    return clock.spent()


def _call(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _names() -> list[str]:
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.glob(f"{PREFIX}-*")) if folder.exists() else []


def _pids(name: str) -> list[int]:
    listed = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def _kill(name: str, number: int) -> None:
    """Signal all processes of a namespace; those that end are reaped by their parents, zombies do
    not count.
    """
    asked: set[int] = set()

    def gone() -> bool:
        pids = _pids(name)
        for pid in pids:
            if pid not in asked or number == signal.SIGKILL:
                asked.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        return not pids

    if not gone():
        wait_until(gone, GONE_S, 0.01)


def _remove(name: str) -> None:
    _kill(name, signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
