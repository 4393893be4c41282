"""What faces are shown: frozen values, encoded as JSON by the control shell.

Strategy: the field names are the local API's (docs/faces.md), so a name here is a promise.
Guarantee: nothing in a value is alive, and every number fits JSON. Limits: what a field means is
summed up in viewer.py and the modules beside it.
"""

from __future__ import annotations

from msgspec import Struct


class DeviceView(Struct, frozen=True):
    """One device of the group."""

    id: str
    label: str
    me: bool
    online: bool
    node: int | None
    address: str
    found_by: str
    have_files: int
    need_files: int
    need_bytes: int


class RingView(Struct, frozen=True):
    """One node of the ring."""

    number: int
    id: str
    label: str
    seat: int
    status: str


class TransferView(Struct, frozen=True):
    """One content that is being received."""

    path: str
    sources: list[str]
    done: int
    size: int


class FoundView(Struct, frozen=True):
    """A group near by that this device is not a member of."""

    name: str
    label: str
    address: str
    members: int
    open: bool


class FileView(Struct, frozen=True):
    """One path of the share."""

    path: str
    kind: str
    size: int
    owner: str
    here: bool
    root: str


class StateView(Struct, frozen=True):
    """Everything a face shows."""

    device: dict[str, str]
    group: dict[str, str] | None
    node: dict[str, object] | None
    ring: list[RingView]
    state: str
    reason: str | None
    devices: list[DeviceView]
    files: int
    bytes: int
    need_files: int
    need_bytes: int
    received_bytes: int
    sent_bytes: int
    transfers: list[TransferView]
    folder: str
    own_folder: str
    port: int
    door: dict[str, object]
    found: list[FoundView]
    tried: dict[str, object]
    refused: list[dict[str, str]]
