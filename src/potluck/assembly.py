"""The assembly: everything a running device consists of, built once, here.

Strategy: the composition root. `open_all` claims and opens whatever may be refused, `build` makes
the shells around one engine and joins them, in one visible place. Nothing else in the program
builds anything of another layer. What is built says how it is taken down: each step leaves its
opposite in an ExitStack, so a start that fails half-way and an ordinary end are one thing.

Guarantees: what was opened is closed in the opposite order, pools before what they work on.
Whatever happens, threads end within five seconds. Limits: one device per process. What outlives the
five seconds is a thread stuck in the operating system's disk call.
"""

from __future__ import annotations

import math
import os
import random
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from potluck.config.labels import LabelChoice, choose_label, default_label, folders_in
from potluck.config.settings import Settings
from potluck.core import limits
from potluck.core.content.name_limits import PLAIN_NAMES, NameLimits
from potluck.core.content.paths import SafePath, parse_wire_path, printable
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.engine.effects import Tell
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.events import OrderId
from potluck.engine.group.membership import OTHERS_BEFORE
from potluck.engine.index import Index
from potluck.older_copies import OlderCopies
from potluck.shells.api.source import RunningSource
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.bulk.serving import Serving
from potluck.shells.disk.fsops import Share, trouble_with
from potluck.shells.disk.marker import ShareMarker, Whose, marked_by
from potluck.shells.disk.name_probe import keeps_x_bits, limits_of
from potluck.shells.disk.pool import DiskPool
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.returning import ReturnWatch
from potluck.shells.disk.trash_days import TrashDays
from potluck.shells.disk.watching.late_watcher import watcher_for
from potluck.shells.links.control_links import ControlLinks
from potluck.shells.links.dialling import Dialling
from potluck.shells.links.doorway import Doorway
from potluck.shells.links.handshakes import Handshakes
from potluck.shells.links.segments import Segments
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.chores import Chores
from potluck.shells.loop.cycles import leave_old_objects_alone
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.loop import Loop, World, leave
from potluck.shells.loop.people import warning
from potluck.shells.loop.recorder import Recorder
from potluck.shells.loop.redaction import SALT_BYTES
from potluck.shells.loop.workers import Pool, Workers, close_pools
from potluck.shells.net import ports
from potluck.shells.net.host_names import names_of_host
from potluck.shells.net.interfaces import resolve_names
from potluck.shells.net.lan import Lan
from potluck.shells.state import home
from potluck.shells.state.anew import STILL_THE_DEVICE, FormerDevice, put_aside
from potluck.shells.state.ballast import Ballast
from potluck.shells.state.group_copy import GroupCopy
from potluck.shells.state.kept_beside import check_whole
from potluck.shells.state.mending import mended_notice, note_whose
from potluck.shells.state.private_home import INDEX_NAME
from potluck.shells.state.store import Store

ANEW: Final = (
    "this device begins anew, with a new key; it asks to be let in like any other, so in that "
    "group somebody has to compare three words again"
)
BALLAST_NAME: Final = "ballast"
SHARE_ID: Final = "share"  # in the index
SHARE_ID_BYTES: Final = 16  # random: two shares never have the same
NETWORK_CLOSE_S: Final = 0.5  # for dials and handshakes: abandoned, they do no harm
DISK_CLOSE_S: Final = 3.0  # for what writes and reads files; with links and loop less than LEAVE_S


