"""Removals among many rosters: whatever is signed, held back, dated back, forged, repeated and told
in whatever order, all honest devices come to the same members; who is removed stays so.

Strategy: a few devices, each with a roster; each acts by what it knows, as the program does. Liars
are members: they sign what nobody may, hold back what they sign, and show it, and everything they
ever heard, later, to drawn devices; removed ones go on signing through an accomplice. In the second
game stewards lie too, so what is in force may change hands, but all must still agree. Told means
`add` and `settle`; at the end everybody tells everybody until nothing is new.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from random import Random

import pytest

from potluck.core.content.paths import collision_key
from potluck.core.group import deriving, removals
from potluck.core.group import roster as roster_module
from potluck.core.group.removals import GroupStanding, SignedAct, StandingJudge
from potluck.core.group.removals import judge as _judge
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Appoint,
    Forget,
    Regroup,
    Relabel,
    Remove,
    Succeed,
    admit,
    found,
    read_statement,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
SEEDS = 200 if FULL else 12
SABOTAGED_SEEDS = 40
STEPS = 40
GENESIS = found(key(1), "Home", "d1", bytes(32))
GROUP = Roster(GENESIS).group


class Company:
    """Honest devices and liars, each with what it knows."""

    def __init__(self, seed: int, *, honest_stewards: bool) -> None:
        self.chance = Random(seed)
        self.numbers = range(1, 9)
        self.stewards = {1, 2}  # honest ones are among these only
        suspects = [n for n in self.numbers if not honest_stewards or n not in self.stewards]
        self.liars = set(self.chance.sample(suspects, 3))
        self.rosters = {number: Roster(GENESIS) for number in self.numbers}
        self.hidden: list[RosterRecord] = []  # what liars signed or heard
        self.out: dict[int, set[DeviceId]] = {number: set() for number in self.numbers}
        self.next = 100
        self.put_out = set[int]()
        made = [self.admission(1, 2)]
        made += [self.admission(self.chance.randint(1, n - 1), n) for n in self.numbers[2:]]
        made.append(sign_act(key(1), Appoint(GROUP, key(2).certificate)))
        for number in self.numbers:
            self.tell(number, made)

    def admission(self, by: int, whom: int, label: str = "") -> RosterRecord:
        other = key(whom)
        wish = label or f"d{whom}"
        return admit(key(by), GROUP, other.certificate, other.sealing_public, wish)

    # -- what happens ------------------------------------------------------------------------------
    def tell(self, number: int, records: Iterable[RosterRecord]) -> None:
        roster = self.rosters[number]
        roster.add(records)
        roster.settle()
        self.check(number)

    def play(self) -> None:
        for _ in range(STEPS):
            number = self.chance.choice(self.numbers)
            lies = number in self.liars or number in self.put_out
            if lies:
                self.hidden += self.rosters[number].records()
                self.hidden += [self.lie(number) for _ in range(self.chance.randint(1, 3))]
                self.leak()
            elif self.chance.random() < 0.5:
                self.act(number)
            else:
                self.meet(number, self.chance.choice(self.numbers))
        self.leak()
        for _ in range(3):
            for one in self.numbers:
                for other in self.numbers:
                    if other not in self.liars:
                        self.tell(
                            other, self.rosters[one].records() if one not in self.liars else []
                        )
        self.agree()

    def meet(self, one: int, other: int) -> None:
        """Both say a part of what they know."""
        for source, target in ((one, other), (other, one)):
            records = self.rosters[source].records()
            self.chance.shuffle(records)
            self.tell(target, records[: self.chance.randint(0, len(records))])

    def leak(self) -> None:
        """Some of what was held back is shown to somebody, in any order, perhaps twice."""
        told = self.chance.choices(self.hidden, k=min(12, len(self.hidden))) if self.hidden else []
        self.tell(self.chance.choice(self.numbers), told)

    def act(self, number: int) -> None:
        """An honest device does what its program does."""
        roster, by = self.rosters[number], key(number)
        if by.device not in roster.members:
            return
        kind = self.chance.random()
        if kind < 0.4:
            self.next += 1
            made = [self.admission(number, self.next)]
        elif kind < 0.5:
            made = [sign_act(by, Relabel(GROUP, by.device, f"new{self.chance.randint(0, 9)}", 1))]
        elif number in self.stewards and by.device in roster.standing.stewards:
            made = self.steward(number)
        else:
            return
        self.tell(number, made)

    def steward(self, number: int) -> list[RosterRecord]:
        """A steward puts out a liar or a stranger, with all that it said accepted or nothing."""
        roster, by = self.rosters[number], key(number)
        whom = self.chance.choice([*self.liars, *range(101, self.next + 1)])
        if self.chance.random() < 0.2:
            return [sign_act(by, Regroup(GROUP, f"Home {number}", self.chance.randint(1, 3)))]
        accepted = roster.signed_by(key(whom).device) if self.chance.random() < 0.7 else []
        self.put_out.add(whom) if whom in self.liars else None
        said = Remove(GROUP, key(whom).device, [], b"", None, bytes([number]) * 32, [])
        return sign_removal(by, said, accepted)

    def lie(self, number: int) -> RosterRecord:
        """Anything that a liar may sign, or pretend that somebody else has signed."""
        by, chance = key(number), self.chance
        whom = key(chance.choice([*self.numbers, self.next, 200 + chance.randrange(9)]))
        known = sorted(self.rosters[number].hashes)
        some = chance.sample(known, chance.randint(0, min(5, len(known))))
        said = Remove(GROUP, whom.device, [], b"", None, bytes([number]) * 32, [])
        made = chance.choice(
            [
                admit(by, GROUP, whom.certificate, whom.sealing_public, f"x{chance.randrange(9)}"),
                sign_removal(by, said, some)[0],
                sign_removal(by, said, some)[0],
                sign_act(by, Appoint(GROUP, whom.certificate)),
                sign_act(
                    by, Relabel(GROUP, whom.device, f"y{chance.randrange(9)}", chance.randrange(9))
                ),
                sign_act(by, Succeed(GROUP, key(chance.choice(self.numbers)).device, whom.device)),
                sign_act(by, Forget(GROUP, whom.device)),
            ]
        )
        if chance.random() < 0.2:  # in somebody else's name
            return RosterRecord(made.body, key(chance.choice([1, 2])).device, made.signature)
        return made

    # -- what must hold ----------------------------------------------------------------------------
    def check(self, number: int) -> None:
        """Something is true of every roster at every moment."""
        roster = self.rosters[number]
        labels = [collision_key(entry.label) for entry in roster.members.values()]
        assert len(set(labels)) == len(labels)
        for device in roster.members:
            assert not roster.standing.is_removed(device)

    def agree(self) -> None:
        honest = [self.rosters[n] for n in self.numbers if n not in self.liars]
        for roster in honest[1:]:
            assert roster.members.keys() == honest[0].members.keys(), "who is a member"
            assert roster.digest == honest[0].digest, "what stands"
            assert roster.standing.keys == honest[0].standing.keys, "which key is valid"
            assert roster.name == honest[0].name, "how the group is called"
        for roster in honest:
            again = Roster.replay(roster.kept())
            assert again.members == roster.members, "what a restart makes of it"
            assert again.digest == roster.digest, "what a restart makes of it"


class HonestStewards(Company):
    """Only members lie, so what a steward does is never undone and nobody else does a thing."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, honest_stewards=True)

    def check(self, number: int) -> None:
        super().check(number)
        roster = self.rosters[number]
        for device, every in roster.standing.removals.items():
            accepted = set.intersection(*(removal.accepted for removal in every))
            assert set(roster.signed_by(device)) <= accepted, "something dated back counts"
        out = set(roster.standing.removals)
        assert self.out[number] <= out, "a removed device is back"
        self.out[number] = out
        assert set(roster.standing.stewards) <= {key(1).device, key(2).device}
        assert not roster.force.successors, "liars gave somebody the place of another"
        for each in self.numbers:
            if each not in self.liars and roster.former.get(key(each).device):
                assert roster.members.keys() >= {key(1).device, key(2).device}
                assert not roster.standing.is_removed(key(each).device), "put out by a liar"
        for device, entry in roster.members.items():
            for each in self.numbers:
                if key(each).device == device and each not in self.liars:
                    assert entry.label[:1] in {"d", "n"}, f"called {entry.label} by a liar"


