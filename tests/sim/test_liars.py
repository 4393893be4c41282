"""A member that lies among whole engines: no name in force moves, no folder changes hands, whatever
it signs and whomever it tells in whatever order; and nobody who is there dies by its word.

Strategy: four devices; one of them was let in by a member that is not the founder, so that a liar
may stand nearer to the founder, and has files that all hold. A drawn liar signs admissions: of the
victim under other names, of others, of devices it invents under every name there is, and of more by
those; some with hashes it tried for. It tells drawn parts of them to drawn devices, some of which
crash and start again meanwhile. In another game it invents devices that sit in the ring with it and
all say that a third is dead, again and again. In a third it accuses whatever the victim says of
itself as soon as it has said it, while links to the victim break; and where the roster is full the
one that accuses may be a device that the victim does not know. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

from potluck.core import limits
from potluck.core.group import lines
from potluck.core.group.plain_steps import PlainSteps
from potluck.core.group.roster import Roster
from potluck.core.group.statements import admit, found, record_hash
from potluck.core.keys.identity import DeviceKey, GroupId
from potluck.core.ring import beliefs
from potluck.core.ring.members import accuse, is_valid, write_record
from potluck.core.wire.catalogue import LinkKind, RosterRecord, RosterRecords, Status, Update
from potluck.engine.effects import Send
from potluck.engine.index import Index
from tests.core.fakes import key
from tests.engine.wire import Box, Wire, one_ring

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
SEEDS = 500 if FULL else 12
SABOTAGED_SEEDS = 12
LABELS = ("d1", "d2", "d3", "d4", "D4", "holiday")
TRIED = 8  # records signed for each that is told: the one with the smallest hash


class Table:
    """Four devices, one of them lying about another one."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.founder, self.host, self.liar, self.victim = self.chance.sample(range(1, 5), 4)
        self.wire = Wire(seed)
        records = self._records()
        self.boxes = {number: self._start(number, records) for number in range(1, 5)}
        self.group = Roster(records[0]).group
        self.crowd = [key(self.liar)]  # the liar and what it invents
        assert self.wire.run(20.0, lambda: one_ring(self.boxes.values()))
        self.files = {f"photo {number}": bytes([number]) * 50 for number in range(3)}
        for name, data in self.files.items():
            self.boxes[self.victim].write(name, data)
        assert self.wire.run(20.0, lambda: all(map(self.is_whole, self.boxes.values())))

    def _records(self) -> list[RosterRecord]:
        genesis = found(key(self.founder), "Home", f"d{self.founder}", bytes(32))
        group = Roster(genesis).group
        let_in = [(self.founder, self.host), (self.founder, self.liar), (self.host, self.victim)]
        return [genesis, *(_admission(group, key(by), key(n), f"d{n}") for by, n in let_in)]

    def _start(self, number: int, records: list[RosterRecord]) -> Box:
        index = Index.open(":memory:")
        index.begin()
        index.roster.replace(records)
        index.commit()
        return self.wire.add(number, index=index)

    def is_whole(self, box: Box) -> bool:
        """Whether the victim has its name there, and its folder what it put there."""
        label = f"d{self.victim}"
        there = {str(path): data for path, data in box.disk.items() if path.parts[0] == label}
        name = box.engine.node.label_of(self.boxes[self.victim].me)
        return name == label and there == {f"{label}/{f}": d for f, d in self.files.items()}

    def lies(self) -> Iterator[RosterRecord]:
        """What the liar signs, with every key it has."""
        while True:
            by = self.chance.choice(self.crowd)
            whom = key(self.chance.choice([self.victim, self.victim, self.host, self.founder]))
            if self.chance.random() < 0.5:
                whom = key(100 + self.chance.randrange(20))
                self.crowd.append(whom)
            labels = [self.chance.choice(LABELS)]
            labels += [f"{labels[0]} {number}" for number in range(TRIED)]
            tried = [_admission(self.group, by, whom, label) for label in labels]
            yield self.chance.choice([tried[0], min(tried, key=record_hash)])

    def play(self) -> None:
        """Lie, and look at everybody after each lie."""
        for _ in range(12):
            told = list(islice(self.lies(), self.chance.randint(1, 4)))
            self.chance.shuffle(told)
            for number in self.chance.sample(range(1, 5), self.chance.randint(1, 3)):
                self.say(number, RosterRecords(told))
            if self.chance.random() < 0.2:
                number = self.chance.choice([self.victim, self.host, self.founder])
                self.boxes[number].crash()
                self.boxes[number] = self.wire.again(self.boxes[number])
            self.wire.run(self.chance.uniform(0.1, 2.0))
            self.check()
        self.wire.run(10.0)
        self.check()

    def say(self, number: int, message: RosterRecords | Update) -> None:
        """Say something on the link from the liar to a device, if there is one."""
        liar = self.boxes[self.liar]
        for link, (other, _, kind) in list(liar.links.items()):
            if other is self.boxes[number] and kind is LinkKind.CONTROL:
                self.wire.carry(liar, Send(link, message))

    def check(self) -> None:
        """The victim has its name and its files, there and everywhere."""
        for number, box in self.boxes.items():
            if number != self.liar:
                names = box.engine.node.roster.members  # type: ignore[union-attr]  # all have one
                said = {entry.label for entry in names.values()}
                assert self.is_whole(box), f"d{number} of d{self.victim}: {said}"


