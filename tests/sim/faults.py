"""Faults as data: what can go wrong, when, and seeded schedules of it.

Strategy: a schedule is a tuple of `Op(at, name, args)`; `Faults` carries each one out. `draw` makes
a schedule for a seed, a number of hosts and a profile; the same arguments give the same schedule,
so a failure can be replayed and shortened by hand. Every drawn schedule ends with all faults
healed, so that the eventual invariants apply. Guarantees: an op that no longer makes sense (a crash
of what is down) does nothing. Limits: a drawn schedule never cuts the network while the group is
being founded, since two groups with members never merge by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from potluck.core import limits
from potluck.engine.events import InterfacesSeen, LeaveAsked, RescanAsked
from tests.fakes.disk import path_of

if TYPE_CHECKING:
    from tests.sim.world import World

SECONDS = 15.0  # for so long faults come, if nothing else is said
PROFILES = (
    *("ring", "files", "mixed", "hostile", "power", "tamper", "unmounted"),
    *("restored", "doubled"),
)
LIVES = {"restored", "doubled"}  # profiles in which a machine has more than one life


@dataclass(frozen=True, slots=True)
class Op:
    """One act of fate or of a person."""

    at: float  # seconds after the schedule begins
    name: str  # a method of Faults, or of Lives
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        args = ", ".join(
            repr(arg) if not isinstance(arg, bytes) else f"<{len(arg)} bytes>" for arg in self.args
        )
        return f"{self.at:8.3f} {self.name}({args})"


class Faults:
    """Carries ops out on one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def schedule(self, ops: tuple[Op, ...]) -> None:
        """Let every op happen at its time from now on."""
        for op in ops:
            self.world.later(op.at, lambda op=op: self.apply(op))  # type: ignore[misc]

    def apply(self, op: Op) -> None:
        """Carry one op out now."""
        self.world.remember(f"{self.world.now:10.4f} FAULT  {op}")
        acts = self if hasattr(self, op.name) else self.world.lives
        getattr(acts, op.name)(*op.args)

    # -- machines ----------------------------------------------------------------------------------
    def crash(self, number: int) -> None:
        """kill -9: everything the process gave to the kernel stays."""
        process = self.world.hosts[number].process
        if process is not None:
            process.end()
            self.world.links.process_ended(process, polite=False)

    def power_cut(self, number: int) -> None:
        """The machine is off: renames and index writes that were not synced may be gone."""
        host, process = self.world.hosts[number], self.world.hosts[number].process
        host.powered = False
        host.origin = float(self.world.chance.randrange(100))
        if process is None:
            return
        process.end()
        self.world.links.process_ended(process, polite=False)
        for placing in process.placings:
            placing.power_cut(self.world.chance)
        if host.durable is not None and self.world.chance.random() < 0.7:
            host.index = self.world.factory.restored(host.durable)
        host.durable = self.world.image_of(host.index)
        for part in host.disk.parts.values():
            # its map came to the disk, its last blocks did not
            if part.data and self.world.chance.random() < 0.3:
                part.data[-1] ^= 0xFF

    def start(self, number: int) -> None:
        """Switch on and start, if it is not running."""
        self.world.start(number)

    def leave(self, number: int) -> None:
        """The person types exit."""
        process = self.world.hosts[number].process
        if process is not None and not process.leaving:
            process.leaving = True
            process.post(LeaveAsked())
            self.world.later(limits.LEAVE_S, lambda: self._must_be_gone(process))

    def _must_be_gone(self, process: Any) -> None:
        if process.alive and not process.paused:
            self.world.fail(
                f"{process.host.label} was asked to leave and is there after {limits.LEAVE_S} s"
            )

    def quick_restart(self, number: int) -> None:
        """Kill and start again at once."""
        if self.world.hosts[number].running:
            self.crash(number)
            self.world.later(self.world.chance.uniform(0.01, 0.4), lambda: self.world.start(number))

    def pause(self, number: int, seconds: float) -> None:
        """Suspend the process (laptop lid, SIGSTOP)."""
        process = self.world.hosts[number].process
        if process is not None and not process.paused:
            process.paused = True
            self.world.later(seconds, lambda: process.resume() if process.alive else None)

    def crash_in_place(self, number: int, steps: int) -> None:
        """Kill the process after so many more steps of a Place."""
        self.world.desk.crash_after[number] = steps

    def disarm(self) -> None:
        """Whoever was to be killed in a later Place is not any more."""
        self.world.desk.crash_after.clear()

    def add(self) -> None:
        """A new device comes."""
        self.world.start(self.world.add_host().number)

    def readdress(self, number: int) -> None:
        """The host gets another address."""
        host = self.world.hosts[number]
        host.address = type(host.address)(
            f"10.0.0.{100 + self.world.new_number() % 100}", host.address.port
        )
        if host.process is not None:
            for end in list(host.process.links.values()):
                self.world.links.cut(end)
            event: InterfacesSeen = host.process.interfaces()
            host.process.post(event)

    # -- network -----------------------------------------------------------------------------------
    def partition(self, *sides: tuple[int, ...]) -> None:
        """Cut the network."""
        self.world.network.partition(*sides)

    def block(self, source: int, target: int) -> None:
        """Block one way."""
        self.world.network.block(source, target)

    def heal(self) -> None:
        """Everybody reaches everybody again."""
        self.world.network.heal()

    def weather(self, **changes: float) -> None:
        """Change loss, duplication and reordering."""
        self.world.network.set_policy(**changes)

    def storm(self, loss: float, duplicate: float, reorder: float) -> None:
        """Bad weather in one op."""
        self.weather(loss=loss, duplicate=duplicate, reorder=reorder)

    def multicast(self, on: bool) -> None:
        """Let the switch drop multicast, or not."""
        self.world.network.multicast = on

    # -- disks and people --------------------------------------------------------------------------
    def full(self, number: int, full: bool) -> None:
        """Fill a disk, or make room."""
        self.world.desk.fill(self.world.hosts[number].process, number, full=full)

    def unmount(self, number: int) -> None:
        """The disk of the share goes away; the watcher notices that soon."""
        self._mounted(number, mounted=False)

    def mount(self, number: int) -> None:
        """It is back, as it was."""
        self._mounted(number, mounted=True)

    def _mounted(self, number: int, *, mounted: bool) -> None:
        host = self.world.hosts[number]
        if host.disk.mounted is mounted:
            return
        host.disk.mounted = mounted
        if host.process is not None:
            self.world.hint(host.process, (path_of(host.disk.label),))

    def misbehave(self, number: int, kind: str, chance: float) -> None:
        """Let a holder send wrong bytes, break off, be busy or say gone, so often."""
        self.world.hosts[number].misbehaviour = {kind: chance} if chance else {}
        self.world.hosts[number].lied |= kind == "wrong" and chance > 0

    def do(self, number: int, verb: str, *args: Any) -> None:
        """A person does something to the own folder; path arguments are text below it."""
        label = self.world.hosts[number].disk.label
        if not self.world.hosts[number].disk.mounted:
            return
        paths = tuple(path_of(f"{label}/{arg}") if isinstance(arg, str) else arg for arg in args)
        self.world.person(number, verb, *paths)

    def tamper(self, number: int, owner: int, name: str, data: bytes) -> None:
        """A person edits a file in somebody else's folder; one that the owner has not would stay
        there for good.
        """
        path = path_of(f"{self.world.hosts[owner].disk.label}/{name}")
        if path in self.world.hosts[number].disk.files:
            self.world.person(number, "write", path, data)

    def rescan(self, number: int) -> None:
        """Look at everything now."""
        process = self.world.hosts[number].process
        if process is not None:
            process.post(RescanAsked())


