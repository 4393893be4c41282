"""A hostile member that signs who is who: the name and the folder of a device that is known stay
its own, on its own disk and on every other; and one member leaves room for the others.

Each oracle is what stands below Shared/ of each device, byte for byte, and how each is called. The
proof: without the one guard (tests/hostile/unguarded.py) the same acts change both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.content.pieces import file_root, piece_hash
from potluck.core.errors import ProtocolError
from potluck.core.group.lines import LINE_LEAST, LINE_MOST
from potluck.core.group.statement_set import RECORDS_MAX
from potluck.core.group.statements import admit, record_hash
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import (
    DeletedPath,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Folder,
    Gone,
    Heads,
    Holding,
    Kept,
    Kind,
    ManifestAsk,
    ManifestPage,
    RosterDigest,
    RosterRecord,
    RosterRecords,
)
from potluck.shells.links.stream import Stream
from tests.devices import free_port, one_ring, until
from tests.hostile.daemons import Daemon, Pair
from tests.hostile.rogue import Control, Rogue, heads_of

pytestmark = pytest.mark.full
FILES = 12
RANKS = 40
PAIRS = 5  # all in vain is a chance of one in a hundred million
EVIL = b"from the attacker"
EVIL_ROOT = file_root(len(EVIL), limits.PIECE_MIN_BYTES, piece_hash(EVIL))
CROWD = RECORDS_MAX + 50


class NamesOff(Daemon):
    """A daemon that puts no name in force."""

    program = ("tests.hostile.unguarded", "names", "--")


class LinesOff(Daemon):
    """A daemon that lets one member sign everything."""

    program = ("tests.hostile.unguarded", "lines", "--")


@contextmanager
def group(base: Path, kind: type[Daemon]) -> Iterator[tuple[Daemon, Daemon, Daemon, Rogue]]:
    """A founder; another member; a rogue that the founder let in; and a victim with files, whom
    that other member let in.
    """
    with ExitStack() as held:
        alder, birch, rogue, discovery_port = company(held, base, kind)
        victim = kind(base / "victim", "victim")
        alder.client.post("/api/v1/door", {"open": False})
        victim.begin(discovery_port)
        held.callback(victim.close)
        until(lambda: one_ring(alder, birch, victim), victim.said)
        for number in range(FILES):
            victim.write(f"photo {number}.jpg", os.urandom(3000))
        until(lambda: alder.copy_of(victim).exists() and tree(alder) == tree(victim), alder.said)
        yield alder, birch, victim, rogue


def company(held: ExitStack, base: Path, kind: type[Daemon]) -> tuple[Daemon, Daemon, Rogue, int]:
    """A founder, another member, a rogue whose newcomers rank before those of that one; the port.

    Who ranks first is chance that nobody chooses: as many rogues, and pairs, come as it takes.
    """
    for number in range(PAIRS):
        discovery_port = free_port()
        with ExitStack() as these:
            alder, birch = (kind(base / f"{label} {number}", label) for label in ("alder", "birch"))
            for device in (alder, birch):
                device.begin(discovery_port)
                these.callback(device.close)
            until(partial(one_ring, alder, birch), birch.said)
            guest = Rogue("guest", Pair(base, discovery_port, alder, birch))
            these.callback(guest.close)
            if guest.roster.founder == guest.device_of(birch):
                alder, birch = birch, alder
            rogue = first_in_rank(these, Pair(base, discovery_port, alder, birch))
            if rogue is not None:
                held.enter_context(these.pop_all())
                return alder, birch, rogue, discovery_port
    pytest.skip(f"of {RANKS} rogues beside {PAIRS} members each none came before that member")


def first_in_rank(held: ExitStack, pair: Pair) -> Rogue | None:
    """A rogue that the founder let in, whose newcomers rank before those of the other member."""
    for number in range(RANKS):
        rogue = Rogue(f"rogue {number}", pair)
        held.callback(rogue.close)
        members = rogue.roster.members
        own = members[rogue.key.device]
        assert own.admitted_by == rogue.roster.founder == rogue.device_of(pair.a)
        if record_hash(own.record) < record_hash(members[rogue.device_of(pair.b)].record):
            return rogue
    return None


def tree(device: Daemon, label: str = "victim") -> dict[str, str]:
    """What stands in the folder of that name on a device."""
    top = device.folder / "Shared" / label
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in top.glob("*")
        if path.is_file()
    }


def labels(device: Daemon) -> set[str]:
    """How a device calls all of the group."""
    return {each["label"] for each in device.state().get("devices", [])}


class Attack:
    """Steps by which a member once took over the folder of another one."""

    def __init__(self, rogue: Rogue, alder: Daemon, victim: Daemon) -> None:
        self.rogue = rogue
        self.links = [rogue.control(alder)]
        self.links[0].say(RosterDigest(bytes(32)))
        rogue.roster.add(self.links[0].wait_for(RosterRecords).records)
        rogue.trust()
        self.victim = next(m for m in rogue.roster.members.values() if m.label == "victim")
        self.links.append(rogue.control(victim))
        for device in (alder, victim):
            rogue.listen(device)
        self.fake = DeviceKey(os.urandom(64))
        self.records: list[FileRecord] = []
        self.deleted: list[DeletedPath] = []
        self.seq = 0
        rogue.answers = self._answer

    def say(self, *messages: Any) -> None:
        for link in self.links:
            link.say(*messages)
            assert link.answers()

    def admit(self, whom: Any, label: str) -> RosterRecord:
        """An admission that the rogue signs."""
        by, group_of = self.rogue.key, self.rogue.roster.group
        return admit(by, group_of, whom.certificate, whom.sealing_public, label)

    def share(self, *names: str) -> None:
        """Have the fake device share these files, all with the attacker's words."""
        self.deleted += [DeletedPath(r.path, self.seq + 1) for r in self.records]
        self.seq += 2
        self.records = [
            FileRecord(
                name.encode(), Kind.FILE, len(EVIL), 0, False, limits.PIECE_MIN_BYTES, EVIL_ROOT, n
            )
            for n, name in enumerate(names, self.seq)
        ]
        self.seq += len(names)
        self.head = heads_of(self.fake, self.records, self.seq)
        holding = Holding(self.fake.device, Folder.OWN, 1, self.seq, 0, 0)
        self.say(Heads([self.head]), Kept([holding]))

    def _answer(self, request: Any, stream: Stream) -> None:
        match request:
            case ManifestAsk() if request.owner == self.fake.device:
                stream.send(
                    ManifestPage(
                        self.fake.device,
                        Folder.OWN,
                        self.records,
                        self.deleted,
                        self.seq,
                        0,
                        self.head,
                    )
                )
            case FilesAsk():
                stream.send(FilesHeader([len(EVIL)]))
                stream.send_bytes(EVIL)
            case _:
                stream.send(Gone())


