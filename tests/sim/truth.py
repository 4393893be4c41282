"""The law of truth: what an engine says of who holds what is so, after every event.

Strategy: an engine's picture (engine/views/picture.py) is compared with what the world knows for
certain: what stands on every disk, and which heads were carried to whom over a link that stands.
Whoever is said to hold a manifest holds every file of it on its disk, or went on to a newer head of
its owner. Whoever says `in_sync` stands, on its own disk too, at every head that anybody it is
linked to has announced to it. Whoever waits for an owner is not linked to it, or its ring takes it
for gone, and nobody it is linked to has said that it holds all of it. Nobody is in sync for longer
than it takes to look while a folder of its own cannot be read, or while something that its own
manifest names is not on its disk. A disk that is away holds nothing, also of its owner's own files,
once its device has noticed and had the time to say so.

Limits: a person who changes other people's files makes what was said a moment ago untrue, so such
files are left out until the device had the time to look, say so and fetch them, a paused one from
when it goes on; where hints are missed, for good, since a scan finds them. An owner's own changes
that it has not had the time to look at are left out too. A picture is looked at after every message
about holdings and heads, and after every `STRIDE`-th other event.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from potluck.core.content.facts import NOTHING, ManifestName, Spot
from potluck.core.content.knowledge import (
    CopyKnown,
    Knowledge,
    ManifestKnown,
    State,
    copy_known,
    situation,
)
from potluck.core.content.last_words import HeadNumber
from potluck.core.content.paths import SafePath
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Flushed, Head, Heads, Holding, Kept, Kind
from potluck.engine.engine import Engine
from potluck.engine.events import Event, FetchEnded, LinkClosed, LinkOpened, MessageHeard
from potluck.engine.others.skipping import is_skipped
from tests.fakes.disk import path_of

if TYPE_CHECKING:
    from tests.sim.hosts import Host, Process
    from tests.sim.world import World

STRIDE = 7
TAKE_BACK_S = 0.5  # it is said at once; the rest is the way over a link
NOTICE_S = 4.0  # a hint, a look, perhaps a reading, and what stands there told at most 1 s later
LOOK_S = 2.0  # a hint and a look take a fraction of that where no hint is missed
MISSED_S = 6.0  # … and where one is missed three seconds more go by until it is said that it was
SPOKEN = Heads | Kept | Flushed


@dataclass
class Heard:
    """What was announced to one process over links."""

    process: object  # which run
    heads: dict[ManifestName, HeadNumber] = field(default_factory=dict)
    gone_s: float | None = None  # since when it is in sync and lacks something of its own


class Truth:
    """Judges what the engines of one world say."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.looks = 0
        self.claims = 0
        self.synced = 0
        self._heard: dict[int, Heard] = {}  # by host number
        self._content_s: dict[int, float] = {}  # since when it is in sync and cannot read all
        self._offline_s: dict[int, float] = {}  # since when a device knows that its disk is away
        # by label of the disk and path: when a person changed it
        self._tampered: dict[tuple[str, object], float] = {}
        self._records: dict[tuple[int, ManifestName, HeadNumber], list[tuple[str, FileRecord]]] = {}
        self._tampered_on: set[str] = set()  # labels of the disks among those

    def tampered(self, label: str, paths: Iterable[object]) -> None:
        """A person changed something in somebody else's folder."""
        changed = {(label, path): self.world.now for path in paths}
        self._tampered |= changed
        self._tampered_on |= {label} if changed else set()

    def after(self, process: Process, event: Event | None) -> None:
        """Look at what a process says after an event."""
        engine = process.engine
        if not isinstance(engine, Engine) or process.leaving or engine.node.roster is None:
            return
        if self.world.lives.doubled:
            return  # whose disk is meant where two machines are one device?
        spoken = isinstance(event, MessageHeard) and isinstance(event.message, SPOKEN)
        self._listen(process, event)
        self._note_offline(process, engine)
        linked = isinstance(event, LinkOpened | LinkClosed)
        if not spoken and not linked and process.handled % STRIDE:
            return
        if process.performing:
            return  # the event around this one is not over: what it asked for has not all begun
        if engine._trouble.rests(process.now):
            self._heard[process.host.number].gone_s = None
            return  # nothing about files is looked at while the index rests
        self.looks += 1
        engine.node.now = process.now
        picture = engine.wiring.viewer._picture.knowledge()
        self._check_claims(process, engine, picture)
        self._check_word(process, engine, picture)

    # -- what was announced ------------------------------------------------------------------------
    def _listen(self, process: Process, event: Event | None) -> None:
        heard = self._heard.get(process.host.number)
        if heard is None or heard.process is not process:
            heard = self._heard[process.host.number] = Heard(process)
        assert isinstance(process.engine, Engine)
        if not isinstance(event, MessageHeard) or event.link not in process.engine.node.link_owner:
            return  # a link that gives way to another: what it brought comes again over that one
        members = process.engine.node.roster.members if process.engine.node.roster else {}
        for head in _heads_in(event):
            name, number = ManifestName.of(head), HeadNumber(head.generation, head.seq)
            if name.owner in members and number > heard.heads.get(name, HeadNumber(0, 0)):
                heard.heads[name] = number

    # -- who is said to hold something -------------------------------------------------------------
    def _check_claims(self, process: Process, engine: Engine, picture: Knowledge) -> None:
        for manifest in picture.manifests:
            if manifest.held is None:
                continue
            for device in picture.devices:
                if copy_known(device, manifest) is not CopyKnown.ALL:
                    continue
                holder = self._host(device.device)
                self._check_mounted(process, holder, manifest)
                if manifest.name.owner == device.device:
                    continue  # it may have changed something a moment ago
                self.claims += 1
                if self._went_on(holder, manifest.name, manifest.held):
                    continue
                lacking = self._lacking(process, holder, manifest.name, manifest.held)
                if lacking:
                    self.world.fail(
                        f"truth: {process.host.label} says {holder.label} holds "
                        f"{self._label(manifest.name)} at {tuple(manifest.held)}, "
                        f"which lacks {lacking[:3]}"
                    )

    def _note_offline(self, process: Process, engine: Engine) -> None:
        """Remember since when a device knows that its disk is away."""
        if engine.node.share_present:
            self._offline_s.pop(process.host.number, None)
        else:
            self._offline_s.setdefault(process.host.number, self.world.now)

    def _check_mounted(self, process: Process, holder: Host, manifest: ManifestKnown) -> None:
        """Nobody is said to hold anything on a disk that it knows to be away."""
        since_s = self._offline_s.get(holder.number)
        if since_s is None or manifest.whole == NOTHING:
            return
        if self.world.now - since_s > TAKE_BACK_S and holder.running:
            self.world.fail(
                f"truth: {process.host.label} says {holder.label} holds "
                f"{self._label(manifest.name)}, and its disk is away for "
                f"{self.world.now - since_s:.1f} s"
            )

    def _went_on(self, holder: Host, name: ManifestName, held: HeadNumber) -> bool:
        """Say whether a device follows a newer head by now."""
        head = holder.index.manifests.head(name) if holder.index is not None else None
        return head is not None and HeadNumber(head.generation, head.seq) > held

    def _lacking(
        self, process: Process, holder: Host, name: ManifestName, held: HeadNumber
    ) -> list[str]:
        """Return the paths of a manifest, as a process knows it, that are not on a disk as its
        owner signed them.
        """
        engine = process.engine
        assert isinstance(engine, Engine)
        owner, files = self._label(name), holder.disk.files
        lacking, tampered = [], holder.label in self._tampered_on
        for below, record in self._listing(engine, name, held):
            path = path_of(f"{owner}/{below}")
            if tampered and self._may_not_know(process, holder, path):
                continue
            if record.kind is Kind.FOLDER:
                stands = path in holder.disk.folders
            else:
                found = files.get(path)
                stands = found is not None and found.version[0] == record.root
            if not stands:
                lacking.append(str(path))
        return lacking

    def _may_not_know(self, process: Process, holder: Host, path: SafePath) -> bool:
        """Say whether a person changed a file on a disk, or a folder it is in, perhaps unnoticed
        there, or not heard of yet by a process that was paused meanwhile.
        """
        changed_s = -math.inf
        above: SafePath | None = path
        while above is not None:
            changed_s = max(changed_s, self._tampered.get((holder.label, above), -math.inf))
            above = above.parent
        if changed_s == -math.inf:
            return False
        later = [process.resumed_s]
        if holder.process is not None:
            if holder.process.paused:
                return True
            later += [holder.process.began_s, holder.process.resumed_s]
        changed_s = max(changed_s, *later)
        return bool(self.world.hint_loss) or self.world.now - changed_s < NOTICE_S

    def _listing(
        self, engine: Engine, name: ManifestName, held: HeadNumber
    ) -> list[tuple[str, FileRecord]]:
        key = (id(engine), name, held)
        if key not in self._records:
            if len(self._records) > 200:
                self._records.clear()
            listing = engine.node.index.manifests.listing(name, b"", 100_000)
            self._records[key] = [(record.path.decode(), record) for record in listing]
        return self._records[key]

    # -- the word ----------------------------------------------------------------------------------
    def _check_word(self, process: Process, engine: Engine, picture: Knowledge) -> None:
        word = situation(picture)
        if (word.state is State.IN_SYNC) != (not word.reason):
            self.world.fail(f"truth: {process.host.label} says {word}")
        self._check_shut(process, word.state)
        self._check_own(process, engine, word.state)
        if word.state in {State.IN_SYNC, State.SENDING}:
            self.synced += 1
            self._check_synced(process, engine)
        if word.state is State.WAITING and word.reason.startswith("waiting for"):
            self._check_waiting(process, engine, picture)
        fetches = process.transfers or any(isinstance(one, FetchEnded) for one in process.inbox)
        if word.state is State.RECEIVING and picture.incoming.senders and not fetches:
            self.world.fail(f"truth: {process.host.label} says {word.reason}, and fetches nothing")

    def _check_synced(self, process: Process, engine: Engine) -> None:
        """Whoever says that nothing is open stands at everything it was told of."""
        manifests = engine.node.index.manifests
        for name, number in self._heard[process.host.number].heads.items():
            head = manifests.head(name)
            held = None if head is None else HeadNumber(head.generation, head.seq)
            if name.owner != process.host.device and (held is None or held < number):
                self.world.fail(
                    f"truth: {process.host.label} says it is in sync at {held} of "
                    f"{self._label(name)}, and was told of {tuple(number)}"
                )
        for head in manifests.heads():
            name = ManifestName.of(head)
            if name.owner == process.host.device or not process.host.disk.mounted:
                continue
            number = HeadNumber(head.generation, head.seq)
            lacking = self._lacking(process, process.host, name, number)
            lacking = [path for path in lacking if not _is_skipped(engine, name, path)]
            if lacking:
                self.world.fail(
                    f"truth: {process.host.label} says it is in sync and lacks {lacking[:3]}"
                )

    def _check_shut(self, process: Process, state: State) -> None:
        """Whoever cannot read all of its own folder says so, once it had the time to look."""
        number = process.host.number
        if state is not State.IN_SYNC or not process.host.disk.shut:
            self._content_s.pop(number, None)
            return
        since_s = self._content_s.setdefault(number, self.world.now)
        if self.world.now - since_s > LOOK_S:
            folders = sorted(map(str, process.host.disk.shut))
            self.world.fail(f"truth: {process.host.label} is in sync and cannot read {folders}")

    def _check_own(self, process: Process, engine: Engine, state: State) -> None:
        """Whoever lacks something that its own manifest names says so, once it had the time."""
        host, heard = process.host, self._heard[process.host.number]
        head = engine.node.index.manifests.head(engine.node.own_manifest)
        gone = []
        if head is not None and state in {State.IN_SYNC, State.SENDING}:
            number = HeadNumber(head.generation, head.seq)
            gone = self._lacking(process, host, ManifestName.of(head), number)
        if not gone:
            heard.gone_s = None
            return
        if heard.gone_s is None:
            heard.gone_s = self.world.now
        if self.world.now - max(heard.gone_s, process.resumed_s) > MISSED_S:
            self.world.fail(f"truth: {host.label} is in sync and {gone[:3]} of its own is gone")

    def _check_waiting(self, process: Process, engine: Engine, picture: Knowledge) -> None:
        linked = set(engine.node.linked()) - {one.device for one in picture.devices if one.offline}
        linked = {device for device in linked if not engine.wiring.circle.gone(device)}
        for manifest in picture.manifests:
            if manifest.stands:
                continue
            label = self._label(manifest.name)
            if manifest.name.owner in linked:
                self.world.fail(
                    f"truth: {process.host.label} waits for {label}, to whom it is linked"
                )
            for device in sorted(linked):
                holding = engine.node.peers[device].kept.get(manifest.name)
                if holding is not None and _holds_all(holding, manifest.heard):
                    self.world.fail(
                        f"truth: {process.host.label} waits for {label}, "
                        f"and {self._host(device).label} said that it holds all of that"
                    )

    # -- names -------------------------------------------------------------------------------------
    def _host(self, device: DeviceId) -> Host:
        host = self.world.judge.host_of(device)
        assert host is not None
        return host

    def _label(self, name: ManifestName) -> str:
        return self._host(name.owner).label


def _is_skipped(engine: Engine, name: ManifestName, path: str) -> bool:
    """Say whether a person does not want a path on that device."""
    return is_skipped(engine.node, Spot(name, path.partition("/")[2].encode()))


def _heads_in(event: MessageHeard) -> list[Head]:
    match event.message:
        case Heads(heads):
            return list(heads)
        case Flushed(head=head) if head is not None:
            return [head]
        case _:
            return []


def _holds_all(holding: Holding, heard: HeadNumber) -> bool:
    """Say whether a device said that it lacks nothing, of a manifest as new as it was heard of."""
    lacks = holding.missing_files or holding.missing_folders or holding.missing_bytes
    return not lacks and (holding.generation, holding.seq) >= heard
