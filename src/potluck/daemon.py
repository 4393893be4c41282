"""The daemon: everything is built once, here, started in order and stopped in the opposite order.

Strategy: the composition root. The main thread claims the home, opens key, index and share, wins the port, builds the
shells around one engine, starts their threads and then waits: for a signal, or for the engine to have left. Nothing
else in the program builds anything of another layer.

Guarantees: a home is used by one process at a time; SIGINT and SIGTERM lead to the same graceful leave as `exit`;
whatever happens, threads end within five seconds and the socket and claim are given back.
Limits: one device per process. What outlives the five seconds is a thread stuck in the operating system's disk call.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

from potluck import config
from potluck.config import DaemonFace, Settings
from potluck.core import limits
from potluck.core.identity import DeviceKey
from potluck.core.messages import Address
from potluck.core.paths import SafePath, parse_wire_path
from potluck.engine.effects import MarkShare, Tell
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.index import Index
from potluck.shells import homes, ports
from potluck.shells.control import Control
from potluck.shells.desk import Desk
from potluck.shells.dialling import Dialling
from potluck.shells.disk import DiskPool, Whose
from potluck.shells.doorway import Doorway
from potluck.shells.fetching import Fetching
from potluck.shells.fsops import Share
from potluck.shells.handshakes import Handshakes
from potluck.shells.lan import Lan
from potluck.shells.links import Links
from potluck.shells.loop import Inbox, Loop, World, leave
from potluck.shells.parts import Parts
from potluck.shells.placing import Placer
from potluck.shells.serving import Serving
from potluck.shells.store import Store
from potluck.shells.strangers import Strangers
from potluck.shells.tls import Standing
from potluck.shells.watcher import watcher_for

INDEX_NAME: Final = "potluck.sqlite"
BALLAST_NAME: Final = "ballast"
OUTSIDE: Final = frozenset({"Shared", ".potluck", "Put aside"})


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


def run(settings: Settings, face: DaemonFace) -> int:
    """Run one device until it leaves; returns the exit code. Raises PotluckError if it cannot start."""
    with contextlib.ExitStack() as cleanup:
        claim = homes.claim(settings.state_dir)
        cleanup.callback(claim.release)
        return _run(settings, face, cleanup)


def _run(settings: Settings, face: DaemonFace, cleanup: contextlib.ExitStack) -> int:
    key = DeviceKey(homes.device_secret(settings.state_dir))
    unshared = _files_outside(settings.folder)
    listener, port = ports.claim(settings.port, given=settings.port_given)
    cleanup.callback(listener.close)
    share = Share(settings.folder)
    cleanup.callback(share.close)
    index = Index.open(os.path.join(settings.state_dir, INDEX_NAME))
    cleanup.callback(index.close)
    whose = Whose(key.device, _share_id(index))
    engine = _engine(settings, key, index, port)
    desk = Desk(unshared, lambda tell: face.told(tell.code, tell.text, tell.level, tell.subject))
    selector = selectors.DefaultSelector()
    cleanup.callback(selector.close)
    loop = Loop(engine, selector, Inbox(selector))
    desk.attach(loop)
    world = cleanup.enter_context(_world(_Base(settings, key, engine, share, whose, listener, selector), loop, desk))
    control = Control(homes.socket_to_serve(settings.state_dir), desk)
    thread = threading.Thread(target=loop.run, args=(world,), name="loop", daemon=True)
    with _signals(loop):
        thread.start()
        world.disk.find_parts()
        control.start()
        cleanup.callback(control.stop)
        face.started({"socket": control.socket_path, "folder": settings.folder, "port": port})
        while not loop.ended.wait(1.0):
            pass
    thread.join(limits.LEAVE_S)
    return 0


class _Base:
    """What was opened before the shells are built around it."""

    def __init__(  # noqa: PLR0913 - the composition root names everything once
        self,
        settings: Settings,
        key: DeviceKey,
        engine: Engine,
        share: Share,
        whose: Whose,
        listener: socket.socket,
        selector: selectors.BaseSelector,
    ) -> None:
        self.settings, self.key, self.engine, self.share = settings, key, engine, share
        self.whose, self.listener, self.selector = whose, listener, selector


@contextlib.contextmanager
def _world(base: _Base, loop: Loop, desk: Desk) -> Iterator[World]:
    """Build all shells, and stop them in the opposite order."""
    settings, engine = base.settings, base.engine
    standing = Standing(base.key, engine.node.instance)
    parts = Parts(base.share)
    placer = Placer(base.share, parts)

    def report(code: str, text: str) -> None:
        desk.told(Tell(code, text, "warning", ""))

    disk = DiskPool(base.share, placer, parts, loop.post, base.whose, report)
    database = os.path.join(settings.state_dir, INDEX_NAME)
    store = Store(database, loop.post, lambda error: report("index_trouble", str(error).replace("\n", "; ")))
    serving = Serving(standing, base.share, loop.post)
    fetching = Fetching(standing, parts, loop.post)
    strangers = Strangers()
    handshakes = Handshakes(standing, strangers, serving, loop.post)
    dialling = Dialling(standing, loop.post)
    doorway = Doorway(base.listener, base.selector, standing, handshakes.take, strangers)
    links = Links(base.selector)
    lan = Lan(doorway.port, settings.interfaces, discovery_port=settings.discovery_port)
    own = _own_top(engine)
    watcher = watcher_for(base.share, (own,), loop.post)

    def marked(effect: MarkShare) -> None:
        placer.own_label = effect.label
        watcher.follow((parse_wire_path(effect.label.encode()),))

    placer.own_label = own.name
    watcher.start()
    ballast = os.path.join(settings.state_dir, BALLAST_NAME)
    _lay_ballast(ballast)
    try:
        yield World(
            standing, lan, links, doorway, dialling, serving, fetching, disk, store,
            desk.told, desk.replied, marked, lambda: _free_ballast(ballast),
        )  # fmt: skip
    finally:
        until = time.monotonic() + limits.LEAVE_S - 1.5
        watcher.close()
        doorway.close()
        for pool in (dialling, handshakes, fetching, serving, disk):
            pool.close(max(0.1, until - time.monotonic()))
        links.close()
        lan.close()
        store.close()


def _engine(settings: Settings, key: DeviceKey, index: Index, port: int) -> Engine:
    addresses = [address.host for addresses in index.addresses.all().values() for address in addresses]
    label = settings.label or config.derive_label(settings.folder, socket.gethostname(), addresses)
    open_s = math.inf if settings.open_s == "always" else settings.open_s
    engine_settings = EngineSettings(
        label=label,
        port=port,
        open_s=open_s,
        peers=tuple(_resolved(settings.peers)),
        sweep=settings.sweep,
        folder=settings.folder,
    )
    return Engine(engine_settings, key, index, OsChance(), os.urandom(16))


def _resolved(peers: tuple[tuple[str, int], ...]) -> Iterator[Address]:
    """Turn host names given by hand into addresses; those that no name service knows are left out."""
    for host, port in peers:
        with contextlib.suppress(OSError):
            found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
            yield Address(str(found[0][4][0]), port)


def _own_top(engine: Engine) -> SafePath:
    """Return the own folder as the index knows it before the engine starts."""
    return parse_wire_path(engine.stored_label().encode())


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
    if os.path.lexists(os.path.join(folder, ".potluck", "marker")):
        return 0
    try:
        with os.scandir(folder) as entries:
            return sum(1 for entry in entries if entry.name not in OUTSIDE)
    except OSError:
        return 0


def _lay_ballast(path: str) -> None:
    """Keep a few megabytes that can be given up when the index itself cannot be written any more."""
    try:
        with open(path, "xb") as ballast:  # noqa: PTH123 - the daemon speaks os paths
            ballast.write(b"\xff" * limits.BALLAST_BYTES)
    except FileExistsError:
        return
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _free_ballast(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _signals(loop: Loop) -> Iterator[None]:
    """Leave at SIGINT and SIGTERM; a second SIGINT ends the program the hard way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        leave(loop)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

