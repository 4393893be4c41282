"""Only there: how much no device but one is known to have, by what was said last.

Strategy: of each folder, whoever lacks least of it as it is held here says how much only the one
device can have: no more than that lacks everywhere else. This device counts by what its index says,
an owner by its own list less what it says that it lacks, and everybody else by a word about the
very list that is held; who said nothing of that may lack everything. The last word of who is away
counts, too: what it had then it has unless its disk was lost.

Guarantees: a file that another device is known to have is never among them. Limits: a word says how
many lack, never which; so if two devices lack different files, each may have what the other lacks,
and what is said here is the most. What a list that is newer than the one held here names is not
counted.
"""

from __future__ import annotations

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import DeviceKnown, Knowledge, ManifestKnown
from potluck.core.keys.identity import DeviceId


def only_on_each(knowledge: Knowledge) -> dict[DeviceId, Amount]:
    """Return how much of all folders only that other device is known to have, at most, for each."""
    found = {one.device: NOTHING for one in knowledge.devices}
    for manifest in knowledge.manifests:
        if manifest.missing == NOTHING:
            continue
        lacks = {one.device: _lacks(one, manifest)[0] for one in knowledge.devices}
        every = [*lacks.items(), (knowledge.me, manifest.missing)]
        by_size = sorted(every, key=lambda one: _size(one[1]))
        for device, missing in lacks.items():
            least = next(amount for who, amount in by_size if who != device)
            has = manifest.whole.less(missing)
            found[device] = Amount.total([found[device], Amount(*map(min, least, has))])
    return found


def own_only_here(knowledge: Knowledge) -> Amount:
    """Return how much of the own folder no other device is known to have, at most.

    What whoever lacks least of it skips is not counted: a person wants it to be so.
    """
    mine = [one for one in knowledge.manifests if one.name == ManifestName.own(knowledge.me)]
    found = list[Amount]()
    for manifest in mine if knowledge.devices else ():
        lacks = [_lacks(one, manifest) for one in knowledge.devices]
        missing, skipped = min(lacks, key=lambda one: _size(one[0]))
        has = manifest.whole.less(manifest.missing)
        found.append(Amount(*map(min, missing.less(skipped), has)))
    return Amount.total(found)


def _lacks(device: DeviceKnown, manifest: ManifestKnown) -> tuple[Amount, Amount]:
    """Return what a device lacks of a folder, at most, and what of that it skips."""
    said, is_owner = device.said.get(manifest.name), manifest.name.owner == device.device
    if said is None and is_owner:
        return NOTHING, NOTHING
    if said is None or manifest.forked or not (is_owner or said.number == manifest.held):
        return manifest.whole, NOTHING
    missing = Amount(*map(min, said.missing, manifest.whole))
    return missing, Amount(*map(min, said.skipped, missing))


def _size(amount: Amount) -> tuple[int, int]:
    """Return how much lacks, for comparing."""
    return amount.files + amount.folders, amount.size_bytes
