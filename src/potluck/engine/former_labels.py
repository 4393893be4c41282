"""Former labels: under which name a folder still stands whose device is called otherwise by now.

Strategy: a device gets another label by one signed record, its folder on each disk by one rename
that comes a moment later, or much later: when the disk is there, when nothing is being placed. As
long as the two differ, the name that the disk has is kept here and in the index, one row for each
such device; the layout goes by it. Who renames takes the row away. Where a label goes to another
device while the folder of before has it still, that device's folder stands under a *spare* name
with its id in it, until its own is free.

Guarantees: the row is written in the transaction that writes the record, so whatever ends the
program, the next run knows what is still to be renamed; what was renamed and not noted is renamed
again, which changes nothing. No two devices' folders have one name. Limits: of labels only, never
of what is in the folders; where no row is, the folder is called as its device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from potluck.core.content.paths import collision_key
from potluck.core.keys.identity import DeviceId, short_id
from potluck.engine.index.group import Meta

_KEY = "former label of "
_SPARE = " {} (waits for its name)"  # behind the label of the device with that id


class FormerLabels:
    """The folders that have the name of an earlier label."""

    def __init__(self, meta: Meta) -> None:
        """Know what the index knows."""
        self._meta = meta
        self._labels = {
            DeviceId(bytes.fromhex(name)): value.decode()
            for name, value in meta.beginning_with(_KEY).items()
        }

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<FormerLabels: {len(self._labels)}>"

    def __contains__(self, device: object) -> bool:
        return device in self._labels

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[DeviceId]:
        return iter(sorted(self._labels))

    def of(self, device: DeviceId) -> str:
        """Return what the folder of a device is still called, "" if it is called as the device."""
        return self._labels.get(device, "")

    def note(self, device: DeviceId, former: str, label: str) -> None:
        """A device that was called `former` is called `label` now."""
        self.stands(device, self._labels.get(device, former), label)

    def follow(self, before: Mapping[DeviceId, str], now: Mapping[DeviceId, str]) -> None:
        """Devices were called so, and are called so now: folders have the names they had."""
        for device, label in now.items():
            if before.get(device, label) != label:
                self.note(device, before[device], label)
        stand = {collision_key(name) for name in self._labels.values()}
        for device, label in now.items():
            if device not in self._labels and collision_key(label) in stand:
                self.stands(device, self.spare(device, now), label)

    def spare(self, device: DeviceId, labels: Mapping[DeviceId, str]) -> str:
        """Return a name for the folder of a device that is nobody's; `labels` are everybody's."""
        name = labels[device] + _SPARE.format(short_id(device))
        taken = {collision_key(label) for label in labels.values()}
        taken |= {collision_key(stands) for stands in self._labels.values()}
        while collision_key(name) in taken:
            name += "-"
        return name

    def is_taken(self, name: str, device: DeviceId) -> bool:
        """Say whether the folder of another device has the name of an earlier label."""
        key, others = collision_key(name), self._labels.items()
        return any(key == collision_key(name) for each, name in others if each != device)

    def waits_as(self, device: DeviceId) -> str:
        """Return the label in the spare name under which a folder waits, "" if it has none."""
        label, spare, _ = self.of(device).rpartition(_SPARE.format(short_id(device)))
        return label if spare else ""

    def stands(self, device: DeviceId, name: str, label: str) -> None:
        """The folder of the device that is called `label` now is called `name`."""
        if name == label:
            self.forget(device)
        else:
            self._meta.set(_KEY + device.hex(), name.encode())
            self._labels[device] = name

    def forget(self, device: DeviceId) -> None:
        """The folder of a device is called as the device, or is none of ours any more."""
        if self._labels.pop(device, None) is not None:
            self._meta.remove(_KEY + device.hex())

    def rewrite(self) -> None:
        """The index failed: write down what is known."""
        for key in self._meta.beginning_with(_KEY).keys() - {each.hex() for each in self._labels}:
            self._meta.remove(_KEY + key)
        for device, name in self._labels.items():
            self._meta.set(_KEY + device.hex(), name.encode())