class Leaving(Company):
    """A steward leaves for good, and a liar has its key from then on."""

    def __init__(self, seed: int, *, farewells: bool) -> None:
        super().__init__(seed, honest_stewards=True)
        self.farewells = farewells  # whether the liar says more goodbyes with that key
        self.decided = set[DeviceId]()  # whom the steward had put out before
        self.accepted = set[bytes]()

    def act(self, number: int) -> None:
        if number != 2 or not self.chance.random() < 0.5:
            super().act(number)
            return
        self.leave()

    def leave(self) -> None:
        roster, by = self.rosters[2], key(2)
        if roster.standing.is_removed(by.device):
            return
        removals = roster.standing.removals.items()
        self.decided = {d for d, every in removals if any(each.by == by.device for each in every)}
        self.accepted = set(roster.signed_by(by.device))
        said = Remove(GROUP, by.device, [], b"", None, b"", [])
        self.tell(2, sign_removal(by, said, self.accepted))
        self.put_out.add(2)

    def tell(self, number: int, records: Iterable[RosterRecord]) -> None:
        """Who knows that it left lets its key give nobody a place; what was in force stays."""
        roster = self.rosters[number]
        before, knew = set(roster.force.successors), key(2).device in roster.standing.left
        super().tell(number, records)
        more = set(roster.force.successors) - before
        assert not (knew and more and number not in self.liars), "a place given after it left"

    def lie(self, number: int) -> RosterRecord:
        while True:
            said = super().lie(number)
            statement = read_statement(said)
            mine = isinstance(statement, Remove) and statement.device == said.by == key(2).device
            if self.farewells or not mine:
                return said

    def agree(self) -> None:
        super().agree()
        if 2 not in self.put_out:
            return
        if self.farewells:
            said = Remove(GROUP, key(2).device, [], b"", None, b"k" * 32, [])
            settled = sign_removal(key(1), said, self.accepted)
            for number in self.numbers:
                self.tell(number, settled)
            super().agree()
        for number in set(self.numbers) - self.liars:
            roster = self.rosters[number]
            assert set(roster.standing.stewards) == {key(1).device}, "appointed after it left"
            assert self.decided <= set(roster.standing.removals), "its removals are void"
            for each in set(self.numbers) - self.liars - {2}:
                assert not roster.standing.is_removed(key(each).device), "put out after it left"


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS))
def test_members_lie_and_stewards_put_them_out(seed: int) -> None:
    HonestStewards(seed).play()


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whoever_lies_all_agree(seed: int) -> None:
    Company(seed, honest_stewards=False).play()


