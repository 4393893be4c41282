"""Line shares: of something that all members take places of, no line has more than its share.

Strategy: whoever can invent devices can invent them in its own line only (lines.py), so places are
shared by line and not by device. Once they are all taken, one more is given to whoever has few by
taking one from whoever has many: first among the devices that the founder let in, each with all
that came by it, then inside the one with the most, and so on down to a single device. A device
counts beside those it let in as one of them, so who let somebody hostile in keeps room too.

Guarantees: pure; a place is only taken from a line that has at least two more than the one it goes
to, so nothing goes to and fro, and whoever has less than its share gets what it asks for. Limits:
in a line of honest devices alone the same rule leaves each of them with few places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from potluck.core.keys.identity import DeviceId

Descent = Sequence[DeviceId]
"""From the device that the founder let in down to the device itself, each let in by the former."""


def who_makes_room(asking: Descent, held: Mapping[DeviceId, tuple[Descent, int]]) -> list[DeviceId]:
    """Return who can give a place to `asking`, the best first; nobody if it has its share.

    `held`: how many places each device has, and its descent.
    """
    among = {device: entry for device, entry in held.items() if entry[1]}
    depth = 0
    while among.keys() - {asking[-1]}:
        counts = _counts(among, depth)
        part, most = counts.most_common(1)[0]
        if most > counts[_at(asking, depth)] + 1:
            return _heaviest_first(_part(among, part, depth), depth + 1)
        among = _part(among, _at(asking, depth), depth)
        depth += 1
    return []


def _heaviest_first(among: Mapping[DeviceId, tuple[Descent, int]], depth: int) -> list[DeviceId]:
    """Return these devices, those of the part with the most places first, at every depth."""
    if len(among) <= 1:
        return list(among)
    parts = [_part(among, part, depth) for part, _ in _counts(among, depth).most_common()]
    return [device for part in parts for device in _heaviest_first(part, depth + 1)]


def _counts(among: Mapping[DeviceId, tuple[Descent, int]], depth: int) -> Counter[DeviceId]:
    counts = Counter[DeviceId]()
    for descent, places in among.values():
        counts[_at(descent, depth)] += places
    return counts


def _part(
    among: Mapping[DeviceId, tuple[Descent, int]], part: DeviceId, depth: int
) -> dict[DeviceId, tuple[Descent, int]]:
    return {device: entry for device, entry in among.items() if _at(entry[0], depth) == part}


def _at(descent: Descent, depth: int) -> DeviceId:
    """Return whose part of a line a device is in; one that is higher up is its own."""
    return descent[min(depth, len(descent) - 1)]