class Known:
    """The victim's public half, to be admitted again."""

    def __init__(self, certificate: bytes, sealing: bytes) -> None:
        self.certificate, self.sealing_public = certificate, sealing


def take_over(attack: Attack, alder: Daemon) -> None:
    """Invent a device with a folder, give the victim that name, and the device the victim's."""
    attack.say(RosterRecords([attack.admit(attack.fake, "holiday")]))
    attack.share("evil.txt")
    until((alder.folder / "Shared" / "holiday" / "evil.txt").exists, alder.said)
    victim = Known(attack.victim.certificate, attack.victim.sealing)
    for number in range(8):
        attack.say(RosterRecords([attack.admit(victim, f"holiday {number}")]))
        attack.say(RosterRecords([attack.admit(victim, "holiday")]))
    for _ in range(8):
        other = DeviceKey(os.urandom(64))
        attack.say(RosterRecords([attack.admit(other, "victim")]))
    attack.say(RosterRecords([attack.admit(attack.fake, "victim")]))
    attack.share(*(f"photo {number}.jpg" for number in range(FILES)))


def evil_anywhere(device: Daemon) -> bool:
    """Whether what the fake shares last has come to a device, under whatever name."""
    return any(
        path.read_bytes() == EVIL
        for path in (device.folder / "Shared").glob("*/photo 0.jpg")
        if path.is_file()
    )