def _admission(group: GroupId, by: DeviceKey, whom: DeviceKey, label: str) -> RosterRecord:
    return admit(by, group, whom.certificate, whom.sealing_public, label)


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_lie_moves_a_name_or_a_folder(seed: int) -> None:
    Table(seed).play()


def test_to_settle_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Roster, "_put_in_force", lambda _roster: None)
    monkeypatch.setattr(PlainSteps, "take", lambda _steps, _record: None)
    with pytest.raises(AssertionError, match="of d"):
        _play_all()


def _play_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        Table(seed).play()


# -- accusers --------------------------------------------------------------------------------------
class Court(Table):
    """A liar with a crowd of its own in the ring, all of which say that the victim is dead."""

    def accuse(self) -> None:
        """Seat the crowd, then accuse whatever incarnation the victim has."""
        liar, victim = self.boxes[self.liar], self.boxes[self.victim]
        crowd = [key(number) for number in range(200, 200 + self.chance.randint(1, 6))]
        by = [key(self.liar), *crowd]
        made = [
            _admission(self.group, self.chance.choice(by[: n + 1]), fake, f"fake {n}")
            for n, fake in enumerate(crowd)
        ]
        seated = [
            write_record(fake, bytes(16), [], 1, 10 + n, Status.ALIVE)
            for n, fake in enumerate(crowd)
        ]
        others = [number for number in self.boxes if number != self.liar]
        for number in others:
            self.say(number, RosterRecords(made))
            self.say(number, Update(seated, b""))
        self.wire.run(0.05)
        for _ in range(5):
            for number in self.chance.sample(others, 2):
                record = self.boxes[number].believes(victim)
                assert record is not None
                said = [accuse(one, record, Status.DEAD) for one in by]
                self.chance.shuffle(said)
                self.say(number, Update(said, b""))
            died = self.wire.run(self.chance.uniform(0.01, 1.5), self.is_dead)
            assert not died, f"somebody believes that d{self.victim} is dead"
        assert all(victim.me in box.nodes for box in self.boxes.values() if box is not liar)

    def is_dead(self) -> bool:
        """Whether an honest device believes that the victim, which is there, is dead."""
        victim = self.boxes[self.victim]
        return any(
            box.status(victim) is Status.DEAD
            for number, box in self.boxes.items()
            if number != self.liar
        )


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_a_liar_and_all_that_it_invents_kill_nobody(seed: int) -> None:
    Court(seed).accuse()


def test_to_believe_any_two_accusers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Roster, "are_apart", lambda _roster, one, other: one != other)
    with pytest.raises(AssertionError, match="is dead"):
        _accuse_all()


def _accuse_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        Court(seed).accuse()