AFTER_S = 10.0  # so long people wait before they do something about what they read

NAMES = (
    "a.txt",
    "b.bin",
    "notes/c.md",
    "notes/deep/d",
    "notes/e",
    "photos/f.jpg",
    "g",
    "photos/h/i.raw",
)
FOLDERS = ("notes", "photos", "notes/deep", "empty", "photos/h", "moved")


def content(chance: Random) -> bytes:
    """Draw the bytes of a file: mostly small; empty, of several pieces, or with a hole."""
    size = chance.choice((0, 1, 20, 300, 5_000, 5_000, 60_000, 300_000, 700_000))
    block = chance.randbytes(min(size, 97))
    data = (block * (size // 97 + 1))[:size] if block else b""
    if size > 600_000 and chance.random() < 0.5:
        return bytes(300_000) + data[300_000:]
    return data


def act(chance: Random, at: float, number: int) -> Op:
    """Draw what a person does next."""
    verb = chance.choices(
        (
            "write",
            "append",
            "rename",
            "delete",
            "mkdir",
            "copy",
            "chmod",
            "touch",
            "move folder",
            "delete folder",
            "exchange",
            "exchange folders",
        ),
        (8, 3, 3, 2, 1, 2, 1, 1, 1, 0.5, 1, 1),
    )[0]
    one, other = chance.sample(NAMES, 2)
    if verb == "write":
        return Op(at, "do", (number, "write", one, content(chance)))
    if verb == "append":
        return Op(at, "do", (number, "append", one, chance.randbytes(50)))
    if verb in {"rename", "copy", "exchange"}:
        return Op(at, "do", (number, verb, one, other))
    if verb == "move folder":
        return Op(at, "do", (number, "rename", *chance.sample(FOLDERS, 2)))
    if verb == "exchange folders":
        return Op(at, "do", (number, "exchange", *chance.sample(FOLDERS, 2)))
    if verb == "delete folder":
        return Op(at, "do", (number, "delete", chance.choice(FOLDERS)))
    if verb == "mkdir":
        return Op(at, "do", (number, "mkdir", chance.choice(FOLDERS)))
    return Op(at, "do", (number, verb, one))


def trouble(chance: Random, at: float, nodes: int, profile: str) -> list[Op]:
    """Draw one fault, and what ends it."""
    number = chance.randrange(nodes)
    over = at + chance.uniform(0.5, 6.0)
    kinds = ["crash", "quick", "leave", "pause", "partition", "block", "storm", "multicast"]
    if profile != "ring":
        kinds += ["full", "misbehave", "in place", "in place"]
    if profile == "power":
        kinds += ["power"] * 6
    kind = chance.choice(kinds)
    bad = chance.choice(("wrong", "gone", "busy", "break"))
    drawn: dict[str, list[Op]] = {
        "crash": [Op(at, "crash", (number,)), Op(over, "start", (number,))],
        "power": [Op(at, "power_cut", (number,)), Op(over, "start", (number,))],
        "quick": [Op(at, "quick_restart", (number,))],
        "leave": [Op(at, "leave", (number,)), Op(over + limits.LEAVE_S, "start", (number,))],
        "pause": [Op(at, "pause", (number, chance.uniform(0.2, 8.0)))],
        "partition": [Op(at, "partition", ((), _half(chance, nodes))), Op(over, "heal")],
        "block": [Op(at, "block", tuple(chance.sample(range(nodes), 2))), Op(over, "heal")],
        "storm": [
            Op(
                at,
                "storm",
                (chance.uniform(0, 0.2), chance.uniform(0, 0.1), chance.uniform(0, 0.1)),
            ),
            Op(over, "storm", (0.0, 0.0, 0.0)),
        ],
        "multicast": [Op(at, "multicast", (False,)), Op(over, "multicast", (True,))],
        "full": [Op(at, "full", (number, True)), Op(over, "full", (number, False))],
        "misbehave": [
            Op(at, "misbehave", (number, bad, 0.5)),
            Op(over, "misbehave", (number, bad, 0.0)),
        ],
        "in place": [
            Op(at, "crash_in_place", (number, chance.randrange(12))),
            Op(over, "start", (number,)),
        ],
    }
    return drawn[kind]


def lives(chance: Random, nodes: int, profile: str, seconds: float) -> list[Op]:
    """Draw backups that are put back, or machines that are copied; and clocks that are set."""
    ops: list[Op] = []
    for _ in range(chance.randint(0, 2)):
        years = chance.choice((-10.0, -0.001, 0.001, 10.0))
        ops += [Op(chance.uniform(0.5, seconds), "set_clock", (chance.randrange(nodes), years))]
    for _ in range(chance.randint(0, 2)):
        ops += trouble(chance, chance.uniform(0.5, seconds), nodes, "ring")
    if profile == "doubled":
        number, at = chance.randrange(nodes), chance.uniform(1.0, seconds * 0.7)
        gone = at + chance.uniform(0.5, seconds)
        ops += [Op(at, "copy_machine", (number,)), Op(gone, "take_copy_away", (number,))]
        for _ in range(chance.randint(0, 4)):
            args = (number, chance.choice(NAMES), content(chance))
            ops += [Op(chance.uniform(at, gone), "act_on_copy", args)]
        return ops
    for _ in range(chance.choice((1, 1, 2))):
        number, kept = chance.randrange(nodes), chance.uniform(0.5, seconds * 0.6)
        back = chance.uniform(kept + 0.5, seconds)
        what = chance.choice(("folder", "state", "both"))
        ops += [Op(kept, "back_up", (number,)), Op(back, "put_back", (number, what))]
        ops += [Op(back + chance.uniform(0.2, 4.0), "start", (number,))]
    return ops


def people(nodes: int, end: float) -> list[Op]:
    """What people do, after such a loss, when potluck has had the time to say what is missing."""
    ops = []
    for number in range(nodes):
        ops += [Op(end + AFTER_S, "keep_here", (number,))]
        ops += [Op(end + AFTER_S * times, "repair", (number,)) for times in (2, 3)]
        # what stands as it is wanted, and was taken for an edit, is found by scans
        ops += [
            Op(end + AFTER_S * 4, "confirm", (number,)),
            Op(end + AFTER_S * 5, "rescan", (number,)),
        ]
    return ops


def draw(seed: int, nodes: int, profile: str, seconds: float = SECONDS) -> tuple[Op, ...]:
    """Return the schedule of a seed: faults and acts for `seconds`, then healing ops for
    everything.
    """
    chance = Random(f"{seed} {nodes} {profile}")
    ops: list[Op] = []
    if profile != "ring":
        for number in range(nodes):
            ops += [act(chance, chance.uniform(0, 1), number) for _ in range(chance.randint(0, 6))]
        ops += [
            act(chance, chance.uniform(0, seconds), chance.randrange(nodes))
            for _ in range(chance.randint(4, 20))
        ]
    if profile == "unmounted":  # and no other fault: who could say nothing of it has an excuse
        ops += [Op(0.5, "do", (number, "write", "kept", b"1")) for number in range(nodes)]
        for _ in range(chance.randint(1, 4)):
            at, number = chance.uniform(1, seconds), chance.randrange(nodes)
            ops += [Op(at, "unmount", (number,))]
            ops += [Op(at + chance.uniform(0.5, 15.0), "mount", (number,))]
    elif profile in LIVES:
        ops += lives(chance, nodes, profile, seconds)
    elif profile != "files":
        for _ in range(chance.randint(1, 5)):
            ops += trouble(chance, chance.uniform(0.5, seconds), nodes, profile)
    if profile == "hostile":
        ops += [Op(0.1, "misbehave", (chance.randrange(nodes), "wrong", chance.uniform(0.2, 1.0)))]
    if profile == "tamper":
        for _ in range(3):
            one, other = chance.sample(range(nodes), 2)
            ops.append(
                Op(
                    chance.uniform(1, seconds),
                    "tamper",
                    (one, other, chance.choice(NAMES), b"mine now"),
                )
            )
    end = max((op.at for op in ops), default=0.0) + 0.01
    # or it would be off when all must be well, and nobody would start it
    ops += [
        Op(end, "disarm"),
        Op(end, "heal"),
        Op(end, "multicast", (True,)),
        Op(end, "storm", (0.0, 0.0, 0.0)),
    ]
    if profile == "tamper":  # such edits are found by scans, and nobody waits ten minutes here
        ops += [Op(end + limits.LEAVE_S + 3.0, "rescan", (number,)) for number in range(nodes)]
    ops += people(nodes, end + limits.LEAVE_S) if profile in LIVES else []
    for number in range(nodes):
        ops += [Op(end, "full", (number, False)), Op(end, "misbehave", (number, "wrong", 0.0))]
        ops += [Op(end, "mount", (number,)), Op(end + limits.LEAVE_S, "start", (number,))]
    return tuple(sorted(ops, key=lambda op: op.at))


def _half(chance: Random, nodes: int) -> tuple[int, ...]:
    return tuple(sorted(chance.sample(range(nodes), chance.randint(1, max(1, nodes - 1)))))
