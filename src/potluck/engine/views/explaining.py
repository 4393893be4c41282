"""Explaining: what is known of one path, and why it is not in sync.

Strategy: `why` asks every function of the tables (why_here.py, why_lists.py, why_lacking.py,
why_own.py) what it sees of a path and puts it together; a new reason is one entry there. `info`
sums up the list's records and says of each other device what is known of its copy
(core/content/receipts.py). Both are answered for any text that somebody may type.

Guarantees: nothing is changed. A path is in sync only if nothing is open for it, nothing of it is
skipped, and its owner's list names it. Nothing is said to be safe to remove of which somebody else
is not known to have it now. Limits: what a person did a moment ago, and no look has found yet, is
not known; of a folder it is not said what stands in it that its owner's list does not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from potluck.core import limits
from potluck.core.content.facts import NOTHING, ManifestName, PlaceRow, Spot
from potluck.core.content.knowledge import CopyKnown, DeviceKnown, ManifestKnown
from potluck.core.content.receipts import CopyReceipt, PathKnown, is_safe, receipt
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import set_off
from potluck.engine.node import legible
from potluck.engine.others.skipping import is_skipped
from potluck.engine.views.asked_path import AskedPath, Below, asked_path, below
from potluck.engine.views.path_values import (
    ROOT_DIGITS,
    CopyCount,
    CopyView,
    InfoView,
    WhyView,
)
from potluck.engine.views.reasons import (
    REASONS_MAX,
    Reason,
    ReasonKind,
    WhyParts,
    gathered,
    reason_view,
)
from potluck.engine.views.unlisted_files import unlisted_info
from potluck.engine.views.unread_files import (
    MAYBE_NEWER,
    MAYBE_NEWER_IN_IT,
    UnreadPaths,
    unread_paths,
)
from potluck.engine.views.unshared import Unshared, why_unshared
from potluck.engine.views.why_here import HERE
from potluck.engine.views.why_lacking import lacking_reasons
from potluck.engine.views.why_lists import LISTS
from potluck.engine.views.why_own import OWN

TWO_MACHINES: Final = "two machines run with the identity of its owner, so nothing is known"
TWO_LIVES: Final = "others hold files of this device that it does not remember, so nothing is known"
ANOTHER_STATE: Final = "its owner goes on from an older state of its folder, so nothing is known"
"""Then two lists are told of under the same numbers."""
SKIPS: Final = {ReasonKind.SKIPPED, ReasonKind.RECEIVER_SKIPS}
SKIPPED_WORDS: Final = "nothing is waited for, but not all of it is here: some is skipped"
SKIPPED_THERE: Final = "nothing is waited for, but it is not on every device: some is skipped there"


class Explaining:
    """Answers questions about paths."""

    def __init__(self, parts: WhyParts) -> None:
        """Look at these."""
        self._parts = parts

    def __repr__(self) -> str:
        """Return for whom it explains."""
        return f"<Explaining {self._parts.node.own_label}>"

    # -- why ---------------------------------------------------------------------------------------
    def why(self, text: str) -> WhyView:
        """Return why a path, or what is below it, is not in sync; "" is everything."""
        node = self._parts.node
        asked = asked_path(node, text)
        reasons = self._reasons(asked)
        still_open = [one for one in reasons if one.open]
        known = self._is_known(asked) or any(_tells_of(one, asked) for one in still_open)
        state = "in_sync"
        if still_open:
            state = "trouble" if any(one.wrong for one in still_open) else "busy"
        views = [reason_view(one, node.now) for one in reasons[:REASONS_MAX]]
        more = len(reasons) - len(views)
        in_sync = known and not still_open
        skipped = SKIPS.intersection(one.kind for one in reasons)
        words = self._in_sync_words(asked) if in_sync else ""
        if in_sync and skipped:
            in_sync = False
            words = SKIPPED_WORDS if ReasonKind.SKIPPED in skipped else SKIPPED_THERE
        if in_sync and asked.name is not None and self._unlisted(asked) is not None:
            in_sync = False
            owner = set_off(node.label_of(asked.name.owner))
            words = f"it stands here, and the list of {owner} does not name it; it is kept"
        unshared = Unshared() if known else why_unshared(self._parts, asked)
        text, command = legible(unshared.text), unshared.command
        path = legible(asked.text)
        return WhyView(path, known, in_sync, state, words, views, more, text, command)

    def _reasons(self, asked: AskedPath) -> list[Reason]:
        """Return all that is seen, what is open first."""
        parts = self._parts
        found = [one for look in HERE for one in look(parts, asked)]
        found += lacking_reasons(parts, asked)
        found += [one for look in (*LISTS, *OWN) for one in look(parts, asked)]
        lacking = {one.path for one in found if one.open and one.kind is not ReasonKind.PLACING}
        found = [
            one for one in found if one.kind is not ReasonKind.PLACING or one.path not in lacking
        ]
        return sorted(gathered(found), key=lambda one: (not one.open, not one.wrong))

    def _is_known(self, asked: AskedPath) -> bool:
        """Say whether there is such a path, or was found one that is not shared."""
        if not asked.text or (asked.name is not None and not asked.inner):
            return True
        if asked.name is None:
            return False
        index = self._parts.node.index
        if below(index, asked.name, asked.inner).meant != NOTHING:
            return True
        return index.places.get(asked.name, asked.inner) is not None

    def _unlisted(self, asked: AskedPath) -> PlaceRow | None:
        """Return what stands at a path of somebody else whose list does not name it."""
        spot, node = asked.spot, self._parts.node
        if spot is None or spot.manifest == node.own_manifest:
            return None
        return None if node.index.manifests.get(*spot) else node.index.places.get(*spot)

    def _in_sync_words(self, asked: AskedPath) -> str:
        """Say what it means that nothing is open."""
        node = self._parts.node
        heard = "as far as this device has heard"
        if not asked.text:
            return (
                "everything that the others share is here, and everything of this device is told "
                f"to the others and on each that is here, {heard}"
            )
        if asked.name == node.own_manifest:
            return f"it is shared, and on every other device that is here, {heard}"
        owner = node.label_of(asked.name.owner) if asked.name is not None else "its owner"
        return f"it stands here as {owner} shares it, {heard}"

    # -- info --------------------------------------------------------------------------------------
    def info(self, text: str) -> InfoView:
        """Return what is known of a path."""
        parts = self._parts
        asked = asked_path(parts.node, text)
        manifests = {one.name: one for one in parts.picture.manifests()}
        manifest = manifests.get(asked.name) if asked.name is not None else None
        if asked.name is None or manifest is None or manifest.held is None:
            return self._unknown(asked)
        found = below(parts.node.index, asked.name, asked.inner)
        if asked.inner and found.meant == NOTHING:
            row, untold = self._unlisted(asked), self._untold(asked)
            if untold:
                row = parts.publishing.stands(asked.inner)
            return self._unknown(asked) if row is None else unlisted_info(parts, asked, row, untold)
        return self._info(asked, asked.name, manifest, found)

    def _unknown(self, asked: AskedPath) -> InfoView:
        text, command = why_unshared(self._parts, asked)
        path, text = legible(asked.text), legible(text)
        return InfoView(path, known=False, unshared=text, unshared_command=command)

    def _info(
        self, asked: AskedPath, name: ManifestName, manifest: ManifestKnown, found: Below
    ) -> InfoView:
        parts, top = self._parts, found.top
        receipts = self._receipts(manifest, found, parts.picture.devices())
        is_file = top is not None and top.kind is Kind.FILE
        is_unread = asked.name == parts.node.own_manifest
        is_unread = is_unread and unread_paths(parts).has(asked, is_file=is_file)
        stood = self._is_here(asked, name, found)
        here = stood and not is_unread
        settled = not any(one.open and one.kind not in OF_OTHERS for one in self._reasons(asked))
        settled = settled and found.counted and not is_unread
        safe, why = is_safe(receipts, here=stood, settled=settled)
        newer = _UNREAD_WORDS[is_file] if is_unread else ""
        mtime_ns, root = None, ""
        if top is not None and is_file:
            mtime_ns, root = top.mtime_ns, top.root.hex()[:ROOT_DIGITS]
        return InfoView(
            path=legible(asked.text),
            known=True,
            kind=Kind.FILE.value if is_file else Kind.FOLDER.value,
            owner=parts.node.label_of(name.owner),
            mine=name == parts.node.own_manifest,
            files=found.amount.files,
            folders=found.amount.folders,
            size=min(found.amount.size_bytes, limits.SEQ_MAX),
            counted=found.counted,
            mtime_ns=mtime_ns,
            root=root,
            here=here,
            stands=here or self._stands(name, found, is_unread=is_unread),
            copies=[_copy_view(one) for one in receipts],
            on=sum(one.known is CopyKnown.ALL for one in receipts) + here,
            devices=len(receipts) + 1,
            safe=safe,
            safe_why=why,
            skipped=top is not None and is_skipped(parts.node, Spot(name, top.path)),
            removed=parts.node.index.unwanted.has(name, asked.inner),
            untold=self._untold(asked) or newer,
        )

    def _untold(self, asked: AskedPath) -> str:
        """Return what waits to be told of an own path; "" for nothing."""
        mine = asked.name == self._parts.node.own_manifest
        return self._parts.own_folder.untold.words(asked.inner) if mine else ""

    def _stands(self, name: ManifestName, found: Below, *, is_unread: bool) -> bool | None:
        """Say whether anything of what is not all here stands here, None where nobody knows."""
        node, top = self._parts.node, found.top
        if is_unread or not node.share_present:
            return None
        if top is None or top.kind is not Kind.FILE:
            return True
        if name == node.own_manifest:
            is_untold = top.path in self._parts.publishing.untold[0]
            return is_untold and self._parts.publishing.stands(top.path) is not None
        return node.index.places.get(name, top.path) is not None

    def copies(self, texts: Sequence[str]) -> list[CopyCount | None]:
        """Return on how many devices each of these paths is; None: nobody shares it."""
        manifests = {one.name: one for one in self._parts.picture.manifests()}
        devices = list(self._parts.picture.devices())
        unread = unread_paths(self._parts)
        return [self._copies(text, manifests, devices, unread) for text in texts]

    def _copies(
        self,
        text: str,
        manifests: Mapping[ManifestName, ManifestKnown],
        devices: Sequence[DeviceKnown],
        unread: UnreadPaths,
    ) -> CopyCount | None:
        asked = asked_path(self._parts.node, text)
        manifest = manifests.get(asked.name) if asked.name is not None else None
        if asked.name is None or manifest is None or manifest.held is None:
            return None
        found = below(self._parts.node.index, asked.name, asked.inner)
        if asked.inner and found.meant == NOTHING:
            return None
        if not found.counted:
            return CopyCount(0, 0, "")
        receipts = self._receipts(manifest, found, devices)
        stood = self._is_here(asked, asked.name, found)
        is_file = found.top is not None and found.top.kind is Kind.FILE
        here = stood and not unread.has(asked, is_file=is_file)
        on = sum(one.known is CopyKnown.ALL for one in receipts) + here
        alone = ""
        if stood and on == here:
            only = all(one.known is CopyKnown.LACKS for one in receipts)
            alone = "only" if only else "known"
        return CopyCount(on, len(receipts) + 1, alone)

    def _receipts(
        self, manifest: ManifestKnown, found: Below, devices: Iterable[DeviceKnown]
    ) -> list[CopyReceipt]:
        """Return what is known of each other device's copy."""
        path = PathKnown(found.newest_seq, found.meant, found.counted, found.seqs)
        node, owner = self._parts.node, manifest.name.owner
        why = TWO_MACHINES if owner in node.withheld else ""
        if manifest.forked:
            why = TWO_LIVES if owner == node.me else ANOTHER_STATE
        return [
            _unsure(device, why) if why else receipt(device, manifest, path) for device in devices
        ]

    def _is_here(self, asked: AskedPath, name: ManifestName, found: Below) -> bool:
        """Say whether all of it stands here, as far as this device knows."""
        parts = self._parts
        if not parts.node.share_present or found.lacking or not found.counted:
            return False
        if name == parts.node.own_manifest:
            own = parts.own_folder
            lacks = own.absent.lacks_below(asked.inner) or own.untold.lacks_below(asked.inner)
            return not lacks
        waiting = parts.replica_check.missing.absent().get(name, NOTHING)
        return waiting == NOTHING


_UNREAD_WORDS: Final = {True: MAYBE_NEWER, False: MAYBE_NEWER_IN_IT}  # of a file, of a folder

OF_OTHERS = {
    ReasonKind.RECEIVER_AWAY, ReasonKind.RECEIVER_LACKS, ReasonKind.RECEIVER_SILENT,
    ReasonKind.RECEIVER_SKIPS,
}  # fmt: skip
"""What is open elsewhere: it says nothing of whether something newer is known here."""


SAID_OF_ALL = {ReasonKind.GROUP, ReasonKind.OFFLINE}
"""What is said of any path that somebody asks about."""


def _tells_of(one: Reason, asked: AskedPath) -> bool:
    """Say whether a reason is about a path itself, so that there is, or may be, such a thing."""
    return one.kind not in SAID_OF_ALL and asked.concerns(one.path)


def _unsure(device: DeviceKnown, why: str) -> CopyReceipt:
    return CopyReceipt(device.label, CopyKnown.UNKNOWN, why)


def _copy_view(one: CopyReceipt) -> CopyView:
    last_word = one.last_word.value if one.known is CopyKnown.AWAY else ""
    return CopyView(one.label, one.known.value, last_word, one.why)
