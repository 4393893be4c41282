"""Key exchange: how a new group key reaches every member, over their own links.

Strategy: a removal names its key by its id alone (core/group/removals.py). Whoever has a valid key
says it to a member when a link opens; who lacks one that the roster names asks everybody it is
linked to, and whoever was asked in vain hands it on as soon as it has it. Keys are kept in the
index.

Guarantees: a key leaves on the control link of a current member only; what the roster does not name
is not learned. Limits: a key that nobody has any more stays unknown; calls then go under an older
one, until a steward removes somebody again and makes another.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.key_ring import KeyRing
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import GroupKeys, GroupKeysAsk
from potluck.engine.node import Node

_KEPT = "group_keys"  # in the index: the keys one behind the other


class KeyExchange:
    """Hands keys on, and asks for them."""

    def __init__(self, node: Node) -> None:
        """Nobody waits for one."""
        self._node = node
        self._waiting: set[DeviceId] = set()  # who asked for what was not here

    def __repr__(self) -> str:
        """Say how many wait for a key."""
        return f"<KeyExchange {self._node.group_keys!r}, {len(self._waiting)} wait>"

    def start(self) -> None:
        """Know the keys of an earlier run."""
        kept = self._node.index.meta.get(_KEPT) or b""
        size = limits.KEY_BYTES
        self._node.group_keys = KeyRing(kept[at : at + size] for at in range(0, len(kept), size))

    def restart(self) -> None:
        """This device is in another group now."""
        self._node.group_keys = KeyRing()
        self._waiting.clear()
        if self._node.index.meta.get(_KEPT):  # else there is nothing to write, and to go wrong
            self._keep()

    def make(self, named: bytes, key: bytes) -> None:
        """Know a key of our own that a removal under way names."""
        self._node.group_keys.learn(key, [named, *self._valid()])
        self._keep()

    def on_linked(self, device: DeviceId) -> None:
        """There is a link to a member: it may lack what is here, or have what is not."""
        valid = self._valid()
        self._say(device, valid)
        lacking = self._node.group_keys.lacking(valid)
        if lacking:
            self._node.say(device, GroupKeysAsk(lacking[: limits.GROUP_KEYS]))

    def on_members(self) -> None:
        """The roster may name a new key."""
        lacking = self._node.group_keys.lacking(self._valid())
        if lacking:
            for device in self._node.linked():
                self._node.say(device, GroupKeysAsk(lacking[: limits.GROUP_KEYS]))

    def on_message(self, device: DeviceId, message: GroupKeys | GroupKeysAsk) -> None:
        """A member asks for keys, or has them."""
        if isinstance(message, GroupKeysAsk):
            self._say(device, message.ids)
            if set(message.ids) & set(self._node.group_keys.lacking(self._valid())):
                self._waiting.add(device)
            return
        valid = self._valid()
        new = [key for key in message.keys if self._node.group_keys.learn(key, valid)]
        if new:
            self._keep()
            for waits in sorted(self._waiting):
                self._say(waits, valid)
            self._waiting.clear()

    def _say(self, device: DeviceId, ids: list[bytes]) -> None:
        """Tell a member those of these keys that are valid and known here."""
        asked = [each for each in ids if each in self._valid()]
        keys = self._node.group_keys.valid(b"", asked) if asked else []
        if keys:
            self._node.say(device, GroupKeys(keys[: limits.GROUP_KEYS]))

    def _valid(self) -> list[bytes]:
        roster = self._node.roster
        return roster.standing.keys if roster is not None else []

    def _keep(self) -> None:
        self._node.index.meta.set(_KEPT, b"".join(self._node.group_keys.keys))
