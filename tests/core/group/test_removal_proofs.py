"""Removal proofs: what fits into one answer is enough, whatever a hostile steward has signed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from potluck.core import limits
from potluck.core.group.removal_proofs import _Words, removal_proof
from potluck.core.group.roster import Roster
from potluck.core.group.roster_frames import batches
from potluck.core.group.statements import (
    ACCEPTED_MAX,
    Appoint,
    Remove,
    record_hash,
    sign_act,
    sign_removal,
    whole,
)
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key
from tests.core.group.test_roster import ANN, BEN, CLEO, FOUNDER, GROUP, admission, settled

GUEST = key(7)
ROOM = limits.INTRODUCTION_BYTES - 100
TRIES = 200  # more removals than a roster takes of one steward beside so few devices


def appoint(by: DeviceKey, whom: DeviceKey) -> RosterRecord:
    return sign_act(by, Appoint(GROUP, whom.certificate))


# the hostile steward ranks before the honest one
HOSTILE, HONEST = sorted((BEN, CLEO), key=lambda who: record_hash(appoint(FOUNDER, who)))


def remove(by: DeviceKey, whom: DeviceKey, *accepted: bytes) -> list[RosterRecord]:
    return sign_removal(by, Remove(GROUP, whom.device, [], b"", None, b"", []), accepted)


def longest(by: DeviceKey, whom: DeviceKey, count: int = 1, *accepted: bytes) -> list[RosterRecord]:
    """Removals as long as they may be, in one part each, of a steward that says all it can."""
    made_up = [
        [bytes([number, each]) * 16 for each in range(ACCEPTED_MAX - len(accepted))]
        for number in range(count)
    ]
    return [record for stands in made_up for record in remove(by, whom, *accepted, *stands)]


def begun() -> Roster:
    """A group with two stewards beside the founder; Ann let in a guest, before anything else."""
    return settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, HOSTILE, "b"),
        admission(FOUNDER, HONEST, "c"),
        admission(ANN, GUEST, "guest"),
        appoint(FOUNDER, HOSTILE),
        appoint(FOUNDER, HONEST),
    )


def away_from(home: Roster, *but: RosterRecord) -> Roster:
    """What a device knows that was off since; it knows the members but no steward."""
    acts = [*but, *(each for each in home.records() if b"steward" in each.body)]
    return Roster.replay([each for each in home.records() if each not in acts])


def grown(home: Roster, records: Sequence[RosterRecord]) -> int:
    """Let the roster take them, one after another; return how many it took."""
    before = len(home.records())
    for record in records:
        home.add([record])
    home.settle()
    return len(home.records()) - before


def told(away: Roster, home: Roster, whom: DeviceKey) -> list[RosterRecord]:
    """Show a device as much of its proof as one answer has room for."""
    shown = next(batches(home.why_out(whom.device), ROOM, limits.INTRODUCTION_RECORDS))
    away.add(shown)
    away.settle()
    return shown


def test_the_shortest_way_from_the_founder_comes_first_and_one_part_of_each_signer() -> None:
    home = begun()
    ways = [appoint(HONEST, HOSTILE), appoint(HOSTILE, GUEST)]
    parts = remove(GUEST, ANN, *(bytes([n]) * 32 for n in range(ACCEPTED_MAX + 1)))
    own = remove(FOUNDER, ANN)
    home.add([admission(FOUNDER, GUEST, "guest"), *ways, *parts, *own])
    home.settle()
    first, chain = appoint(FOUNDER, HOSTILE), appoint(HOSTILE, GUEST)
    proof = home.why_out(ANN.device)
    assert proof[:3] == [*own, first, chain]
    assert set(proof[3:5]) == set(parts)
    assert proof[5:] == [ways[0], appoint(FOUNDER, HONEST)]


def test_a_steward_that_signs_all_it_can_does_not_crowd_out_who_made_it_one() -> None:
    home = begun()
    away = away_from(home)
    assert grown(home, longest(HOSTILE, ANN, TRIES)) > limits.INTRODUCTION_RECORDS
    grown(home, remove(HONEST, ANN))
    shown = told(away, home, ANN)
    assert ANN.device not in away.members
    assert {each.by for each in away.standing.removals[ANN.device]} == {
        HOSTILE.device,
        HONEST.device,
    }
    assert len(shown) < limits.INTRODUCTION_RECORDS


@pytest.mark.parametrize("completes", [False, True], ids=["parts that lack", "accepts it"])
def test_nor_does_it_where_an_admission_is_void(completes: bool) -> None:
    """The hostile one's words remove Ann, too, and let the guest stand."""
    home = begun()
    away = away_from(home)
    let_in = record_hash(admission(ANN, GUEST, "guest"))
    crowd = longest(HOSTILE, ANN, TRIES, let_in)
    if not completes:
        stands = [[bytes([n, each]) * 16 for each in range(ACCEPTED_MAX)] for n in range(TRIES)]
        crowd = [
            sign_act(HOSTILE, Remove(GROUP, ANN.device, part, whole(part[1:]), None, b"", []))
            for part in stands
        ]
    assert grown(home, crowd) > limits.INTRODUCTION_RECORDS
    assert GUEST.device in home.members
    parts = remove(HONEST, ANN, *(bytes([n]) * 32 for n in range(2 * ACCEPTED_MAX)))
    grown(home, parts)
    assert GUEST.device not in home.members
    assert told(away, home, GUEST)[:3] == [appoint(FOUNDER, HONEST), *parts]
    assert not {GUEST.device, ANN.device} & set(away.members)