@pytest.mark.parametrize("farewells", [False, True])
@pytest.mark.volume
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_steward_that_left_decides_nothing_more(seed: int, *, farewells: bool) -> None:
    Leaving(seed, farewells=farewells).play()


def test_to_let_a_steward_that_left_go_on_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupStanding, "is_in_time", lambda _standing, _known, _by: True)
    with pytest.raises(AssertionError, match="after it left"):
        _leave_all()


def _leave_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        Leaving(seed, farewells=False).play()


def test_to_let_whatever_a_removed_device_signs_stand_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(removals.GroupStanding, "stands", lambda _standing, _known, _by: True)
    with pytest.raises(AssertionError, match="dated back"):
        _play_all()


def test_to_take_anybodys_word_for_a_removal_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Everybody(StandingJudge):
        def judge(self, acts: Mapping[bytes, SignedAct]) -> GroupStanding:
            standing = _judge(self._founder, acts)
            for each in {said.by for said in acts.values()}:
                walk = _judge(each, {h: said for h, said in acts.items() if said.by == each})
                standing.removals = walk.removals | standing.removals
            return standing

    monkeypatch.setattr(roster_module, "StandingJudge", Everybody)
    with pytest.raises(AssertionError):
        _play_all()


def test_to_take_anybodys_word_for_a_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    succeed = deriving._succeed

    def by_anybody(now: deriving.InForce, evidence: deriving.Evidence) -> None:
        with monkeypatch.context() as only_here:
            only_here.setattr(GroupStanding, "has_word", GroupStanding.stands)
            succeed(now, evidence)

    monkeypatch.setattr(deriving, "_succeed", by_anybody)
    with pytest.raises(AssertionError, match="the place of another"):
        _play_all()


def _play_all() -> None:
    for seed in range(SABOTAGED_SEEDS):
        HonestStewards(seed).play()
