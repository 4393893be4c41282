"""The daemon: everything is built once, here, started in order and stopped in the opposite order.

Strategy: the composition root. The main thread claims the home, opens key, index and share, wins
the port, builds the shells around one engine, starts their threads and then waits: for a signal, or
for the engine to have left. Nothing else in the program builds anything of another layer.

Guarantees: a home is used by one process at a time; SIGINT, SIGTERM and a closed terminal lead to
the same graceful leave as `exit`, from the first moment on, and a second SIGINT ends the program at
once. Whatever happens, threads end within five seconds and socket and claim are given back. A loop
that fails is an error, never "has left". Limits: one device per process. What outlives the five
seconds is a thread stuck in the operating system's disk call.
"""

from __future__ import annotations

import math
import os
import random
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Final, Protocol, Self

from potluck.config.labels import derive_label
from potluck.config.settings import DaemonFace, Settings
from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import PotluckError
from potluck.core.keys.identity import DeviceKey
from potluck.engine.effects import MarkShare, Tell, Transmit
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.index import Index
from potluck.shells.api.server import ApiServer
from potluck.shells.api.source import RunningSource
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.bulk.serving import Serving
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import Whose
from potluck.shells.disk.pool import DiskPool
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.trash import prune_trash
from potluck.shells.disk.watching.watcher import watcher_for
from potluck.shells.links.control_links import ControlLinks
from potluck.shells.links.dialling import Dialling
from potluck.shells.links.doorway import Doorway
from potluck.shells.links.handshakes import Handshakes
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.chores import Chore, Chores
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.loop import Loop, World, first_line, leave
from potluck.shells.net import ports
from potluck.shells.net.interfaces import Survey, resolve_names, survey
from potluck.shells.net.lan import Lan, Surveyor
from potluck.shells.state import home
from potluck.shells.state.ballast import Ballast
from potluck.shells.state.store import Store

INDEX_NAME: Final = "potluck.sqlite"
BALLAST_NAME: Final = "ballast"
OUTSIDE: Final = frozenset({"Shared", ".potluck", "Put aside"})
SPACE_S: Final = 10.0  # how often the free space is looked at
BALLAST_S: Final = 60.0  # and whether the ballast can be laid again
PRUNE_S: Final = 3600.0  # and what of the trash is too old
TRASH_SHARE: Final = 0.10  # of the disk
NETWORK_CLOSE_S: Final = 0.5  # for dials and handshakes: abandoned, they do no harm
DISK_CLOSE_S: Final = 2.5  # for what writes and reads files


class Closing(Protocol):
    """A pool of threads."""

    def close(self, wait_s: float, /) -> bool:
        """Stop, wait at most so long, say whether all threads are gone."""