def test_who_was_made_void_in_more_words_than_fit_is_shown_the_shorter_proof() -> None:
    home = begun()
    away = away_from(home)
    many = [bytes([n // 250, n % 250]) * 16 for n in range(60 * ACCEPTED_MAX)]
    assert grown(home, remove(HOSTILE, ANN, *many)) > 50
    grown(home, [*remove(HONEST, ANN, *many[1:]), *remove(HONEST, ANN)])
    shown = told(away, home, GUEST)
    assert GUEST.device not in away.members
    assert shown[:2] == [appoint(FOUNDER, HONEST), *remove(HONEST, ANN)]


def test_of_each_signer_one_part_is_there_before_more_of_anybody() -> None:
    home = begun()
    many = [bytes([n // 250, n % 250]) * 16 for n in range(60 * ACCEPTED_MAX)]
    grown(home, [*remove(HOSTILE, ANN, *many), *remove(HONEST, ANN)])
    by = [each.by for each in home.why_out(ANN.device)]
    assert by[:4] == [FOUNDER.device, HOSTILE.device, FOUNDER.device, HONEST.device]
    assert set(by[4:]) == {HOSTILE.device}


def test_who_made_a_steward_and_counts_no_more_is_no_proof() -> None:
    home = begun()
    steward = key(8)
    ways = [appoint(HOSTILE, steward), appoint(HONEST, steward)]
    grown(home, [admission(FOUNDER, steward, "s"), *ways, *remove(FOUNDER, HOSTILE)])
    out = remove(steward, ANN)
    grown(home, out)
    assert home.standing.ever[steward.device] == HOSTILE.device
    assert home.why_out(ANN.device)[:3] == [appoint(FOUNDER, HONEST), ways[1], *out]


def test_who_left_by_itself_is_shown_its_own_word_first() -> None:
    home = begun()
    goodbye = remove(ANN, ANN)
    grown(home, [*goodbye, *remove(HONEST, ANN, record_hash(goodbye[0]))])
    assert home.why_out(ANN.device)[:2] == [*goodbye, appoint(FOUNDER, HONEST)]


def test_the_rest_is_there_too_also_what_counts_for_nothing() -> None:
    home = begun()
    liar = remove(HOSTILE, ANN)
    grown(home, liar)
    out = remove(FOUNDER, HOSTILE)
    grown(home, [*out, *remove(FOUNDER, ANN)])
    assert home.why_out(ANN.device)[0] == remove(FOUNDER, ANN)[0]
    assert set(home.why_out(ANN.device)[1:]) == {*liar, appoint(FOUNDER, HOSTILE)}


def test_who_removed_the_steward_that_made_it_one_is_shown_as_it_was_appointed() -> None:
    """Its removal stays in force though it has no rank any more."""
    home = settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, HONEST, "c"),
        appoint(FOUNDER, ANN),
        appoint(ANN, HONEST),
    )
    away = away_from(home)
    grown(home, remove(HONEST, ANN))
    assert HONEST.device not in home.standing.ranks
    shown = told(away, home, ANN)
    assert shown == [appoint(FOUNDER, ANN), appoint(ANN, HONEST), *remove(HONEST, ANN)]
    assert ANN.device not in away.members


def test_of_who_is_a_member_there_is_no_proof() -> None:
    home = begun()
    assert removal_proof(ANN.device, [(FOUNDER.device, b"")], home.acts, home.standing) == []
    assert repr(_Words(home.acts, home.standing)) == "<Words: 0 devices removed>"
