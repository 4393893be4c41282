"""What a hostile member says was confirmed: nothing counts but a word of its own about what its
owner signed, and none once it is removed.

Strategy: a real pair; what one of them exchanged at once is held by the other one, and a rogue that
was admitted says that somebody confirmed it. Limits: what any member may say (its own word, up to
the head that stands) it may say in bad faith, too; that is shown last, as what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from potluck.core.content.loss_confirms import sign_confirm
from potluck.core.errors import PotluckError
from potluck.core.wire.catalogue import Head, Heads, LossConfirm, LossConfirms
from tests.devices import until
from tests.hostile.daemons import TRACEBACK, Pair, pair
from tests.hostile.rogue import Control, Rogue
from tests.hostile.test_confirmed_once import exchange, holds, kept, stands
from tests.hostile.test_guards import MOMENT_S, shows

pytestmark = [pytest.mark.full, pytest.mark.hostile, pytest.mark.timeout(400)]
PATIENCE_S = 90.0
FAR = 10**9


def held(two: Pair) -> None:
    """Birch exchanges all that it shares, and alder does not follow."""
    alder, birch = two.a, two.b
    exchange(birch, "before")
    until(lambda: stands(alder, birch, "before"), two.said, PATIENCE_S)
    until(alder.settled, two.said, PATIENCE_S)
    exchange(birch, "after")
    until(lambda: holds(alder, birch, "after"), two.said, PATIENCE_S)


def newest(control: Control, rogue: Rogue, two: Pair) -> Head:
    """The head of birch that alder hands on."""
    owner = rogue.device_of(two.b)

    def told() -> list[Head]:
        said = [each for each in list(control.heard) if isinstance(each, Heads)]
        return [head for each in said for head in each.heads if head.owner == owner]

    until(told, two.said, PATIENCE_S)
    return max(told(), key=lambda head: (head.generation, head.seq))


def own(rogue: Rogue, head: Head) -> LossConfirm:
    return sign_confirm(rogue.roster.group, head, rogue.key)


def in_the_name_of_alder(rogue: Rogue, head: Head, two: Pair) -> LossConfirm:
    """Its own signature under somebody else's name."""
    return replace(own(rogue, head), by=rogue.device_of(two.a))


def by_the_owner(rogue: Rogue, head: Head, two: Pair) -> LossConfirm:
    """The owner confirms its own."""
    return replace(own(rogue, head), by=rogue.device_of(two.b))


def far_above(rogue: Rogue, head: Head, _two: Pair) -> LossConfirm:
    """All that its owner ever deletes."""
    return own(rogue, replace(head, seq=head.seq + FAR))


LIES: dict[str, Callable[[Rogue, Head, Pair], LossConfirm]] = {
    "name": in_the_name_of_alder,
    "owner": by_the_owner,
    "far": far_above,
}


def achieved(two: Pair, *lies: Callable[[Rogue, Head, Pair], LossConfirm]) -> bool:
    """Whether alder lets go what it holds because of one of these."""
    held(two)
    rogue = Rogue("rogue", two)
    control = rogue.control(two.a)
    try:
        head = newest(control, rogue, two)
        control.say(LossConfirms([lie(rogue, head, two) for lie in lies]))
        assert control.answers()
        return shows(lambda: not kept(two.a), MOMENT_S * 5)
    finally:
        control.close()
        rogue.close()


def test_a_false_word_lets_nothing_go(tmp_path: Path) -> None:
    with pair(tmp_path) as two:
        assert not achieved(two, *LIES.values())
        assert holds(two.a, two.b, "after")
        two.unharmed()


@pytest.mark.proof
def test_where_no_signature_is_looked_at_it_does(tmp_path: Path) -> None:
    with pair(tmp_path, "signatures") as two:
        assert achieved(two, in_the_name_of_alder)


def test_the_word_of_who_was_removed_is_of_no_use_to_an_accomplice(tmp_path: Path) -> None:
    with pair(tmp_path) as two:
        held(two)
        rogue = Rogue("rogue", two)
        control = rogue.control(two.a)
        word = own(rogue, newest(control, rogue, two))
        accomplice = Rogue("accomplice", two)
        for device in two.devices:
            with suppress(PotluckError):  # it is no steward
                device.client.act("remove", {"name": "rogue"})
        until(control.ended.is_set, two.said, PATIENCE_S)
        bringing = accomplice.control(two.a)
        try:
            bringing.say(LossConfirms([word]))
            assert bringing.answers()
            assert not shows(lambda: not kept(two.a), MOMENT_S * 5)
            assert holds(two.a, two.b, "after")
            # what any member may do: say that it was meant, whoever looked
            bringing.say(LossConfirms([own(accomplice, word.head)]))
            until(lambda: stands(two.a, two.b, "after"), two.said, PATIENCE_S)
            until(lambda: "is confirmed by accomplice" in two.a.said(), two.said, PATIENCE_S)
            assert TRACEBACK not in two.a.said()
        finally:
            for each in (control, bringing, rogue, accomplice):
                each.close()