# -- accusations without end -----------------------------------------------------------------------
class Endless(Court):
    """A liar that accuses each new record of the victim, and links that break meanwhile."""

    def harass(self) -> None:
        """The victim answers, no more often than it may, and nobody believes that it is dead."""
        victim = self.boxes[self.victim]
        first, began = victim.engine.wiring.circle.ring.beliefs.own.incarnation, self.wire.now
        breaks = sorted(self.chance.uniform(0.3, 2.5) for _ in range(3))
        while self.wire.now < began + 3.0:
            self.say_of(self.victim, self.chance.choice([self.victim, self.host, self.founder]))
            self.wire.run(self.chance.uniform(0.002, 0.02))
            if breaks and self.wire.now >= began + breaks[0]:
                breaks.pop(0)
                self.break_link()
            assert not self.is_dead(), f"somebody believes that d{self.victim} is dead"
        more = victim.engine.wiring.circle.ring.beliefs.own.incarnation - first
        assert more <= (self.wire.now - began) / limits.REFUTE_S + 1, f"{more} records"
        assert more > 3, "it did answer"
        assert self.wire.run(3.0, self.is_well), "the last word is its own"

    def say_of(self, accused: int, to: int) -> None:
        """Accuse the newest record that a device has."""
        own = self.boxes[accused].engine.wiring.circle.ring.beliefs.own
        status = Status.DEAD if self.chance.random() < 0.2 else Status.SUSPECT
        self.say(to, Update([accuse(key(self.liar), own, status)], b""))

    def break_link(self) -> None:
        """A link of the victim ends for another one as if its process were gone."""
        victim = self.boxes[self.victim]
        others = [self.boxes[number] for number in (self.host, self.founder)]
        links = [link for link, (box, _, _) in victim.links.items() if box in others]
        if links:
            self.wire.close(victim, self.chance.choice(links), clean=False)

    def is_well(self) -> bool:
        """Whether all honest devices believe the victim ALIVE."""
        victim = self.boxes[self.victim]
        honest = (self.host, self.founder)
        return all(self.boxes[number].status(victim) is Status.ALIVE for number in honest)


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS // 2))
def test_accusations_without_end_are_answered_at_a_bounded_rate_and_kill_nobody(seed: int) -> None:
    Endless(seed).harass()


def test_to_answer_each_of_them_at_once_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    write = beliefs.Beliefs._answer

    def at_once(known: beliefs.Beliefs, now: float) -> object:
        known._answer_s = now
        return write(known, now)

    monkeypatch.setattr(beliefs.Beliefs, "_answer", at_once)
    with pytest.raises(AssertionError, match="records"):
        _harass_all()


def test_to_let_accusations_wait_for_longer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFUTE_S", limits.SUSPICION_S)
    with pytest.raises(AssertionError, match="is dead"):
        _harass_all()


def _harass_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        Endless(seed).harass()


class Crammed(Endless):
    """A liar that fills its line with other devices here than there; one of these accuses."""

    def cram(self) -> None:
        """The victim has not heard of its accuser, and is not taken for dead all the same."""
        told = []
        for first in (300, 400):
            crowd = [key(number) for number in range(first, first + 12)]
            told.append([_admission(self.group, key(self.liar), c, "x") for c in crowd])
        others = [number for number in self.boxes if number not in (self.liar, self.victim)]
        self.say(self.victim, RosterRecords(told[0]))
        for number in others:
            self.say(number, RosterRecords(told[1]))
        self.wire.run(1.0)
        unknown = self.boxes[self.victim].engine.node.roster
        assert unknown is not None
        accuser = next(key(n) for n in range(400, 412) if key(n).device not in unknown.members)
        own = self.boxes[self.victim].engine.wiring.circle.ring.beliefs.own
        for number in others:
            self.say(number, Update([accuse(accuser, own, Status.SUSPECT)], b""))
        died = self.wire.run(10.0, self.is_dead)
        assert not died, f"somebody believes that d{self.victim} is dead"
        assert self.is_well()


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_who_is_accused_by_a_device_it_does_not_know_answers(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_lines(monkeypatch)
    Crammed(seed).cram()


def test_to_answer_only_accusers_one_knows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    _small_lines(monkeypatch)
    monkeypatch.setattr(beliefs, "is_by_owner", is_valid)
    with pytest.raises(AssertionError, match="is dead"):
        _cram_all()


def _cram_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        Crammed(seed).cram()


def _small_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_MOST", 10)
    monkeypatch.setattr(lines, "LINE_LEAST", 10)
