"""Frozen heads: the folder of a removed device stays as it was when it was removed.

Strategy: the removal names the last head of its folder that counts (core/group/known_devices.py):
the one that the steward held, or, until a steward spoke, that the device itself named when it left:
that one may be any (engine/group/leavers.py). What it, or an accomplice, says beyond that is not
followed; up to it the others bring each other there, as with the folder of a member that is away.
Whoever had taken a newer one goes back, by the whole list from somebody who has it: what it has
beyond goes to the trash as if its owner had deleted it, so nothing is lost and all have one folder
in the end. Of a device that runs on two machines nothing is followed (engine/withheld.py); that a
member contradicted itself, and in which generation, is in the index until it begins anew: a start
takes it up, and so long nobody is told that this device holds what that member shares.

Guarantees: the one head that is named is reached from any other, also from one of the same number
that contradicts it, so no two statements of the removed device keep anybody away from it. Limits:
while nobody who is linked holds the last head, whoever is beyond it stays where it is. Where a
removal names no head, what stands here stays. While no steward has spoken of one that left, an
accomplice of it can bring heads that it signed since, below the one that it named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import contradicts, newer
from potluck.core.group.statements import LastHead
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Head
from potluck.core.wording import set_off
from potluck.engine.node import Node
from potluck.engine.others import forked_heads
from potluck.engine.others.owner_faults import OwnerFaults
from potluck.engine.others.pursuit import Pursuit, PursuitState
from potluck.engine.others.trash_words import TRASH_DAYS
from potluck.engine.troubles import TroubleKind

STOPPED = {PursuitState.FROZEN, PursuitState.TOO_LARGE}
_FROST = "frost "  # in the index, before the owner in hexadecimal letters: the generation
_GENERATION_BYTES = 8


class Follows(Protocol):
    """Whoever brings manifests up to newer heads."""

    pursuits: dict[ManifestName, Pursuit]


def taken_up(
    following: Follows, node: Node, name: ManifestName, tell: Callable[[Pursuit], None]
) -> Pursuit:
    """Return the pursuit of a manifest that this run hears of for the first time.

    It is frozen, and told to be, if its owner contradicted itself in an earlier run. Who is no
    member is not frozen: of that a removal says what counts.
    """
    pursuit, kept = Pursuit(name), node.index.meta.get(_FROST + name.owner.hex())
    if kept is not None and _is_member(node, name):
        pursuit.on_contradiction(int.from_bytes(kept))
        following.pursuits[name] = pursuit
        tell(pursuit)
    return pursuit


def take_up_frosts(following: Follows, node: Node) -> None:
    """Freeze, at a start, whoever contradicted itself in an earlier run, and tell of it."""
    faults = OwnerFaults(node)
    for owner in node.index.meta.beginning_with(_FROST):
        name = ManifestName.own(DeviceId(bytes.fromhex(owner)))
        if name not in following.pursuits:
            taken_up(following, node, name, faults.tell_frozen)


def is_frozen(node: Node, name: ManifestName) -> bool:
    """Say whether an owner contradicted itself, and has not begun anew: what of its folder stands
    here may be the other one of two contents under one number.
    """
    known = node.index.meta.get(_FROST + name.owner.hex())
    return known is not None and _is_member(node, name)


def keep_frost(node: Node, pursuit: Pursuit) -> None:
    """Have the index know that an owner contradicted itself, over restarts."""
    value = pursuit.frozen_in.to_bytes(_GENERATION_BYTES)
    node.index.meta.set(_FROST + pursuit.name.owner.hex(), value)


def forget_frost(node: Node, name: ManifestName) -> None:
    """An owner began anew, or is no member: the index need not know any more."""
    node.index.meta.remove(_FROST + name.owner.hex())


def counts(node: Node, head: Head) -> bool:
    """Say whether a head may be followed: a member's, or a removed device's up to its last."""
    name = ManifestName.of(head)
    if head.folder is not Folder.OWN:
        return False
    if _is_member(node, name):
        return True
    last = last_head(node, name)
    if last is None:
        return False
    number, its = (head.generation, head.seq), (last.generation, last.seq)
    return number < its or (number == its and head.root == last.root)


def is_strange(node: Node, head: Head) -> bool:
    """Say whether a head is of a device that is no member and never was one, as far as is known."""
    if node.roster is None or head.folder is not Folder.OWN:
        return False
    return head.owner not in node.roster.members and head.owner not in node.roster.former


def leads_on(node: Node, head: Head, known: Head | None) -> bool:
    """Say whether a head is to be followed by who knows this one: newer, or the last of all."""
    name = ManifestName.of(head)
    if node.withheld.withholds(head):
        return False
    if _is_member(node, name) or known is None:
        return forked_heads.follows(head, known)
    if not counts(node, head):
        return False
    last = last_head(node, name)
    return newer(head, known) or (_last_of(head) == last != _last_of(known))


def is_disputed(node: Node, head: Head, known: Iterable[Head | None]) -> bool:
    """Say whether a run of a member contradicts itself; of a removed device its removal says what
    counts, and two runs are a fork (engine/others/forked_heads.py).
    """
    if not _is_member(node, ManifestName.of(head)) or node.withheld.withholds(head):
        return False
    return any(
        other is not None and other.instance == head.instance and contradicts(head, other)
        for other in known
    )


def leads_away(node: Node, head: Head, held: Head | None) -> bool:
    """Say whether a member goes on from another state than the one that is held."""
    if not _is_member(node, ManifestName.of(head)) or node.withheld.withholds(head):
        return False
    return forked_heads.is_forked(head, held)


def serves(node: Node, pursuit: Pursuit, announced: tuple[int, int]) -> bool:
    """Say whether who announced that head of a manifest can lead to the one that is pursued."""
    if _is_member(node, pursuit.name) and pursuit.name.owner != node.me:
        return announced >= pursuit.goal
    return announced == pursuit.goal


def is_news(node: Node, head: Head, held: Head | None, pursuit: Pursuit) -> bool:
    """Say whether a head leads on from what is held, and goes beyond the one that is pursued, or
    nobody has that one any more.
    """
    if not leads_on(node, head, held):
        return False
    if pursuit.newest is None or leads_on(node, head, pursuit.newest):
        return True
    heads = [node.peers[device].heads.get(pursuit.name, (0, 0)) for device in node.linked()]
    return pursuit.waits and not any(serves(node, pursuit, announced) for announced in heads)


def last_head(node: Node, name: ManifestName) -> LastHead | None:
    """Return the head at which the folder of a removed owner stays, if that is known."""
    return node.roster.frozen_at(name.owner) if node.roster is not None else None


def tell_back(node: Node, head: Head) -> None:
    """What came here after the last head that counts goes again."""
    label = node.label_of(ManifestName.of(head).owner)
    text = f"{set_off(label)} was removed: its folder goes back to how it was known to whoever"
    text += f" removed it; what is newer is kept {TRASH_DAYS} days in the trash"
    node.tell("folder_put_back", text, level="warning", subject=label)


def forget_further_heads(following: Follows, node: Node) -> None:
    """The group has other members: what a removed owner says beyond its last head is void."""
    for name, pursuit in list(following.pursuits.items()):
        if _is_member(node, name):
            continue
        beyond = pursuit.newest is not None and not counts(node, pursuit.newest)
        if beyond or pursuit.state in STOPPED:
            node.index.manifests.drop_staged(name)
            del following.pursuits[name]
        forget_frost(node, name)
        forked_heads.clear(node, pursuit)
        for kind in (TroubleKind.FROZEN, TroubleKind.TOO_LARGE):
            node.troubles.clear(kind, node.label_of(name.owner))


def _is_member(node: Node, name: ManifestName) -> bool:
    return node.roster is not None and name.owner in node.roster.members


def _last_of(head: Head) -> LastHead:
    return LastHead(head.generation, head.seq, head.root)
