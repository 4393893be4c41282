"""Lines: how much of a roster one member can fill, and whose newcomers two members are.

Strategy: everybody but the founder was let in by somebody. A device's *line* is that device,
whoever it let in, whoever these let in, and so on: all that one hostile member can invent is in its
own line, since it signs with no other keys. Each statement is charged to every line that its signer
is in, and a line has a bound; the founder, who is the steward of the group, is in no line. A line
further from the founder has less room than those it is in, so that who lets somebody hostile in
keeps room for others. Two members are *apart* if they are in no common line: a hostile member
cannot be both of them, nor have invented both. The acts of stewards (removals and the like) have
room of their own, charged the same way to whoever appointed them, so that neither a hostile member
nor one hostile steward keeps another from being heard.

Guarantees: pure; one member's line never fills a roster, nor the line it is in, within the first
generations. Limits: from `LINE_LEAST` on lines are equally large, so a hostile member many
generations from the founder can fill the lines that it is in; members of other lines still let
newcomers in. Members that were all let in by one device which is not the founder are not apart,
however honest they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from potluck.core import limits
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId

LINE_MOST = 620  # statements of a founder's own newcomers and theirs: one laptop lets 500 in
LINE_STEP = 20  # less with every generation: room that whoever let a hostile member in has left
LINE_LEAST = 500  # an office of this size may have one device that lets everybody in
STEWARDS_EACH = 100  # acts of one steward and all it appointed that are charged to no line
GENERATIONS_MAX = limits.INTRODUCTION_RECORDS  # whoever is further away cannot introduce itself


def line_bound(generation: int) -> int:
    """Return how many statements a line may hold; `generation` admissions lead to its first."""
    return max(LINE_LEAST, LINE_MOST - LINE_STEP * (generation - 1))


def lines_of(
    device: DeviceId, members: Mapping[DeviceId, MemberEntry], founder: DeviceId
) -> list[DeviceId]:
    """Return the beginnings of all lines a member is in, its own first; none for the founder."""
    lines: list[DeviceId] = []
    while device != founder:
        lines.append(device)
        device = members[device].admitted_by
    return lines


def are_apart(
    one: DeviceId, other: DeviceId, members: Mapping[DeviceId, MemberEntry], founder: DeviceId
) -> bool:
    """Say whether two devices are members and in no common line."""
    if one == other or one not in members or other not in members:
        return False
    lines = lines_of(one, members, founder)
    return lines[-1:] != lines_of(other, members, founder)[-1:]


class Allotment:
    """How much room the lines of a roster have left."""

    def __init__(
        self,
        members: Mapping[DeviceId, MemberEntry],
        founder: DeviceId,
        signed: Mapping[DeviceId, int],
    ) -> None:
        """Charge every line what its members signed; `members` may grow while this is used."""
        self._members, self._founder = members, founder
        self._charged: Counter[DeviceId] = Counter()
        for signer, count in signed.items():
            for line in lines_of(signer, members, founder):
                self._charged[line] += count

    def __repr__(self) -> str:
        return f"<Allotment: {len(self._charged)} lines>"

    def take(self, signer: DeviceId) -> bool:
        """Charge one more statement of this member, if every line it is in has room for it."""
        lines = lines_of(signer, self._members, self._founder)
        if len(lines) >= GENERATIONS_MAX:
            return False
        for generation, line in enumerate(reversed(lines), 1):
            if self._charged[line] >= line_bound(generation):
                return False
        self._charged.update(lines)
        return True


class StewardsRoom:
    """How many acts the stewards may still sign that nobody's line is charged with."""

    def __init__(
        self, ever: Mapping[DeviceId, DeviceId], founder: DeviceId, signers: Iterable[DeviceId]
    ) -> None:
        """Charge what these signed, one act each; `ever`: who was appointed, and by whom."""
        self._ever, self._founder = ever, founder
        self._charged: Counter[DeviceId] = Counter()
        for signer in signers:
            self._charged.update(self._above(signer))

    def __repr__(self) -> str:
        return f"<StewardsRoom: {len(self._charged)} stewards>"

    def take(self, signer: DeviceId) -> bool:
        """Charge an act to its steward and whoever appointed that one, if all have room."""
        above = self._above(signer)
        if not above or any(self._charged[each] >= STEWARDS_EACH for each in above):
            return False
        self._charged.update(above)
        return True

    def _above(self, signer: DeviceId) -> list[DeviceId]:
        """Return those charged for a steward: all but the founder, unless it signed itself."""
        above: list[DeviceId] = []
        while signer in self._ever and signer not in above:
            if signer == self._founder and above:
                break
            above.append(signer)
            signer = self._ever[signer]
        return above