class OsChance:
    """Randomness from the operating system."""

    def __init__(self) -> None:
        """Seed nothing: every number is fresh."""
        self._source: Final = random.SystemRandom()

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return os.urandom(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""
        return self._source.uniform(low, high)


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
    imports: Workers  # may write anywhere: what a person adds by moving is removed elsewhere
    out: FormerDevice = STILL_THE_DEVICE  # of which this home was until now
    names: NameLimits = PLAIN_NAMES  # what the file system of FOLDER makes of names
    keeps_x: bool = True  # whether it keeps x bits

    @property
    def index_path(self) -> str:
        """Where the index lies."""
        return str(Path(self.settings.state_dir, INDEX_NAME))


def importers(cleanup: ExitStack) -> Workers:
    """Return the threads that bring files in, which run already; `cleanup` ends them."""
    imports = Workers("imports", 1)
    imports.stand_by()
    cleanup.callback(imports.close)
    return imports


def open_all(
    settings: Settings, imports: Workers, cleanup: ExitStack, stand_in: str = ""
) -> Opened:
    """Claim and open everything that may be refused; what was opened is closed by `cleanup`.

    `stand_in` is opened in the place of a FOLDER that is away. Raises PotluckError.
    """
    check_whole(settings.state_dir)
    out = put_aside(settings.state_dir)
    key = DeviceKey(home.device_secret(settings.state_dir))
    listener, port = ports.claim_port(settings.port, given=settings.port_given)
    cleanup.callback(listener.close)
    share = Share(settings.folder, settings.state_dir, stand_in)
    cleanup.callback(share.close)
    share.names, keeps_x = _file_system_of(share)
    index = Index.open(str(Path(settings.state_dir, INDEX_NAME)))
    cleanup.callback(index.close)
    note_whose(index, key.device)
    if out.others:
        index.begin()
        index.meta.set(OTHERS_BEFORE, out.others)
        index.commit()
    selector = selectors.DefaultSelector()
    cleanup.callback(selector.close)
    whose = Whose(key.device, _share_id(index, share, key.device))
    given = (settings, key, index, share, whose, listener, port, selector, imports, out)
    return Opened(*given, share.names, keeps_x)


def _file_system_of(share: Share) -> tuple[NameLimits, bool]:
    """Return what the file system of FOLDER makes of names, and whether it keeps x bits.

    Raises DiskTrouble.
    """
    try:
        return limits_of(share), keeps_x_bits(share)
    except OSError as error:
        raise trouble_with(error, share.folder) from error


def is_its_share(opened: Opened) -> bool:
    """Say whether this is the folder of this device: marked so, or it never had a group before."""
    if not opened.index.roster.all():
        return True
    return _marker(opened).state().present


def _marker(opened: Opened) -> ShareMarker:
    return ShareMarker(opened.share, opened.whose)


def watch_return(opened: Opened, on_back: Callable[[], object], cleanup: ExitStack) -> None:
    """Have `on_back` called when FOLDER stands there again and is not what is held open."""
    watch = ReturnWatch(_marker(opened), opened.settings.folder, on_back)
    cleanup.callback(watch.close)
    watch.start()


def start(opened: Opened, source: RunningSource, cleanup: ExitStack) -> Loop:
    """Build engine, shells and loop and start the loop; `cleanup` stops all of it."""
    copies = OlderCopies(opened.share, _marker(opened), opened.index, opened.index_path)
    older = copies.begin()
    cleanup.callback(copies.end)  # after the loop, which alone uses the index
    engine = build_engine(opened, source, older_copy=older)
    if opened.out.why:
        source.told(warning("anew", _anew(opened), engine.stored_label()))
    if (mended := mended_notice(opened.index, opened.settings.state_dir)) is not None:
        source.told(mended)
    cleanup.callback(leave_old_objects_alone())
    inbox = Inbox(opened.selector)
    cleanup.callback(inbox.close)  # closes also what the last workers still put in
    world = _build(opened, engine, inbox, source, cleanup)
    world.disk.stamps = copies.stamps
    loop = Loop(engine, world, opened.selector, inbox)
    source.attach(loop)
    source.versions.attach(loop, opened.share)
    thread = threading.Thread(target=loop.run, name="loop", daemon=True)
    cleanup.callback(_end, loop, thread)
    copies.user = thread
    thread.start()
    world.disk.find_parts()
    return loop


def _anew(opened: Opened) -> str:
    """Return what a person is told of a home that is of a new device now."""
    out, place = opened.out, printable(opened.settings.state_dir)
    kept = ", ".join(out.kept)
    return f"{out.why}; its key and its index are {kept} in {place} now; {ANEW}"


def _end(loop: Loop, thread: threading.Thread) -> None:
    """End the loop, if it did not end by itself."""
    leave(loop)
    thread.join(limits.LEAVE_S)


def build_engine(opened: Opened, source: RunningSource, *, older_copy: bool = False) -> Engine:
    """Build the engine as the settings say; `source` hears of peers whose names nobody knows."""
    settings, index = opened.settings, opened.index
    peers, unknown = resolve_names(settings.peers)
    for host in unknown:
        why = f"nobody knows an IPv4 address of {host}, given by --peer"
        source.told(warning("peer_unknown", why, host))
    terminal = sys.stdin is not None and sys.stdin.isatty()
    choice = _label(opened, source)
    engine_settings = EngineSettings(
        label=choice.label,
        port=opened.port,
        open_s=math.inf if settings.open_s == "always" else settings.open_s,
        peers=tuple(peers),
        sweep=settings.sweep,
        folder=settings.folder,
        names=opened.names,
        keeps_x=opened.keeps_x,
        unfit=frozenset(map(printable, choice.refused)),
        named=bool(settings.label),
        attended=terminal and not settings.headless,
        headless=settings.headless or not terminal,
        older_copy=older_copy,
    )
    return Engine(engine_settings, opened.key, index, OsChance(), os.urandom(limits.INSTANCE_BYTES))


def _label(opened: Opened, source: RunningSource) -> LabelChoice:
    """Return what this device calls itself; before it belongs to a group, its folder may say."""
    settings, host_name = opened.settings, socket.gethostname()
    if settings.label:
        return LabelChoice(settings.label, taken=False, refused=())
    folders = [] if opened.index.roster.all() else folders_in(settings.folder)
    if not folders:
        return LabelChoice(default_label(host_name), taken=False, refused=())
    names = names_of_host(host_name, folders)
    chosen = choose_label(folders, host_name, names, settings.folder)
    if chosen.taken:
        why = f"Shared/{chosen.label} is this device's own folder: it is named after this host"
        source.told(Tell("folder_taken", why, "info", chosen.label))
    return chosen


# -- the shells ------------------------------------------------------------------------------------
def _build(
    opened: Opened, engine: Engine, inbox: Inbox, source: RunningSource, cleanup: ExitStack
) -> World:
    """Build all shells; `cleanup` stops them, pools before what they work on."""
    settings, share = opened.settings, opened.share
    store = Store(opened.index_path, inbox)
    cleanup.callback(store.close)
    lan = _lan(opened)
    cleanup.callback(lan.close)
    links = ControlLinks(opened.selector)
    cleanup.callback(links.close)
    parts = PartFiles(share)
    label = engine.stored_label()
    batches = Batches(share, parts)
    trust = CurrentTrust(opened.key, engine.node.instance, inbox)
    disk = DiskPool(share, batches, parts, inbox, opened.whose, source)
    disk.import_on(opened.imports)
    serving = Serving(trust, share, inbox)
    segments = Segments(opened.listener)
    fetching = Fetching(trust, parts, inbox, segments, settings.workers)
    strangers = Strangers()
    handshakes = Handshakes(trust, strangers, serving, fetching.idle, inbox)
    dialling = Dialling(trust, inbox, serving, segments)
    pools: list[tuple[Pool, float]] = [(dialling, NETWORK_CLOSE_S), (handshakes, NETWORK_CLOSE_S)]
    pools += [(fetching, DISK_CLOSE_S), (serving, DISK_CLOSE_S), (disk, DISK_CLOSE_S)]
    cleanup.callback(close_pools, pools)
    doorway = Doorway(opened.listener, opened.selector, trust, handshakes, strangers)
    cleanup.callback(doorway.close)
    own_label = OwnLabel(opened, label, inbox, cleanup)
    ballast = Ballast(str(Path(settings.state_dir, BALLAST_NAME)))
    ballast.lay()
    group_copy = GroupCopy(settings.state_dir, opened.key.device)
    return World(
        trust=trust,
        lan=lan,
        links=links,
        doorway=doorway,
        dialling=dialling,
        segments=segments,
        serving=serving,
        fetching=fetching,
        disk=disk,
        store=store,
        chores=Chores(disk, ballast, TrashDays(share), group_copy),
        ballast=ballast,
        people=source,
        own_label=own_label,
        recorder=Recorder(settings.state_dir, os.urandom(SALT_BYTES)),
    )


def _lan(opened: Opened) -> Lan:
    settings = opened.settings
    return Lan(
        opened.port,
        settings.interfaces,
        discovery_port=settings.discovery_port,
        beacons="beacon" in settings.discovery,
        neighbours="neighbours" in settings.discovery,
    )


class OwnLabel:
    """Has Shared/ watched, the own folder first, under the label it has."""

    def __init__(self, opened: Opened, label: str, inbox: Inbox, cleanup: ExitStack) -> None:
        """Begin to watch; `cleanup` ends it."""
        self._watcher: Final = watcher_for(opened.share, (_top(label),), inbox, foreign=True)
        cleanup.callback(self._watcher.close)
        self._watcher.start()

    def __repr__(self) -> str:
        """Show what watches; never the label."""
        return f"<OwnLabel: watched by {type(self._watcher).__name__}>"

    def follow(self, label: str) -> None:
        """The own folder has this label from now on."""
        self._watcher.follow((_top(label),))

    def drain(self, order: OrderId) -> None:
        """Have everything told that was noticed so far, then WatchDrained."""
        self._watcher.drain(order)


def _top(label: str) -> SafePath:
    return parse_wire_path(label.encode())


def _share_id(index: Index, share: Share, device: DeviceId) -> bytes:
    """Return the id by which this device recognises its own share; made at the first start.

    A folder that this very device marked before, as it was before its identity was restored, keeps
    the id that it has.
    """
    known = index.meta.get(SHARE_ID)
    if known is None:
        marked = marked_by(share, device)
        known = marked if len(marked) == SHARE_ID_BYTES else os.urandom(SHARE_ID_BYTES)
        index.begin()
        index.meta.set(SHARE_ID, known)
        index.commit()
    return known
