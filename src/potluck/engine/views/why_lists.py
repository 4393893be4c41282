"""Why, as far as it is about the lists of other people's files, and what stands of them here.

Strategy: a list that is newer than the one held here comes, or waits, or cannot be followed; each
of these is told for its owner. Then what was not looked at, what is being changed, what is kept
although its owner dropped it, and what cannot be removed. Limits: what is told of a whole folder is
told for a path in it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.knowledge import ManifestKnown
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import listed, of_time
from potluck.engine.others.frozen_heads import STOPPED
from potluck.engine.others.holds import confirm_left
from potluck.engine.others.pursuit import NEVER, Pursuit
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import Reason, ReasonKind, WhyParts

SPOTS_MAX: Final = 2000  # that are looked at for one answer, of those that wait in memory


def absence_words(parts: WhyParts, owner: DeviceId) -> str:
    """Return that an owner is away, and for how long if that is known; "" if it is linked."""
    node, peer = parts.node, parts.node.peers.get(owner)
    label = node.label_of(owner)
    if peer is not None and peer.link is not None:
        return ""
    if node.roster is not None and owner not in node.roster.members:
        return f"{label} was removed"
    if peer is None or peer.gone_s is None:
        return f"{label} was not here since potluck was started"
    return f"{label} is away (for {of_time(node.now - peer.gone_s)})"


def _lists(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """A newer list is known of and is not here yet."""
    for known in parts.picture.manifests():
        own = known.name.owner == parts.node.me
        if not own and asked.has(known.name) and known.held != known.heard:
            yield _list(parts, known)


def _list(parts: WhyParts, known: ManifestKnown) -> Reason:
    """Say why the newest list of an owner is not here."""
    node, name = parts.node, known.name
    top, label = str(node.layout.top_of(name)), node.label_of(name.owner)
    pursuit, newest = parts.following.pursuits.get(name), f"the newest list of {label}"
    if pursuit is not None and pursuit.state in STOPPED:
        text = f"the lists of {label} are not followed any more: see status"
        return Reason(ReasonKind.FROZEN, top, text, command="status", wrong=True)
    if pursuit is None or pursuit.newest is None:
        text = f"{label} was removed, and nobody told this device of its last list"
        return Reason(ReasonKind.REMOVED, top, text, wrong=True)
    if pursuit.request is not None:
        source = node.label_of(pursuit.request.source)
        return Reason(ReasonKind.LIST, top, f"{source} is asked for {newest}")
    if pursuit.stop is not None:
        text = f"{newest} comes from {node.label_of(pursuit.stop.source)}, in turn with others"
        return Reason(ReasonKind.LIST, top, text)
    return _unasked(parts, pursuit, name, newest)


def _unasked(parts: WhyParts, pursuit: Pursuit, name: ManifestName, newest: str) -> Reason:
    """Say why nobody is asked for a list just now."""
    node, top = parts.node, str(parts.node.layout.top_of(name))
    told = [one for one in node.linked() if node.peers[one].heads.get(name, (0, 0)) >= pursuit.goal]
    if not told:
        away = absence_words(parts, name.owner)
        text = f"nobody who is here has {newest}" + (f"; {away}" if away else "")
        return Reason(ReasonKind.LIST_WAITS, top, text)
    rests = {one: pursuit.failures.get(one, NEVER).until_s for one in told}
    if min(rests.values()) > node.now:
        labels = listed(map(node.label_of, told))
        text = f"{labels} could not bring {newest}"
        return Reason(ReasonKind.LIST_WAITS, top, text, next_s=min(rests.values()))
    return Reason(ReasonKind.LIST_WAITS, top, f"{newest} waits for its turn")


def _unseen(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """What stands here of somebody was not looked at since the start, or an offline share."""
    for name in sorted(parts.progress.unseen):
        if asked.has(name):
            label = parts.node.label_of(name.owner)
            since = "since potluck was started, or since the folder of this device was away"
            text = f"what is here of {label} was not looked at yet {since}"
            yield Reason(ReasonKind.UNSEEN, str(parts.node.layout.top_of(name)), text)


def _absent(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """What was not found here is looked for once more."""
    missing = parts.replica_check.missing
    for spot in islice(missing.waiting(), SPOTS_MAX):
        if asked.holds(spot):
            text = "not found here: it is looked for once more before that counts"
            path = str(parts.node.layout.path_of(spot))
            yield Reason(ReasonKind.ABSENT, path, text, next_s=missing.deadline())


def _changing(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """Something is being decided about, put in its place, or taken away."""
    node, receiving, commits = parts.node, parts.receiving, parts.commits
    if commits.settling:
        text = "what an end without leave left half done is being found out"
        yield Reason(ReasonKind.PLACING, asked.text, text)
    for name, _ in receiving.catching_up:
        if asked.has(name):
            text = f"what is here of {node.label_of(name.owner)} is being compared with its list"
            yield Reason(ReasonKind.PLACING, str(node.layout.top_of(name)), text)
    changing = dict.fromkeys([*islice(receiving.pending, SPOTS_MAX), *commits.spots()[:SPOTS_MAX]])
    for spot in changing:
        if asked.holds(spot):
            text = "it is being put in its place, or taken away"
            yield Reason(ReasonKind.PLACING, str(node.layout.path_of(spot)), text)


def _unremoved(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """What its owner dropped cannot be removed here."""
    node, setbacks = parts.node, parts.receiving.setbacks
    for spot in islice(setbacks.failing_spots(), SPOTS_MAX):
        if asked.holds(spot) and node.index.manifests.get(*spot) is None:
            reason = blocked(parts, spot)
            if reason is not None:
                yield reason


def blocked(parts: WhyParts, spot: Spot) -> Reason | None:
    """Return what is in the way of a spot, None if nothing is known to be."""
    found, path = parts.receiving.setbacks.failing(spot), str(parts.node.layout.path_of(spot))
    if found is None:
        return None
    failing, since_s = found
    rest = (since_s, failing.due_s, failing.command)
    return Reason(ReasonKind.BLOCKED, path, failing.reason, *rest, wrong=True)


def _kept(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """The asked file stands here, is in nobody's list, and does not go."""
    spot, index = asked.spot, parts.node.index
    if spot is None or spot.manifest == parts.node.own_manifest:
        return
    if index.places.get(*spot) is None or index.manifests.get(*spot) is not None:
        return
    if parts.receiving.held.has(spot):  # its owner deleted it: the register says so
        return
    if not parts.receiving.leaves(spot) and not parts.replica_check.hidden.may_hide(spot):
        label = parts.node.label_of(spot.manifest.owner)
        text = f"{label} went on without it: it is kept here, and {label} does not share it"
        held = parts.receiving.holds.has(spot)
        step = confirm_left(parts.node, spot) if held else ""
        yield Reason(ReasonKind.HELD, asked.text, text, command=step, open=False)


LISTS: tuple[Callable[[WhyParts, AskedPath], Iterator[Reason]], ...] = (
    _lists, _unseen, _absent, _changing, _unremoved, _kept,
)  # fmt: skip
"""Each says what it sees."""