def test_a_member_takes_over_no_name_and_no_folder(tmp_path: Path) -> None:
    with group(tmp_path, Daemon) as (alder, birch, victim, rogue):
        before = tree(victim)
        attack = Attack(rogue, alder, victim)
        take_over(attack, alder)
        for device in (alder, victim):
            until(lambda device=device: evil_anywhere(device), device.said)  # type: ignore[misc]
        for device in (alder, birch, victim):
            assert tree(device) == before, device.said()
            assert {"victim", "alder", "birch"} <= labels(device)
            assert not (device.folder / "Put aside").exists()
        assert "relabelled" not in victim.codes()
        alder.close()
        alder.start(rogue.pair.discovery_port, "--port", str(alder.port))
        until(lambda: one_ring(alder, birch, victim), alder.said)
        assert tree(alder) == before
        assert "victim" in labels(alder)
        victim.write("later.jpg", b"later")
        until(lambda: tree(alder) == tree(victim) == tree(birch), alder.said)
        assert len(tree(victim)) == FILES + 1


@pytest.mark.proof
def test_without_names_in_force_it_does(tmp_path: Path) -> None:
    with group(tmp_path, NamesOff) as (alder, _, victim, rogue):
        before = tree(victim)
        take_over(Attack(rogue, alder, victim), alder)
        until(lambda: "relabelled" in victim.codes(), victim.said)
        until(lambda: tree(victim) != before or not tree(victim), victim.said)


# -- one member admits whomever it likes -----------------------------------------------------------
def crowd(rogue: Rogue, link: Control) -> None:
    """Admit more devices than a roster holds."""
    made = []
    for number in range(CROWD):
        fake = DeviceKey(os.urandom(64))
        group_of = rogue.roster.group
        made.append(
            admit(rogue.key, group_of, fake.certificate, fake.sealing_public, f"fake {number}")
        )
    for at in range(0, len(made), limits.ROSTER_CHUNK):
        link.say(RosterRecords(made[at : at + limits.ROSTER_CHUNK]))
    assert link.answers()


@contextmanager
def crowded(base: Path, kind: type[Daemon]) -> Iterator[tuple[Daemon, Daemon, Pair]]:
    """Two devices of which one was told of a crowd."""
    discovery_port = free_port()
    with ExitStack() as held:
        alder, birch = (kind(base / label, label) for label in ("alder", "birch"))
        for device in (alder, birch):
            device.begin(discovery_port)
            held.callback(device.close)
        until(lambda: one_ring(alder, birch), birch.said)
        devices = Pair(base, discovery_port, alder, birch)
        rogue = Rogue("rogue", devices)
        held.callback(rogue.close)
        link = rogue.control(birch)
        held.callback(link.close)
        crowd(rogue, link)
        until(lambda: len(labels(birch)) > LINE_LEAST, birch.said)
        yield alder, birch, devices


def test_one_member_fills_no_roster(tmp_path: Path) -> None:
    with crowded(tmp_path, Daemon) as (alder, birch, devices):
        devices.unharmed()
        for device in (alder, birch):
            assert len(labels(device)) <= 3 + LINE_MOST
        cedar = Daemon(tmp_path / "cedar", "cedar")
        try:
            cedar.begin(devices.discovery_port)
            until(lambda: one_ring(alder, birch, cedar), cedar.said)
            devices.delivers(alder, cedar)
        finally:
            cedar.close()


@pytest.mark.proof
def test_without_a_bound_of_lines_it_does(tmp_path: Path) -> None:
    with crowded(tmp_path, LinesOff) as (alder, birch, devices):
        until(lambda: len(labels(birch)) >= RECORDS_MAX, birch.said)
        until(lambda: len(labels(alder)) >= RECORDS_MAX, alder.said)
        refused = 0
        for door, other in ((alder, birch), (birch, alder)):
            pair = Pair(devices.base, devices.discovery_port, door, other)
            try:
                Rogue(f"late at {door.label}", pair).close()
            except ProtocolError:
                refused += 1
        assert refused == 1, "only the founder has room left, which is its own"
