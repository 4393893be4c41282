"""Lives: backups that are put back, machines that are copied, and clocks that are set.

Strategy: a backup is what a machine held at one moment: the whole of FOLDER, and the index. Putting
one back ends the process as a power cut would not: what stood in between is gone from that machine,
in FOLDER, in the index, or in both. What the shell finds out from the stamps of a folder
(potluck/older_copies.py) is noted in the index as it would be. A copied machine is a second host
with the same key, disk and index, under another address.

Guarantees: `owed` is what nobody may lose. When something is put back, all that stood in that
owner's folder and stands on any disk still is owed from then on, at its path, until a person
changes that path; so is what stood there when a machine was copied. In the end, when people have
asked for a repair, it must stand at its owner's and at everybody else's, at that path or beside it,
and everybody must know what all others have of every folder. Limits: a backup is whole and of one
moment; a copied machine is taken away before all must be well, with what only it had. What stands
of others' files where something is put back, and their owners have no more, may stay there: an
index of before, or one of later, does not know it, and who has it tells that it is nobody's; what
is owed may stand there alone. Whoever heard of a list that the lost life had just signed, and that
nobody holds, may wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from potluck.core.content.knowledge import CopyKnown, copy_known
from potluck.core.content.paths import SafePath
from potluck.engine.engine import Engine
from potluck.engine.index import Index
from potluck.engine.own.older_copy import OLDER_COPY
from potluck.engine.person_acts import ConfirmAsked, KeepHereAsked, RepairAsked
from tests.fakes.disk import File

if TYPE_CHECKING:
    from tests.sim.hosts import Host
    from tests.sim.world import World

FOLDER, STATE, BOTH = "folder", "state", "both"  # what is put back
RUNS_APART = 1_000  # so that no run of a copied machine has the instance of one of the other
OTHER_VERSION = re.compile(r" \(other version [^)]*\)")
KNOWN = {CopyKnown.ALL, CopyKnown.LACKS}
YEAR_NS = 365 * 24 * 3_600 * 10**9


@dataclass(frozen=True, slots=True)
class Backup:
    """What a machine held at one moment."""

    files: dict[SafePath, File]
    folders: frozenset[SafePath]
    index: bytes


class Lives:
    """The backups and copies of the machines of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owed: dict[SafePath, bytes] = {}
        self._put_back = False  # whether a backup ever was
        self.doubled = False  # whether there ever were two machines of one identity
        self.strays: dict[int, set[SafePath]] = {}  # by host number: others' files, see above
        self._backups: dict[int, Backup] = {}  # by host number
        self._copies: dict[int, Host] = {}  # by the number of the host they are of

    def back_up(self, number: int) -> None:
        """Keep what a machine holds now."""
        host = self.world.hosts[number]
        image = self.world.factory.image(host.index)
        self._backups[number] = Backup(dict(host.disk.files), frozenset(host.disk.folders), image)

    def put_back(self, number: int, what: str) -> None:
        """Let a machine hold again what it did, its program not running."""
        backup, host = self._backups.get(number), self.world.hosts[number]
        if backup is None or not host.disk.mounted:
            return
        self.world.faults.crash(number)
        self.owed |= _own(host)
        self._put_back = True
        stood = {path for path, data in self.owed.items() if self._stands(path, data)}
        if what != STATE:
            self._replace_files(host, backup)
        held = {*host.disk.files, *host.disk.folders}
        others = {path for path in held if path.parts[0] != host.disk.label}
        self.strays.setdefault(number, set()).update(others)
        if what != FOLDER:
            host.index = self.world.factory.restored(backup.index)
        else:
            _note_older(host)
        gone = {path for path in stood if not self._stands(path, self.owed[path])}
        self.owed = {path: data for path, data in self.owed.items() if path not in gone}

    @property
    def put_back_or_doubled(self) -> bool:
        """Whether any machine had more than one life."""
        return self._put_back or self.doubled

    def _replace_files(self, host: Host, backup: Backup) -> None:
        """FOLDER is the one of the backup: other inodes, the dates of then."""
        disk = host.disk
        touched = {*disk.files, *disk.folders, *backup.files, *backup.folders}
        disk.files.clear()
        disk.folders.clear()
        disk.folders.update(backup.folders)
        for path, file in backup.files.items():
            disk.files[path] = replace(file, inode=disk.new_inode(), ctime_ns=disk.tick())
        self.world.judge.truth.tampered(disk.label, sorted(touched))

    def _stands(self, path: SafePath, data: bytes) -> bool:
        """Whether that content is at that path on any disk."""
        found = (host.disk.files.get(path) for host in self.world.hosts)
        return any(file is not None and file.data == data for file in found)

    def _is_stray(self, path: SafePath) -> bool:
        """Whether what is owed stands where it is told to be nobody's."""
        files = ((host.number, host.disk.files.get(path)) for host in self.world.hosts)
        return any(
            file is not None
            and file.data == self.owed[path]
            and path in self.strays.get(number, set())
            for number, file in files
        )

    def touched(self, paths: Iterable[SafePath]) -> None:
        """A person changed these paths: what is there now is what counts."""
        for path in paths:
            near = [one for one in self.owed if one.starts_with(path) or path.starts_with(one)]
            for one in near:
                del self.owed[one]

    def repair(self, number: int) -> None:
        """The person asks for what the others have of the own folder."""
        process = self.world.hosts[number].process
        if process is not None:
            process.post(RepairAsked(self.world.new_number()))

    def confirm(self, number: int) -> None:
        """The person says at one machine that what owners came back without may go there."""
        host = self.world.hosts[number]
        if host.process is None:
            return
        for owner in self.world.hosts:
            if owner is not host and not owner.copied and owner.number in self._copies:
                left = host.disk.tree(owner.label).keys() - owner.disk.to_share().keys()
                self.world.chronicle.gone |= left
                host.process.post(ConfirmAsked(self.world.new_number(), f"{owner.label}/"))

    # -- clocks ------------------------------------------------------------------------------------
    def set_clock(self, number: int, years: float) -> None:
        """The time of day of a machine, and of its disk, jumps."""
        self.world.hosts[number].disk.clock_ns += int(years * YEAR_NS)

    # -- copied machines ---------------------------------------------------------------------------
    def copy_machine(self, number: int) -> None:
        """A second machine with all that one holds is switched on."""
        if number in self._copies or not self.world.hosts[number].disk.mounted:
            return
        host, self.doubled = self.world.hosts[number], True
        copy = self._copies[number] = self.world.add_host(host.label)
        copy.copied, copy.key, copy.device, copy.shown = True, host.key, host.device, host.shown
        copy.runs = host.runs + RUNS_APART
        copy.index = self.world.factory.copy(host.index)
        copy.disk.marker = host.disk.marker
        copy.disk.files.update(host.disk.files)
        copy.disk.folders.update(host.disk.folders)
        self.owed |= _own(host)
        self.world.start(copy.number)

    def act_on_copy(self, number: int, name: str, data: bytes) -> None:
        """The person at a copied machine writes a file."""
        if number in self._copies:
            self.world.faults.do(self._copies[number].number, "write", name, data)

    def take_copy_away(self, number: int) -> None:
        """The copied machine is switched off for good, and the person keeps the identity here."""
        if number not in self._copies:
            return
        self.world.faults.crash(self._copies[number].number)

    def keep_here(self, number: int) -> None:
        """The person says which machine is the device."""
        process = self.world.hosts[number].process
        if number in self._copies and process is not None:
            process.post(KeepHereAsked(self.world.new_number()))

    # -- in the end --------------------------------------------------------------------------------
    def unsettled(self, hosts: Iterable[Host]) -> str:
        """Say what is owed and not there, or of whom it is not known what it has, or nothing."""
        if not self.put_back_or_doubled:
            return ""
        for host in hosts:
            if vague := _vague(host):
                return f"L: {host.label} does not know what {vague} has"
            here = {(original(path), file.data) for path, file in host.disk.files.items()}
            lacked = [path for path, data in self.owed.items() if (path, data) not in here]
            for path in (path for path in lacked if not self._is_stray(path)):
                return f"L: {host.label} lacks {path} as it was before a backup came"
        return ""


def _own(host: Host) -> dict[SafePath, bytes]:
    """What stands in the folder of a machine's owner there."""
    top = host.disk.label
    return {path: one.data for path, one in host.disk.files.items() if path.parts[0] == top}


def _vague(host: Host) -> str:
    """Return a device of which a machine does not know what it has of a folder, and of whose."""
    process = host.process
    if process is None or not isinstance(process.engine, Engine):
        return ""
    process.engine.node.now = process.now
    knowledge = process.engine.wiring.viewer._picture.knowledge()
    for device in knowledge.devices:
        for manifest in (one for one in knowledge.manifests if one.held == one.heard):
            if copy_known(device, manifest) not in KNOWN:
                return f"{device.label} of {process.engine.node.label_of(manifest.name.owner)}"
    return ""


def original(path: SafePath) -> SafePath:
    """Where a version was that stands beside another one since two lives were merged."""
    name = OTHER_VERSION.sub("", path.name)
    return path if name == path.name or path.parent is None else path.parent.child(name)


def _note_older(host: Host) -> None:
    """The stamps say that FOLDER is an older copy than the index knows."""
    index = host.index
    if isinstance(index, Index):  # some worlds keep none
        index.begin()
        index.meta.set(OLDER_COPY, b"1")
        index.commit()
