"""Removal proofs: what a former member is shown so that it finds itself out, the needed first.

Strategy: a proof is a *unit* of few statements: the appointments that make one signer a steward,
the founder's first, and behind them a removal. Of a device that was removed any one part of a
removal is enough, since each says so. Where instead the admission is void by the removal of who
signed it, all parts of a removal are, that does not accept it. One unit for each signer; the
shortest come first, then those of whoever is nearest to the founder; all the rest comes after them.

Guarantees: pure; each unit is of words in force, so it alone puts the device out where nothing is
known that is not known here, and the first one of a device is as short as any (proof: they are
sorted). So whoever cuts the list where there is no more room leaves a proof, unless none fits; no
other steward, whatever it signs, makes the units of one longer. Limits: who knows already that a
signer is none needs another one's unit; what stands of the device may be in parts that come late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from potluck.core.group.removals import GroupStanding, Removal, SignedAct
from potluck.core.group.statements import Appoint, Remove
from potluck.core.keys.identity import DeviceId


def removal_proof(
    device: DeviceId,
    admissions: Sequence[tuple[DeviceId, bytes]],
    acts: Mapping[bytes, SignedAct],
    standing: GroupStanding,
) -> list[bytes]:
    """Return the hashes of the statements by which a device is out; none if there are none.

    `admissions`: who let it in by which record, who let in that one, and so on.
    """
    words = _Words(acts, standing)
    goodbyes = [[known] for known in words.removals_of(device) if acts[known].by == device]
    units = [*goodbyes[:1], *words.units(device)]
    for who, admission in admissions:
        units += words.units(who, admission)
    way = [device, *(who for who, _ in admissions)]
    removals = [known for who in way for known in words.removals_of(who)]
    needed = [known for unit in units for known in unit]
    others = words.appointments_behind(acts[known].by for known in removals)
    return list(dict.fromkeys([*needed, *removals, *others]))


class _Words:
    """Appointments and removals, by whom they are about."""

    def __init__(self, acts: Mapping[bytes, SignedAct], standing: GroupStanding) -> None:
        self._acts, self._standing = acts, standing
        self._appointments: dict[DeviceId, list[bytes]] = {}
        self._removals: dict[DeviceId, dict[bytes, Remove]] = {}
        for known, each in acts.items():
            if isinstance(each.act, Appoint):
                self._appointments.setdefault(each.about, []).append(known)
            if isinstance(each.act, Remove):
                self._removals.setdefault(each.about, {})[known] = each.act

    def __repr__(self) -> str:
        return f"<Words: {len(self._removals)} devices removed>"

    def removals_of(self, device: DeviceId) -> list[bytes]:
        """Return the parts of all removals of a device, whether they count or not."""
        return list(self._removals.get(device, ()))

    def units(self, device: DeviceId, admission: bytes = b"") -> list[list[bytes]]:
        """Return what proves that a device is removed, or that an admission by it is void."""
        units: dict[DeviceId, tuple[int, int, list[bytes]]] = {}
        for removal in self._standing.removals.get(device, ()):
            if admission and not (removal.complete and admission not in removal.accepted):
                continue
            parts = self._parts(removal)
            unit = [*self._made_steward(removal.by), *(parts if admission else parts[:1])]
            rated = (len(unit), self._rank(removal.by), unit)
            units[removal.by] = min(rated, units.get(removal.by, rated))
        return [unit for _, _, unit in sorted(units.values())]

    def appointments_behind(self, signers: Iterable[DeviceId]) -> list[bytes]:
        """Return all appointments of these, and of whoever appointed them."""
        found, ahead = dict[bytes, None](), list(dict.fromkeys(signers))
        for signer in ahead:
            fresh = [h for h in self._appointments.get(signer, ()) if h not in found]
            found |= dict.fromkeys(fresh)
            ahead += [self._acts[known].by for known in fresh]
        return list(found)

    def _parts(self, removal: Removal) -> list[bytes]:
        said = self._removals[removal.device].items()
        parts = (known for known, part in said if part.whole == removal.whole)
        return [known for known in parts if self._acts[known].by == removal.by]

    def _made_steward(self, signer: DeviceId) -> list[bytes]:
        """Return the appointments that lead from the founder to a steward, the founder's first.

        Those in force have ranks, which fall on the way to the founder. Of who has none any more,
        since another took its rank and left its removals in force, those that were ever said.
        """
        acts, standing, chain = self._acts, self._standing, list[bytes]()
        while signer != standing.founder:
            said = {known: acts[known].by for known in self._appointments[signer]}
            counts = [known for known, by in said.items() if standing.has_word(known, by)]
            ever = [known for known, by in said.items() if by == standing.ever[signer]]
            chain.append(min(counts or ever, key=lambda known: (self._rank(said[known]), known)))
            signer = said[chain[-1]]
        return chain[::-1]

    def _rank(self, device: DeviceId) -> int:
        return self._standing.ranks.get(device, len(self._standing.ranks))
