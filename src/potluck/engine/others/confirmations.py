"""Confirmations: who confirmed what an owner deleted or replaced, wherever a person typed that.

Strategy: a person types `confirm NAME` on one device. That device signs the newest head of NAME
that it holds (core/content/loss_confirms.py). The newest such word of each signer about each owner
is kept in the index, told to everybody who is linked and to whoever links later, and handed on by
anybody. What follows from it is for the breaker of each receiver (loss_breaker.py), which asks here
what is covered; it is asked again whenever a word or a head is new.

Guarantees: nothing counts but a word of somebody who is a member now, about somebody else's folder,
up to a head that its owner signed and that the own list has reached. A word of whoever is removed
counts no more, and is not handed on. Kept are CONFIRMS_OF_ONE owners of each signer, what came
first stays; told is at most once a second, each word in its newest form. What is not signed as it
must be changes a counter. Limits: what was done because of a word stays done. A word whose signer
is not known yet waits in this run only, a few for each device that brought them, until the group
has new members. An earlier potluck does not understand it and asks its own person.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from msgspec.msgpack import Decoder

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_confirms import (
    LossOrigin,
    confirm_is_signed,
    covers,
    is_reached,
    sign_confirm,
)
from potluck.core.content.manifest import newer
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, LossConfirm, LossConfirms, encode
from potluck.engine.node import Node

CONFIRMS_PAUSE_S: Final = 1.0  # between two tellings of what is new
_STORED: Final = Decoder(LossConfirm)
_PREFIX: Final = "confirmed "  # in the index, before the ids of a signer and an owner


class ConfirmationsListener(Protocol):
    """Hears of words that are new."""

    def on_confirmed(self, name: ManifestName) -> None:
        """Somebody confirmed what the owner of a folder deleted or replaced."""


class Confirmations:
    """What people confirmed, by signer and owner."""

    def __init__(self, node: Node, listener: ConfirmationsListener) -> None:
        """Know what the index knows."""
        self._node, self._listener = node, listener
        self._words: dict[tuple[bytes, bytes], LossConfirm] = {}
        self._waiting: dict[DeviceId, list[LossConfirm]] = {}  # by who brought them
        self._untold: set[tuple[bytes, bytes]] = set()
        self._tell_s = -math.inf
        self._read()

    def __repr__(self) -> str:
        """Return how many words are known."""
        return f"<Confirmations: {len(self._words)} words>"

    # -- questions ---------------------------------------------------------------------------------
    def covered(
        self, name: ManifestName, origins: Mapping[bytes, LossOrigin]
    ) -> dict[DeviceId, list[bytes]]:
        """Return which of these losses are confirmed, by who did; each once."""
        held, left = self._node.index.manifests.head(name), dict(origins)
        found = dict[DeviceId, list[bytes]]()
        for word in self.reached(name):
            assert held is not None, "else nothing is reached"
            paths = [path for path, since in left.items() if covers(word.head, since, held)]
            if paths:
                found[DeviceId(word.by)] = paths
            for path in paths:
                del left[path]
        return found

    def reached(self, name: ManifestName) -> tuple[LossConfirm, ...]:
        """Return the words about one owner that count and that its list here has come up to."""
        held = self._node.index.manifests.head(name)
        if held is None:
            return ()
        return tuple(
            word
            for (by, owner), word in sorted(self._known().items())
            if owner == name.owner and self._is_member(by) and is_reached(word.head, held)
        )

    def is_said(self, name: ManifestName) -> bool:
        """Say whether somebody confirmed all that is known of an owner's list here."""
        held = self._node.index.manifests.head(name)
        return held is not None and any(not newer(held, word.head) for word in self.reached(name))

    # -- a person here -----------------------------------------------------------------------------
    def sign(self, name: ManifestName) -> bool:
        """Say for this device that what an owner deleted or replaced until now was meant.

        Return whether that is said to anybody, and was not said before.
        """
        node, head = self._node, self._node.index.manifests.head(name)
        if head is None or node.roster is None or not hearers(node, name.owner):
            return False
        word = sign_confirm(node.roster.group, head, node.key)
        known = self._known().get((node.me, name.owner))
        if known is not None and not newer(head, known.head):
            return False
        if known is None and self._has_said_all(node.me):
            return False
        self._keep(word)
        return True

    # -- the others --------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: it hears all that counts."""
        words = [word for (by, _), word in sorted(self._known().items()) if self._is_member(by)]
        for some in _chunks(words):
            self._node.say_when_durable(device, LossConfirms(some))

    def on_heard(self, device: DeviceId, words: Sequence[LossConfirm]) -> None:
        """A member said what was confirmed."""
        for word in words:
            self._hear(device, word)

    def on_members(self) -> None:
        """The group has other members: who is none confirms nothing, who is new may have."""
        for key in [key for key in self._known() if not self._may_say(*key)]:
            del self._words[key]
            self._untold.discard(key)
            self._node.index.meta.remove(_stored_as(key))
        waiting, self._waiting = self._waiting, {}
        for device, words in sorted(waiting.items()):
            self.on_heard(device, words)

    def restart(self) -> None:
        """This device is in another group: what was said in the one before is of no use."""
        for key in self._known():
            self._node.index.meta.remove(_stored_as(key))
        self._words.clear()
        self._untold.clear()
        self._waiting.clear()

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._tell_s if self._untold else None

    def on_tick(self) -> None:
        """Tell everybody what is new."""
        if not self._untold or self._node.now < self._tell_s:
            return
        known, untold = self._known(), sorted(self._untold)
        for some in _chunks([known[key] for key in untold if key in known]):
            for device in self._node.linked():
                self._node.say_when_durable(device, LossConfirms(some))
        self._untold.clear()
        self._tell_s = self._node.now + CONFIRMS_PAUSE_S

    # -- inside ------------------------------------------------------------------------------------
    def _hear(self, device: DeviceId, word: LossConfirm) -> None:
        """Take a word if it is new, and as it must be."""
        roster, key, known = self._node.roster, (word.by, word.head.owner), self._known()
        if roster is None or (key in known and not newer(word.head, known[key].head)):
            return
        if any(roster.entry_of(DeviceId(each)) is None for each in key):
            waiting = self._waiting.setdefault(device, [])
            if len(waiting) < limits.CONFIRMS_OF_ONE:
                waiting.append(word)
            return
        signed = confirm_is_signed(roster.group, word, roster.verify, roster.vouches)
        if word.head.folder is not Folder.OWN or not signed or not self._may_say(*key):
            self._node.counters["confirmations refused"] += 1
        elif key in known or not self._has_said_all(word.by):
            self._keep(word)
            self._listener.on_confirmed(ManifestName.of(word.head))

    def _keep(self, word: LossConfirm) -> None:
        key = word.by, word.head.owner
        self._known()[key] = word
        self._untold.add(key)
        self._node.index.meta.set(_stored_as(key), encode(word))

    def _may_say(self, by: bytes, owner: bytes) -> bool:
        """Say whether that device may confirm anything of that owner's."""
        roster = self._node.roster
        assert roster is not None, "words are of a group"
        known = roster.entry_of(DeviceId(owner)) is not None and owner not in roster.forgotten
        return known and by in roster.members

    def _has_said_all(self, device: bytes) -> bool:
        """Say whether nobody keeps a word of a device about one more owner."""
        return sum(by == device for by, _ in self._known()) >= limits.CONFIRMS_OF_ONE

    def _is_member(self, device: bytes) -> bool:
        return self._node.roster is not None and device in self._node.roster.members

    def _known(self) -> dict[tuple[bytes, bytes], LossConfirm]:
        """Return the words; what the index took back is not among them."""
        if self._read_at != self._node.index.meta.undone:
            self._read()
        return self._words

    def _read(self) -> None:
        meta = self._node.index.meta
        self._read_at = meta.undone
        words = [_STORED.decode(stored) for stored in meta.beginning_with(_PREFIX).values()]
        self._words = {(word.by, word.head.owner): word for word in words}


def hearers(node: Node, owner: DeviceId) -> list[DeviceId]:
    """Return the members for whom a confirmation of this device counts, beside itself."""
    members = node.roster.members if node.roster is not None else {}
    return sorted(members.keys() - {node.me, owner})


def _stored_as(key: tuple[bytes, bytes]) -> str:
    return f"{_PREFIX}{key[0].hex()} {key[1].hex()}"


def _chunks(words: Sequence[LossConfirm]) -> Iterator[list[LossConfirm]]:
    for at in range(0, len(words), limits.CONFIRMS_CHUNK):
        yield list(words[at : at + limits.CONFIRMS_CHUNK])
