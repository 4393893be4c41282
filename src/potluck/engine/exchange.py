"""The exchange: other devices' manifests, from the first word of a head to records in the index.

Strategy: owners push signed heads to everybody; whoever holds a manifest completely announces its head and can hand it
on. A head that is newer than ours is followed page by page into a staging table (`Fetch` of `ManifestAsk`), by change
number, and counts only when root and count of the result equal the signed head. If they do not, or the delete log of
the other side is too short, the whole manifest is asked once more from the beginning. Lost pushes are found by
the digest of heads in every probe, and everyone asks *last* every ten seconds, as the seed does.

Guarantees: nobody acts on an unsigned head; a manifest is either wholly at one head or wholly at another. After a
change of generation deletes are held back. Two heads of one number and different content freeze the folder.
Limits: no repair by buckets yet, a mismatch costs the whole manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blake3 import blake3

from potluck.core import limits
from potluck.core.identity import DeviceId
from potluck.core.manifest import contradicts, head_is_signed, newer
from potluck.core.messages import Folder, Head, Heads, HeadsAsk, Holding, Kept, ManifestAsk, ManifestPage, encode
from potluck.engine.effects import Fetch
from potluck.engine.events import FetchEnded, ManifestHeard, OrderId, Outcome
from potluck.engine.node import Node

Name = tuple[DeviceId, Folder]
ASK_AGAIN_S = 1.0
DIGEST_PATIENCE_S = 0.2


@dataclass(slots=True)
class Following:
    """One manifest that is being brought up to a newer head."""

    name: Name
    source: DeviceId
    since: int
    whole: bool  # asked from the beginning: what does not come is not there
    order: OrderId


class Exchange:
    """Keeps every other device's manifest."""

    def __init__(self, node: Node) -> None:
        """Know what the index knows."""
        self._node = node
        self._newest: dict[Name, Head] = {}  # newer than what we hold
        self._following: dict[Name, Following] = {}
        self._whole: set[Name] = set()  # to be asked from the beginning next time
        self._failed_s: dict[tuple[Name, DeviceId], float] = {}
        self._differs_s: dict[DeviceId, float] = {}
        self._asked_s: dict[DeviceId, float] = {}
        self._ask_last_s = 0.0
        self._kept_s = 0.0
        self._kept_due = False
        self._frozen: set[Name] = set()
        self.digest = self._digest()
        # Hooks, wired by engine.py.
        self.changed: Callable[[DeviceId, Sequence[bytes], bool], None] = _ignore
        self.own_head: Callable[[Head], None] = _ignore
        self.last: Callable[[], DeviceId] = lambda: node.me

    # -- telling --------------------------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: say what we hold."""
        self._tell_heads(device)
        self._node.say(device, Kept(self._holdings()))

    def on_published(self, head: Head) -> None:
        """Our own manifest has a new head: once it is on the disk everybody hears it."""
        self.digest = self._digest()
        for device in self._node.linked():
            self._node.say_when_durable(device, Heads([head]))

    def on_places_changed(self) -> None:
        """More (or less) stands on this disk: tell the others, at most once a second."""
        self._kept_due = True

    # -- hearing --------------------------------------------------------------------------------------------------
    def on_heads(self, device: DeviceId, heads: Sequence[Head]) -> None:
        """A member announced manifests that it holds."""
        node = self._node
        for head in heads:
            if node.roster is None or not head_is_signed(head, node.roster.verify):
                continue
            name = (DeviceId(head.owner), head.folder)
            node.peer(device).heads[name] = (head.generation, head.seq)
            known = node.index.manifests.head(*name)
            if known is not None and contradicts(head, known):
                self._freeze(name)
            elif name[0] == node.me:
                self.own_head(head)
            elif newer(head, known) and newer(head, self._newest.get(name)):
                self._newest[name] = head
        self._follow()

    def on_heads_ask(self, device: DeviceId, ask: HeadsAsk) -> None:
        """A member wants to know what we hold."""
        if ask.digest != self.digest:
            self._tell_heads(device)

    def on_digest(self, device: DeviceId, digest: bytes) -> None:
        """A probe told the digest of another node's heads; ask if it goes on differing."""
        now = self._node.now
        if digest == self.digest:
            self._differs_s.pop(device, None)
            return
        since = self._differs_s.setdefault(device, now)
        if now - since >= DIGEST_PATIENCE_S and now - self._asked_s.get(device, -ASK_AGAIN_S) >= ASK_AGAIN_S:
            self._asked_s[device] = now
            self._node.say(device, HeadsAsk(self.digest))

    def on_kept(self, device: DeviceId, holdings: Sequence[Holding]) -> None:
        """A member told how much of each manifest stands on its disk."""
        for holding in holdings:
            self._node.peer(device).kept[DeviceId(holding.owner), holding.folder] = holding

    def on_page(self, event: ManifestHeard) -> bool:
        """A page came; returns whether we asked for it."""
        following = next((f for f in self._following.values() if f.order == event.order), None)
        if following is None:
            return False
        page, name = event.page, following.name
        if (page.owner, page.folder) != name:
            self._fail(following)
        elif event.unsafe:
            self._node.tell("manifest_refused", f"{self._node.label_of(name[0])} names files unsafely", level="warning")
            self._fail(following)
        elif not following.whole and following.since < page.floor:
            self._whole.add(name)
            self._drop(following)
        else:
            self._take(following, page)
        return True

    def on_ended(self, event: FetchEnded) -> bool:
        """A fetch ended; returns whether it was one of ours."""
        following = next((f for f in self._following.values() if f.order == event.order), None)
        if following is None:
            return False
        if event.outcome is not Outcome.DONE:
            self._fail(following)
        return True

    # -- time -----------------------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [self._ask_last_s] + ([self._kept_s] if self._kept_due else [])
        idle = [name for name in self._newest if name not in self._following]
        times += [failed + ASK_AGAIN_S for (name, _), failed in self._failed_s.items() if name in idle]
        return min(times)

    def on_tick(self) -> None:
        """Ask last, tell what we keep, follow what could not be followed before."""
        node = self._node
        if node.now >= self._ask_last_s:
            self._ask_last_s = node.now + limits.HEADS_ASK_S
            node.say(self.last(), HeadsAsk(self.digest))
        if self._kept_due and node.now >= self._kept_s:
            self._kept_due, self._kept_s = False, node.now + limits.KEPT_S
            kept = Kept(self._holdings())
            for device in node.linked():
                node.say(device, kept)
        self._failed_s = {key: when for key, when in self._failed_s.items() if node.now - when < ASK_AGAIN_S}
        self._follow()

    # -- following ------------------------------------------------------------------------------------------------
    def _follow(self) -> None:
        """Ask for every manifest that is behind, from somebody who holds it, one request at a time each."""
        for name, head in list(self._newest.items()):
            if name in self._following or name in self._frozen:
                continue
            known = self._node.index.manifests.head(*name)
            if not newer(head, known):
                del self._newest[name]
                continue
            source = self._source(name, head)
            if source is None:
                continue
            same = known is not None and known.generation == head.generation and name not in self._whole
            since = known.seq if known is not None and same else 0
            self._whole.discard(name)
            self._node.index.manifests.drop_staged(*name)
            self._ask(Following(name, source, since, whole=since == 0, order=self._node.number()), head.generation)

    def _source(self, name: Name, head: Head) -> DeviceId | None:
        """The owner first, else anybody who announced that head."""
        node = self._node
        linked = sorted(node.linked(), key=lambda device: device != name[0])
        for device in linked:
            announced = node.peers[device].heads.get(name, (0, 0)) >= (head.generation, head.seq)
            if announced and (name, device) not in self._failed_s:
                return device
        return None

    def _ask(self, following: Following, generation: int) -> None:
        self._following[following.name] = following
        owner, folder = following.name
        ask = ManifestAsk(owner, folder, following.since, generation)
        addresses = self._node.addresses_of(following.source)
        self._node.do(Fetch(following.order, following.source, addresses, ask, None, ()))

    def _take(self, following: Following, page: ManifestPage) -> None:
        name, manifests = following.name, self._node.index.manifests
        manifests.stage(*name, page.records, page.deleted)
        if page.head is None:
            if page.upto <= following.since:
                self._fail(following)
                return
            following.since, following.order = page.upto, self._node.number()
            self._ask(following, 0)
            return
        head, known = page.head, manifests.head(*name)
        signed = self._node.roster is not None and head_is_signed(head, self._node.roster.verify)
        if not signed or (head.owner, head.folder) != name or not newer(head, known):
            self._fail(following)
            return
        if following.whole:
            manifests.stage_rest_as_deleted(*name, head.seq)
        if manifests.staged_root(*name) != (head.root, head.count):
            if not following.whole:
                self._whole.add(name)
                self._drop(following)
            else:
                self._fail(following)
            return
        self._apply(following, head, held=known is not None and known.generation != head.generation)

    def _apply(self, following: Following, head: Head, *, held: bool) -> None:
        name, manifests = following.name, self._node.index.manifests
        paths = manifests.apply_staged(*name, head)
        if following.whole:
            manifests.raise_floor(*name, head.seq)
        del self._following[name]
        if not newer(self._newest.get(name, head), head):
            self._newest.pop(name, None)
        self.digest = self._digest()
        self.changed(name[0], paths, held)
        self._kept_due = True
        self._forward(name, head)
        self._follow()

    def _forward(self, name: Name, head: Head) -> None:
        """Hand a head on to those who cannot have it from its owner: the owner is not linked to us any more."""
        node = self._node
        if name[0] in node.linked():
            return
        for device in node.linked():
            if node.peers[device].heads.get(name, (0, 0)) < (head.generation, head.seq):
                node.say_when_durable(device, Heads([head]))

    def _fail(self, following: Following) -> None:
        self._failed_s[following.name, following.source] = self._node.now
        self._drop(following)

    def _drop(self, following: Following) -> None:
        self._node.index.manifests.drop_staged(*following.name)
        self._following.pop(following.name, None)
        self._follow()

    def _freeze(self, name: Name) -> None:
        if name not in self._frozen:
            self._frozen.add(name)
            label = self._node.label_of(name[0])
            text = f"{label} told two different things under one number: its folder is frozen here"
            self._node.tell("folder_frozen", text, level="error", subject=label)

    # -- summing up -----------------------------------------------------------------------------------------------
    def _tell_heads(self, device: DeviceId) -> None:
        heads = self._node.index.manifests.heads()
        for at in range(0, len(heads), limits.HEADS_CHUNK):
            self._node.say_when_durable(device, Heads(heads[at : at + limits.HEADS_CHUNK]))

    def _holdings(self) -> list[Holding]:
        index = self._node.index
        held = []
        for head in index.manifests.heads()[: limits.HEADS_CHUNK]:
            files, size = (0, 0) if head.owner == self._node.me else index.needs.missing(DeviceId(head.owner), head.folder)
            held.append(Holding(head.owner, head.folder, head.generation, head.seq, files, min(size, limits.FILE_MAX_BYTES)))
        return held

    def _digest(self) -> bytes:
        heads = self._node.index.manifests.heads()
        said = sorted((head.owner, head.folder.value, head.generation, head.seq, head.root) for head in heads)
        return blake3(encode(said), derive_key_context="potluck heads digest v1").digest(length=8)


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