class OsChance:
    """Randomness from the operating system."""

    def __init__(self) -> None:
        """Seed nothing: every number is fresh."""
        self._source = random.SystemRandom()

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return os.urandom(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""
        return self._source.uniform(low, high)


class Departure:
    """While entered: signals ask for the graceful leave, also when there is no loop yet to ask."""

    SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        """Change nothing before it is entered."""
        self._loop: Loop | None = None
        self._asked = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Take the signals, if this is the main thread; no other can."""
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                # as nohup wants it
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it came from signal.signal

    def attach(self, loop: Loop) -> None:
        """Ask this loop from now on, at once if a signal came before."""
        self._loop = loop
        if self._asked:
            leave(loop)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:  # the next one ends the program the hard way
            signal.signal(number, signal.SIG_DFL)
        self._asked = True
        if self._loop is not None:
            leave(self._loop)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was claimed and opened before the shells are built around it."""

    settings: Settings
    key: DeviceKey
    index: Index
    share: Share
    whose: Whose
    listener: socket.socket
    port: int
    selector: selectors.BaseSelector

    @property
    def index_path(self) -> str:
        """Where the index lies."""
        return str(Path(self.settings.state_dir, INDEX_NAME))


def run(settings: Settings, face: DaemonFace) -> int:
    """Run one device until it leaves; returns the exit code. Raises PotluckError if it cannot
    start, or fails.
    """
    with ExitStack() as cleanup:
        departure = cleanup.enter_context(Departure())
        claim = home.claim_home(settings.state_dir)
        cleanup.callback(claim.release)
        unshared = _files_outside(settings.folder)
        desk = RunningSource(
            unshared, lambda tell: face.told(tell.code, tell.text, tell.level, tell.subject)
        )
        opened = _open(settings, cleanup)
        loop = _start(opened, desk, cleanup)
        departure.attach(loop)
        control = ApiServer(home.socket_to_serve(settings.state_dir), desk)
        cleanup.callback(control.stop)
        cleanup.callback(desk.close)
        desk.state()  # so that there is a last state to answer with, whatever happens
        control.start()
        face.started(
            {"socket": control.socket_path, "folder": settings.folder, "port": opened.port}
        )
        loop.ended.wait()
    if isinstance(loop.failure, PotluckError):
        raise loop.failure
    if loop.failure is not None:
        raise PotluckError(
            "potluck has stopped working.",
            f"a fault in potluck itself: {loop.failure!r}",
            "start it again with up; your files are safe. Please report the lines above",
        ) from loop.failure
    return 0


# -- opening and starting --------------------------------------------------------------------------
def _open(settings: Settings, cleanup: ExitStack) -> Opened:
    """Claim and open everything that may be refused; what was opened is closed by `cleanup`."""
    key = DeviceKey(home.device_secret(settings.state_dir))
    listener, port = ports.claim_port(settings.port, given=settings.port_given)
    cleanup.callback(listener.close)
    share = Share(settings.folder)
    cleanup.callback(share.close)
    index = Index.open(str(Path(settings.state_dir, INDEX_NAME)))
    cleanup.callback(index.close)
    selector = selectors.DefaultSelector()
    cleanup.callback(selector.close)
    return Opened(
        settings, key, index, share, Whose(key.device, _share_id(index)), listener, port, selector
    )


def _start(opened: Opened, desk: RunningSource, cleanup: ExitStack) -> Loop:
    """Build engine, loop and shells and start the loop; `cleanup` stops all of it in the opposite
    order.
    """
    engine = _engine(opened, desk)
    inbox = Inbox(opened.selector)
    cleanup.callback(inbox.close)
    loop = Loop(engine, opened.selector, inbox)
    cleanup.callback(loop.turn_away)  # what the last workers still put in
    desk.attach(loop)
    world = _build(opened, engine, loop, desk, cleanup)
    thread = threading.Thread(target=loop.run, args=(world,), name="loop", daemon=True)
    cleanup.callback(_end, loop, thread)
    thread.start()
    world.disk.find_parts()
    return loop


def _end(loop: Loop, thread: threading.Thread) -> None:
    """End the loop, if it did not end by itself."""
    leave(loop)
    thread.join(limits.LEAVE_S)


def _engine(opened: Opened, desk: RunningSource) -> Engine:
    settings, index = opened.settings, opened.index
    hosts = [address.host for addresses in index.addresses.all().values() for address in addresses]
    peers, unknown = resolve_names(settings.peers)
    for host in unknown:
        desk.told(
            Tell(
                "peer_unknown",
                f"nobody knows an IPv4 address of {host}, given by --peer",
                "warning",
                host,
            )
        )
    engine_settings = EngineSettings(
        label=settings.label or derive_label(settings.folder, socket.gethostname(), hosts),
        port=opened.port,
        open_s=math.inf if settings.open_s == "always" else settings.open_s,
        peers=tuple(peers),
        sweep=settings.sweep,
        folder=settings.folder,
        attended=not settings.headless and sys.stdin is not None and sys.stdin.isatty(),
    )
    return Engine(engine_settings, opened.key, index, OsChance(), os.urandom(16))


# -- the shells ------------------------------------------------------------------------------------
def _build(
    opened: Opened, engine: Engine, loop: Loop, desk: RunningSource, cleanup: ExitStack
) -> World:
    """Build all shells; `cleanup` stops them in the opposite order, pools before what they work on."""
    settings, share = opened.settings, opened.share

    def report(code: str, text: str) -> None:
        desk.told(Tell(code, text, "warning", ""))

    store = Store(
        opened.index_path, loop.post, lambda error: report("index_trouble", first_line(error))
    )
    cleanup.callback(store.close)
    lan = _lan(opened)
    cleanup.callback(lan.close)
    links = ControlLinks(opened.selector)
    cleanup.callback(links.close)
    parts = PartFiles(share)
    own = parse_wire_path(engine.stored_label().encode())
    batches = Batches(share, parts, own.name)
    standing = CurrentTrust(opened.key, engine.node.instance)
    disk = DiskPool(share, batches, parts, loop.post, opened.whose, report)
    serving = Serving(standing, share, loop.post)
    fetching = Fetching(standing, parts, loop.post, settings.workers)
    strangers = Strangers()
    handshakes = Handshakes(standing, strangers, serving, loop.post)
    dialling = Dialling(standing, loop.post)
    cleanup.callback(_close_pools, (dialling, handshakes), (fetching, serving, disk))
    doorway = Doorway(opened.listener, opened.selector, standing, handshakes.take, strangers)
    cleanup.callback(doorway.close)
    ballast = Ballast(str(Path(settings.state_dir, BALLAST_NAME)))
    ballast.lay()
    return World(
        standing=standing,
        lan=lan,
        links=links,
        doorway=doorway,
        dialling=dialling,
        serving=serving,
        fetching=fetching,
        disk=disk,
        store=store,
        chores=_chores(disk, ballast, share),
        transmit=lan.transmit if "beacon" in settings.discovery else _without_beacons(lan),
        told=desk.told,
        replied=desk.replied,
        marked=_follow_label(opened, own, loop, cleanup),
        free_ballast=ballast.free,
    )


def _lan(opened: Opened) -> Lan:
    settings = opened.settings
    discovery_port, surveyor = settings.discovery_port, _surveyor(settings)
    return Lan(opened.port, settings.interfaces, discovery_port=discovery_port, surveyor=surveyor)


def _follow_label(
    opened: Opened, own: SafePath, loop: Loop, cleanup: ExitStack
) -> Callable[[MarkShare], None]:
    """Watch the own folder under the label it has; returns what is to be done for another."""
    watcher = watcher_for(opened.share, (own,), loop.post)
    cleanup.callback(watcher.close)
    watcher.start()

    def marked(effect: MarkShare) -> None:
        watcher.follow((parse_wire_path(effect.label.encode()),))

    return marked


def _close_pools(network: Sequence[Closing], files: Sequence[Closing]) -> None:
    """Stop all pools, then wait: hardly for dials and handshakes, longer for those who read or
    write files.
    """
    for pool in (*network, *files):
        pool.close(0.0)
    for pools, wait_s in ((network, NETWORK_CLOSE_S), (files, DISK_CLOSE_S)):
        until = time.monotonic() + wait_s
        for pool in pools:
            pool.close(max(0.0, until - time.monotonic()))


def _chores(disk: DiskPool, ballast: Ballast, share: Share) -> Chores:
    def prune() -> None:
        prune_trash(share, time.time(), limits.TRASH_S, TRASH_SHARE)

    return Chores(
        [
            Chore(SPACE_S, disk.see_space),
            Chore(BALLAST_S, lambda: disk.tidy(ballast.lay)),
            Chore(PRUNE_S, lambda: disk.tidy(prune)),
        ]
    )


def _surveyor(settings: Settings) -> Surveyor:
    """Look around as the settings allow: perhaps without asking the neighbours the kernel knows."""
    if "neighbours" in settings.discovery:
        return survey

    def without_neighbours(only: Sequence[str]) -> Survey:
        return replace(survey(only), neighbours=())

    return without_neighbours


def _without_beacons(lan: Lan) -> Callable[[Transmit], None]:
    """Send what goes to somebody, and nothing to everybody."""

    def transmit(effect: Transmit) -> None:
        if effect.to is not None:
            lan.transmit(effect)

    return transmit


# -- small things ----------------------------------------------------------------------------------
def _share_id(index: Index) -> bytes:
    """Return the id by which this device recognises its own share; made at the first start."""
    known = index.meta.get("share")
    if known is None:
        known = os.urandom(16)
        index.begin()
        index.meta.set("share", known)
        index.commit()
    return known


def _files_outside(folder: str) -> int:
    """Count what lies in a folder that never was a share: it is not shared until somebody adds it."""
    if os.path.lexists(Path(folder, ".potluck", "marker")):
        return 0
    try:
        with os.scandir(folder) as entries:
            return sum(1 for entry in entries if entry.name not in OUTSIDE)
    except OSError:
        return 0
