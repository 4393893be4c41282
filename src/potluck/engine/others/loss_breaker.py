"""Loss breaker: an owner that deletes or replaces very much at once is not followed in that.

Strategy: every change of somebody else's manifest is judged before anything is done about it: which
files that stand here does it take away, by an end or by another content? They are counted with
those of the last hour, each path once, against all that stands here and what went
(core/content/breakers.py). If that is too much, all of them that still stand are held
(held_replicas.py), those of earlier changes too; the rest of the change goes on. A content that is
not an hour old itself (fresh_replicas.py) counts with those of the last ten seconds only. A file
whose content its owner shares under another path is renamed and not lost; it is asked about again
with every change until it has gone, for that other path may end as well.

What a person confirmed counts no more and is not held: here, or on any other device but that of the
owner (confirmations.py). Such a word lets go what was lost up to the head that it names, also of
what comes to be known here later. What is confirmed here is said to the others.

Guarantees: heads are accepted and handed on as ever, only the disk waits. What was held counts no
more, so what is below the limit afterwards is done at once. A held file that stands where its owner
wants something new is put aside, where nobody deletes it, and blocks nothing. What a person decided
about a whole folder (`forget`) is no loss. Limits: up to a quarter of a folder may go in an hour,
to the trash; an owner that adds much first may delete more. The hour is this run's: a start begins
a new one, and so does a confirmation. What the start of a run finds to be done is not judged again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from potluck.core.content.breakers import LOSS_BURST_S, MASS_FILES, is_mass
from potluck.core.content.facts import Amount, ManifestName, PlaceRow, Spot
from potluck.core.content.loss_confirms import LossOrigin
from potluck.core.content.loss_window import Loss, LossWindow
from potluck.core.content.pieces import HASH_BYTES
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import Head, Kind, LossConfirm
from potluck.core.wording import set_off, typable
from potluck.engine.node import Node
from potluck.engine.others.confirmations import Confirmations, hearers
from potluck.engine.others.fresh_replicas import FreshReplicas
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.held_replicas import HeldReplicas
from potluck.engine.others.local_changes import names_of
from potluck.engine.others.loss_origins import LossOrigins
from potluck.engine.others.path_folders import folders_above
from potluck.engine.others.trash_words import goes_to_trash


class LossListener(Protocol):
    """Hears where something else is to be done now."""

    def look_again(self, spot: Spot) -> None:
        """What is to be done at a spot has to be decided anew."""


class LossBreaker:
    """Judges what owners take away."""

    def __init__(self, node: Node, listener: LossListener, confirmed: Confirmations) -> None:
        """Have seen nothing lost."""
        self._node, self._listener, self._confirmed = node, listener, confirmed
        self._origins = LossOrigins(node.index)
        # of whom which words were looked at, with all that is held
        self._asked: dict[ManifestName, tuple[LossConfirm, ...]] = {}
        self.held = HeldReplicas(node)
        self._hours: dict[ManifestName, LossWindow] = defaultdict(LossWindow)
        self._bursts = defaultdict[ManifestName, LossWindow](lambda: LossWindow(LOSS_BURST_S))
        self._fresh = FreshReplicas(node)
        self._moving: dict[ManifestName, set[bytes]] = {}  # renamed, and not gone yet

    def __repr__(self) -> str:
        """Return of how many something was lost lately."""
        return f"<LossBreaker: {len(self._bursts)} owners>"

    def start(self) -> None:
        """Begin with what is held, also after trouble with the index: ask once more what of it was
        confirmed.

        That some of a lot was let go is not written down at once, and what was asked may be undone.
        """
        self._asked.clear()
        for name in sorted(self.held.names):
            self._ask_again(name)

    # -- changes -----------------------------------------------------------------------------------
    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        """A manifest is held up to a new head; `held`: what it lacks now stays anyway."""
        name, losses = ManifestName.of(head), self._node.index.losses
        self._origins.on_head(head)
        lot = self.held.lot(name)
        if lot is not None:
            self.held.note_origins(name, self._origins.renewed(head, lot.sizes, paths))
        moving = losses.among(name, self._moving.pop(name, ()))
        found = losses.among(name, paths)
        self._judge(head, moving + [loss for loss in found if loss.replaced or not held])
        self._fresh.on_applied(name, paths, self._hours[name])
        self._clear_way(name, paths)
        self._ask_again(name)

    def on_committed(self, done: Iterable[SpotOutcome]) -> None:
        """A group commit is over: what it placed may be unwanted already."""
        came: dict[ManifestName, list[bytes]] = {}
        for each in done:
            if each.stands:
                came.setdefault(each.ready.spot.manifest, []).append(each.ready.spot.path)
        for name, paths in sorted(came.items()):
            head = self._node.index.manifests.head(name)
            if head is not None:  # else its folder is forgotten
                self._judge(head, self._node.index.losses.among(name, paths))
                self._clear_way(name, paths)
                self._ask_again(name)

    def on_members(self) -> None:
        """The group has changed: somebody may have another label."""
        self.held.renew()

    @property
    def owners(self) -> list[DeviceId]:
        """Of whom something is held."""
        return sorted(name.owner for name in self.held.names)

    def on_confirmed(self, name: ManifestName) -> None:
        """Somebody confirmed what an owner deleted or replaced, or more of it is known here."""
        lot = self.held.lot(name)
        if lot is None:
            return
        self._asked[name] = self._confirmed.reached(name)
        for by, paths in self._confirmed.covered(name, lot.origins).items():
            amount = Amount(len(paths), 0, sum(lot.sizes[path] for path in paths))
            self._look_again(name, self.held.release(name, paths))
            self._tell_confirmed(name, by, amount)
        if self.held.lot(name) is None:
            self._begin_hour(name)

    def confirm(self, device: DeviceId) -> str | None:
        """Let go what is held of a device, and say to the others that it was meant.

        Return what follows, None if nothing does: nothing is held, and all was confirmed before.
        """
        name, lot = ManifestName.own(device), self.held.lot(ManifestName.own(device))
        label = set_off(self._node.label_of(device))
        if lot is None and self._confirmed.is_said(name):
            return None
        said = self._confirmed.sign(name)
        if lot is None:
            return (
                f"Nothing of {label} is held here. {_for_all(self._node, name)}" if said else None
            )
        amount = lot.amount
        self._look_again(name, self.held.release_all(name))
        self._begin_hour(name)
        goes = goes_to_trash(self._node, amount)
        follows = f"What {label} deleted or replaced is done here now: {goes}."
        if not hearers(self._node, device) or not self._confirmed.is_said(name):
            return follows
        return f"{follows} {_for_all(self._node, name)}"

    def _ask_again(self, name: ManifestName) -> None:
        """More is held, or a word was about a head that is held only now: else all was asked."""
        if self._asked.get(name) != self._confirmed.reached(name):
            self.on_confirmed(name)

    def _begin_hour(self, name: ManifestName) -> None:
        self._hours.pop(name, None)
        self._bursts.pop(name, None)

    # -- words -------------------------------------------------------------------------------------
    def _tell_confirmed(self, name: ManifestName, by: DeviceId, amount: Amount) -> None:
        label, who = self._node.label_of(name.owner), self._node.label_of(by)
        goes = goes_to_trash(self._node, amount)
        text = f"what {label} deleted or replaced is confirmed by {who}: {goes}"
        self._node.tell("losses_confirmed", text, subject=label)

    # -- judging -----------------------------------------------------------------------------------
    def _judge(self, head: Head, found: Sequence[Loss]) -> None:
        """Hold what is lost by a head, if it is too much."""
        name, origins = ManifestName.of(head), self._origins.of(head, found)
        self.held.note_origins(name, origins)  # what is held is lost by a later change now
        found = [loss for loss in found if not self.held.has(Spot(name, loss.path))]
        found = self._unconfirmed(name, found, origins)
        moving = self._node.index.losses.living_on(name, found)
        self._moving.setdefault(name, set()).update(moving)
        found = [loss for loss in found if loss.path not in moving]
        lost = self._too_many(name, self._hours[name], self._fresh.old(name, found))
        lost |= self._too_many(name, self._bursts[name], found)
        if lost:
            self._hours[name].forget(lost)
            self._bursts[name].forget(lost)
            self.held.hold(name, head.seq, lost.values())
            self.held.note_origins(name, self._origins.of(head, lost.values()))
            self._asked.pop(name, None)
            self._look_again(name, lost)  # some of it may be about to go
            if self.held.is_news(name):
                self._tell(name)

    def _unconfirmed(
        self, name: ManifestName, found: Sequence[Loss], origins: Mapping[bytes, LossOrigin]
    ) -> list[Loss]:
        """Return those of which nobody said that they were meant."""
        here = {loss.path: origins[loss.path] for loss in found if loss.path in origins}
        meant = dict[bytes, DeviceId]()
        for by, paths in self._confirmed.covered(name, here).items():
            meant |= dict.fromkeys(paths, by)
            if len(paths) > MASS_FILES:
                size = sum(loss.size for loss in found if meant.get(loss.path) == by)
                self._tell_confirmed(name, by, Amount(len(paths), 0, size))
        return [loss for loss in found if loss.path not in meant]

    def _too_many(
        self, name: ManifestName, window: LossWindow, found: Sequence[Loss]
    ) -> dict[bytes, Loss]:
        """Return what is to be held, by path, if these are too many for a window."""
        if not found:
            return {}
        now = self._node.now
        before = window.losses(now)
        window.note(found, now)
        files, size_bytes = self._node.index.places.totals(name)
        stands = Amount(files, 0, size_bytes)
        if not is_mass(window.amount(now), stands):
            return {}
        waiting, gone = self._sort_out(name, window, before)
        if not is_mass(window.amount(now), Amount.total([stands, *gone])):
            return {}
        return {loss.path: loss for loss in [*waiting, *found]}

    def _sort_out(
        self, name: ManifestName, window: LossWindow, before: Sequence[Loss]
    ) -> tuple[list[Loss], list[Amount]]:
        """Return of earlier losses those that still stand, and how much of the others is gone.

        What was not lost after all is forgotten. It costs a look at each of them, so it is done
        only where it may matter.
        """
        index = self._node.index
        again = index.losses.living_on(name, before)
        waiting = index.losses.among(name, [loss.path for loss in before])
        wait = {loss.path for loss in waiting}
        gone = list[Amount]()
        for loss in before:
            if loss.path not in wait and loss.path not in again:
                gone.append(_gone(loss, index.places.get(name, loss.path)))
        window.forget(again)
        return [loss for loss in waiting if loss.path not in again], gone

    def _tell(self, name: ManifestName) -> None:
        label = self._node.label_of(name.owner)
        confirm = f"confirm {typable(label, short_id(name.owner))}"
        once = f", once, on any device but {label}" if hearers(self._node, name.owner) else ""
        text = f"{label}: {self.held.words(name)}, until that is confirmed{once}; if it was not"
        text += f" meant nothing has to be done; if it was: {confirm}"
        self._node.tell("losses_held", text, level="warning", subject=label, command=confirm)

    # -- what is in the way ------------------------------------------------------------------------
    def _clear_way(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """Put aside what is held where its owner wants something new."""
        lot, index = self.held.lot(name), self._node.index
        if lot is None:
            return
        blocking = set[bytes]()
        for path in paths:
            above = [folder for folder in folders_above(path) if folder in lot.sizes]
            if not above and path not in lot.sizes and path not in lot.folders:
                continue
            record = index.manifests.get(name, path)
            if record is None:
                continue
            blocking.update(above)
            if record.kind is Kind.FOLDER:
                blocking.update({path} & lot.sizes.keys())
            elif path in lot.folders:
                inside = index.places.all_paths(name, path)
                blocking.update(lot.sizes.keys() & set(inside))
        if blocking:
            self._put_aside(name, sorted(blocking))

    def _put_aside(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Have held files put aside: stand there as nothing that anybody expects."""
        rows = [self._node.index.places.get(name, path) for path in paths]
        unknown = [_unexpected(row) for row in rows if row is not None]
        self._node.index.places.put(name, unknown)
        self._look_again(name, self.held.release(name, paths))
        label, layout = self._node.label_of(name.owner), self._node.layout
        names = names_of([set_off(str(layout.path_of(Spot(name, path)))) for path in paths])
        text = f"{names} stayed here although {label} deleted or replaced it, and {label} shares"
        text += " something new in that place: what stayed goes to “Put aside”, and stays there"
        self._node.tell("held_put_aside", text, level="warning", subject=label)

    def _look_again(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """Something else is held now: decide about these, and about folders that may go."""
        for spot in [*(Spot(name, path) for path in paths), *self.held.settle()]:
            self._listener.look_again(spot)


def _for_all(node: Node, name: ManifestName) -> str:
    """Say for whom what was confirmed here counts."""
    head, label = node.index.manifests.head(name), set_off(node.label_of(name.owner))
    upto = f"up to change {head.seq:,} of its folder" if head is not None else "until now"
    return (
        f"It counts for the others, too: what they hold of {label}, {upto}, goes to their trash"
        " when they hear of it."
    )


def _gone(loss: Loss, row: PlaceRow | None) -> Amount:
    """Return what went with a loss, of what is not counted among what stands."""
    if row is None or row.kind is not Kind.FILE:
        return Amount(1, 0, loss.size)
    return Amount(0, 0, loss.size - row.size)


def _unexpected(row: PlaceRow) -> PlaceRow:
    """Return the row of a file that nobody expects: whoever places there puts it aside."""
    return PlaceRow(row.path, Kind.FILE, bytes(HASH_BYTES), row.size, 0, 0, 0, executable=False)
