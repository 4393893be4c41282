"""The oracle: what must hold after every event, and what must hold soon after the last fault.

Strategy: `Invariants.after` is called when an engine has handled an event and its effects were
carried out; it looks at what that engine shows (its ring) and compares it with what the world knows
for certain. The fake disks report every publication and every removal, which are compared with the
chronicle of what the owners did. `unsettled` says in one line why the world is not yet as it must
become, or "" when it is. Names: S1-S10 and E1-E11 are those of docs/protocol.md §4. Limits: a view
is a snapshot for people, so the ring is looked at on every `STRIDE`-th event only, and a whole view
is built at every `VIEW_STRIDE`-th of these looks; else the part of it that has the ring's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from potluck.core.content.paths import SafePath
from potluck.core.keys.identity import DeviceId, short_id
from potluck.engine.engine import Engine
from potluck.engine.events import Event, LinkClosed
from tests.fakes.disk import File
from tests.sim.disks import Disk
from tests.sim.lives import original
from tests.sim.truth import Truth

if TYPE_CHECKING:
    from tests.sim.hosts import Host, Process
    from tests.sim.world import World

STRIDE = 5
VIEW_STRIDE = 5
"""Every so many looks at a ring the whole view is built, which costs far more than the ring."""


class Broken(AssertionError):
    """An invariant does not hold, or an engine raised."""


def ring_of(process: Process) -> list[DeviceId]:
    """Return the devices of the ring an engine shows, by number: the one place that knows the
    view's shape.
    """
    shown = _shown_by(process)
    devices = {host.shown: host.device for host in process.world.hosts}
    return [devices.get(node.id, DeviceId(node.id.encode())) for node in shown]


def _shown_by(process: Process) -> Sequence[Any]:
    """Return the rows of the ring: of a whole view at every `VIEW_STRIDE`-th look."""
    engine = getattr(process.engine, "engine", process.engine)  # some worlds wrap it
    process.looks += 1
    if process.looks % VIEW_STRIDE and isinstance(engine, Engine):
        engine.node.now = process.now
        return engine.wiring.viewer._neighbourhood.ring()
    rows: Sequence[Any] = engine.view(process.now).ring
    return rows


def records_of(engine: Any) -> list[Any]:
    """Return the member records an engine holds, if it tells."""
    tell = getattr(engine, "ring_records", None)
    return list(tell()) if tell is not None else []


class Invariants:
    """Judges one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        # devices whose door was closed and whom nobody admitted
        self.uninvited: set[DeviceId] = set()
        self.put_out: set[DeviceId] = set()  # removed by a person: no ring shows them, nor theirs
        self.truth = Truth(world)
        self.removals = 0
        self.publications = 0
        self._incarnations: dict[
            int, tuple[Any, int]
        ] = {}  # id of the process -> its own last incarnation
        self._hosts: dict[DeviceId, Host] = {}
        self._owned: dict[DeviceId, int] = {}  # the largest incarnation an owner gave itself

    # -- after every event -------------------------------------------------------------------------
    def after(self, process: Process, event: Event | None) -> None:
        """Check what can be checked cheaply."""
        self.truth.after(process, event)
        if self.world.events % STRIDE and not isinstance(event, LinkClosed):
            return
        self._ring(process)
        self._records(process)
        self._single(process)

    def _single(self, process: Process) -> None:
        """No world has two machines of one identity, whoever is started again how often."""
        if self.world.lives.doubled:
            return
        node = getattr(process.engine, "node", None)  # the engines of some worlds are simpler
        if node is not None and (node.cloned or node.withheld.owners()):
            self.world.fail(f"{process.host.label} tells of two machines that are one")

    def _ring(self, process: Process) -> None:
        ring = ring_of(process)
        names = [self._name(device) for device in ring]
        if len(set(ring)) != len(ring):
            self.world.fail(f"S3: {process.host.label} shows a device twice: {names}")
        strangers = [
            name for name, device in zip(names, ring, strict=True) if self.host_of(device) is None
        ]
        if strangers:
            self.world.fail(
                f"S5: {process.host.label} shows devices that do not exist: {strangers}"
            )
        leaving = process.leaving or process.host.device in self.put_out
        if ring and process.host.device not in ring and not leaving:
            self.world.fail(f"S1: {process.host.label} is not in its own ring {names}")
        if process.host.device not in self.uninvited:
            uninvited = [self._name(device) for device in ring if device in self.uninvited]
            if uninvited:
                self.world.fail(
                    f"S5: {process.host.label} let {uninvited} in, whom nobody admitted"
                )

    def _records(self, process: Process) -> None:
        me = process.host.device
        for record in records_of(process.engine):
            device = DeviceId(record.device)
            owner = self.host_of(device)
            if owner is None or owner.runs == 0:
                self.world.fail(
                    f"S5: {process.host.label} holds a record of {short_id(device)}, "
                    "which never started"
                )
            if device == me:
                if str(record.status) not in {"alive", "left"}:
                    self.world.fail(f"S1: {process.host.label} calls itself {record.status}")
                _last, before = self._incarnations.get(id(process), (process, -1))
                if record.incarnation < before:
                    self.world.fail(
                        f"S7: {process.host.label} went back from {before} to {record.incarnation}"
                    )
                self._incarnations[id(process)] = (process, record.incarnation)
                self._owned[device] = max(self._owned.get(device, 0), record.incarnation)
            elif record.incarnation > self._owned_by(device):
                self.world.fail(
                    f"S4: {process.host.label} holds incarnation {record.incarnation} "
                    f"of {self._name(device)}, who never went beyond {self._owned_by(device)}"
                )

    def _owned_by(self, device: DeviceId) -> int:
        """Return the largest incarnation of an owner, asking it if it lives (it may have moved
        since we looked).
        """
        for host in self.world.hosts:
            if host.device == device and host.process is not None:
                self.remember(host.process)
        return self._owned.get(device, 2**60)

    def remember(self, process: Process) -> None:
        """Note how far a process has taken its own incarnation; called before it ends, too."""
        me = process.host.device
        for record in records_of(process.engine):
            if record.device == me:
                self._owned[me] = max(self._owned.get(me, 0), record.incarnation)

    # -- what the disks report ---------------------------------------------------------------------
    def published(self, disk: Disk, path: SafePath, data: bytes) -> None:
        """Every content put under a final name was once put there, whole, by its owner."""
        self.publications += 1
        had = self.world.chronicle.versions.get(original(path), set())
        if data not in had:
            self.world.fail(
                f"on {disk.label}: {path} holds {len(data)} bytes that its owner never had there"
            )

    def removed(self, disk: Disk, path: SafePath, file: File) -> None:
        """An engine takes away only what the owner took away."""
        self.removals += 1
        if path.parts[0] == disk.label:
            self.world.fail(f"on {disk.label}: its own file {path} was taken away")
        if path not in self.world.chronicle.gone:
            self.world.fail(f"on {disk.label}: {path} was taken away, but its owner always had it")

    # -- in the end --------------------------------------------------------------------------------
    def unsettled(self, *, trees: bool = True) -> str:
        """Say why the world is not yet as it must become, or nothing."""
        hosts = [host for host in self.world.running() if host.device not in self.uninvited]
        if ring := self._ring_unsettled(hosts):
            return ring
        return (self._trees_unsettled(hosts) or self.world.lives.unsettled(hosts)) if trees else ""

    def _ring_unsettled(self, hosts: list[Host]) -> str:
        live = {host.device for host in hosts}
        first: list[DeviceId] | None = None
        for host in hosts:
            assert host.process is not None
            ring = ring_of(host.process)
            if set(ring) != live:
                shown, wanted = self._names(ring), self._names(list(live))
                return f"E1: {host.label} shows the ring {shown}, live are {sorted(wanted)}"
            if first is not None and ring != first:
                here, there = self._names(ring), self._names(first)
                return f"E2: {host.label} shows the order {here}, others {there}"
            first = ring
        return ""

    def _trees_unsettled(self, hosts: list[Host]) -> str:
        for owner in hosts:
            if owner.lied:
                continue
            truth = owner.disk.to_share()
            for host in hosts:
                if host is owner:
                    continue
                here = host.disk.tree(owner.disk.label)
                for path in self.world.lives.strays.get(host.number, set()) - truth.keys():
                    here.pop(path, None)  # what its owner has not any more, a backup had
                if here != truth:
                    missing = sorted(str(path) for path in truth.keys() - here.keys())
                    surplus = sorted(str(path) for path in here.keys() - truth.keys())
                    other = sorted(
                        str(path)
                        for path in truth.keys() & here.keys()
                        if truth[path] != here[path]
                    )
                    return (
                        f"E: {owner.label}'s folder on {host.label}: "
                        f"missing {missing[:5]}, surplus {surplus[:5]}, different {other[:5]}"
                    )
        if any(owner.lied for owner in hosts):
            return ""  # whoever was lied to asks again now and then
        for host in hosts:
            if host.disk.parts:
                return f"E: {host.label} still has {len(host.disk.parts)} part files"
            if host.process is not None and host.process.transfers:
                return f"E: {host.label} still fetches"
        return ""

    def settle(self, seconds: float, *, trees: bool = True, calm_s: float = 10.0) -> float:
        """Let time pass until all is well, which must then last; fail if not. Return the seconds it
        took.
        """
        began = self.world.now
        if not self.world.run_until(lambda: not self.unsettled(trees=trees), seconds):
            self.world.fail(f"after {seconds} s without faults: {self.unsettled(trees=trees)}")
        taken = self.world.now - began
        calm_until = self.world.now + calm_s
        while self.world.now < calm_until:
            self.world.run_for(0.5)
            trouble = self.unsettled(trees=trees)
            if trouble:
                self.world.fail(f"E4: it was well, then {trouble}")
        return taken

    # -- names -------------------------------------------------------------------------------------
    def host_of(self, device: DeviceId) -> Host | None:
        """Return the host with a device id."""
        if len(self._hosts) != sum(not host.copied for host in self.world.hosts):
            self._hosts = {host.device: host for host in self.world.hosts if not host.copied}
        return self._hosts.get(device)

    def _name(self, device: DeviceId) -> str:
        host = self.host_of(device)
        return host.label if host else short_id(device)

    def _names(self, devices: list[DeviceId]) -> list[str]:
        return [self._name(device) for device in devices]
