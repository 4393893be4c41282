"""The neighbourhood as faces see it: the ring, the devices of the group, the door, groups near by.

Strategy: read from the parts that hold control links, beliefs and the way in; nothing is kept here.
Guarantees: nothing is changed; words of strangers are shown without what moves a cursor. Limits: at
most LIST_MAX groups near by, for anybody can invent some.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount
from potluck.core.content.knowledge import DeviceKnown, Knowledge, OwnWork, Standing, standing
from potluck.core.content.last_words import at_most
from potluck.core.content.only_there import only_on_each
from potluck.core.group.founding import FoundGroup, left_alone_s
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.ring.ring import Ring
from potluck.core.wire.catalogue import MemberRecord
from potluck.engine.group.admission_policy import AdmissionPolicy, is_only_heard
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.request_ends import bar_of
from potluck.engine.group.request_list import Request, Side
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node, Peer, legible
from potluck.engine.ring.circle import Circle, number_in
from potluck.engine.ring.discovery import Discovery
from potluck.engine.views.values import (
    DeliveryView,
    DeviceView,
    FormerView,
    FoundView,
    InviteView,
    RequestView,
    RingView,
)
from potluck.engine.views.waiting_for import WaitingFor, waiting_for

MOVING_S = 10.0  # after something came somewhere: more is on its way
LIST_MAX = 200  # of anything a stranger, or an owner of 100,000 odd names, can make long


class Neighbourhood:
    """Looks at the devices round this one."""

    def __init__(
        self,
        node: Node,
        circle: Circle,
        discovery: Discovery,
        admission_policy: AdmissionPolicy,
        requests: Requests,
        invitations: Invitations,
    ) -> None:
        """Look at these parts."""
        self._invitations = invitations
        self._node, self._circle, self._discovery = node, circle, discovery
        self._admission_policy, self._requests = admission_policy, requests

    @property
    def waits(self) -> bool:
        """Whether a group is near and a person has to say whether to join it."""
        return self._admission_policy.waits_for_person

    def waiting_for(self) -> WaitingFor:
        """Return what is waited for then."""
        return waiting_for(
            self.found(), heard=is_only_heard(self._admission_policy, self._node.now)
        )

    def is_here(self, device: DeviceId) -> bool:
        """Say whether there is a link to a device, and nobody takes it for gone.

        The link of a process that is frozen stands for minutes.
        """
        peer = self._node.peers.get(device)
        linked = peer is not None and peer.link is not None
        return linked and not self._circle.gone(device)

    def group(self) -> dict[str, str] | None:
        """Return the group this device is in."""
        roster = self._node.roster
        if roster is None:
            return None
        return {"id": short_id(roster.group), "name": roster.name}

    def place(self) -> dict[str, object] | None:
        """Return where this device stands in the ring; None if it is not in it."""
        ring, number = self._ring, number_in(self._ring, self._node.me)
        nodes = ring.nodes()
        if number is None:
            return None
        last, following = nodes[number - 1], nodes[(number + 1) % len(nodes)]
        return {
            "number": number,
            "of": len(nodes),
            "last": self._label(last),
            "next": self._label(following),
            "digest": ring.digest.hex(),
        }

    def ring(self) -> list[RingView]:
        """Return every node of the ring, in its order."""
        return [
            RingView(number, short_id(node.device), self._label(node), node.seat, node.status.value)
            for number, node in enumerate(self._ring.nodes())
        ]

    def devices(self, knowledge: Knowledge) -> list[DeviceView]:
        """Return every device of the group, and what is known to stand on it."""
        if self._node.roster is None:
            return []
        whole = knowledge.whole()
        missing = at_most(Amount.total([knowledge.missing(), knowledge.untold]), whole)
        # nobody looks at what stands in place of a share, and what the index has may be gone
        doubts = {OwnWork.UNSEEN, OwnWork.DOUBTED}.intersection(knowledge.own_work)
        looked = not (knowledge.incoming.unseen or doubts)
        skips = Amount.total(one.skipped for one in knowledge.manifests)
        no_room = Amount.total(one.no_room for one in knowledge.manifests)
        mine = Standing(looked, whole.less(missing), missing, missing, skips, no_room)
        stands = {other.device: standing(knowledge, other) for other in knowledge.devices}
        others = {other.device: other for other in knowledge.devices}
        stands[self._node.me] = mine
        only = only_on_each(knowledge)
        return [
            self._device(one, stands[one], others.get(one), only.get(one, NOTHING))
            for one in sorted(stands)
        ]

    def deliveries(
        self, knowledge: Knowledge, under_way: Mapping[DeviceId, int]
    ) -> list[DeliveryView]:
        """Return everybody else who lacks something, or is not known to have it.

        What a person does not want there it does not lack. Of how much it lacks the
        rest is the most it ever lacked, or the sizes of what is `under_way` to it: part of that may
        have come before this device heard of it. It is no more than there is here, whatever else
        that device says it lacks.
        """
        found, here_bytes = list[DeliveryView](), knowledge.whole().size_bytes
        for other in knowledge.devices:
            stands = standing(knowledge, other)
            wanted = stands.lacks.less(stands.skips)
            if stands.known and wanted == NOTHING:
                continue
            peer = self._node.peers.get(other.device)
            most_bytes = peer.most_lacking_bytes if peer is not None else 0
            need_bytes = bounded(wanted.size_bytes)
            most_bytes = min(max(most_bytes, under_way.get(other.device, 0)), here_bytes)
            whole_bytes = max(bounded(most_bytes), need_bytes)
            found.append(
                DeliveryView(
                    id=short_id(other.device),
                    label=other.label,
                    online=other.here,
                    known=stands.known,
                    need_files=wanted.files,
                    need_folders=wanted.folders,
                    need_bytes=need_bytes,
                    done_bytes=whole_bytes - need_bytes,
                    whole_bytes=whole_bytes,
                    no_room_files=stands.no_room.files,
                    no_room_bytes=bounded(stands.no_room.size_bytes),
                    held_files=bounded(stands.held.files),
                    held_bytes=bounded(stands.held.size_bytes),
                    moves=other.device in under_way or _got_some(peer, self._node.now),
                )
            )
        return found

    def door(self) -> dict[str, object]:
        """Return whether strangers are let in, for how long (None: always), or may not even ask.

        `joins`: a code was typed here and is being tried.
        """
        policy, left_s = self._admission_policy, None
        until_s = policy.door.open_until_s if policy.is_open else None
        if until_s is not None and until_s < math.inf:
            left_s = until_s - self._node.now
        door = policy.door
        return {
            "open": policy.is_open,
            "until_s": left_s,
            "shut": door.shut,
            "joins": door.joins,
        }

    def invite(self) -> InviteView | None:
        """Return how long the code in force counts, and for how many tries; None without one."""
        left_s = self._invitations.left_s
        if left_s is None:
            return None
        return InviteView(max(left_s, 0.0), self._invitations.tries_left)

    def found(self) -> list[FoundView]:
        """Return the groups near by that this device is not a member of."""
        return [self._found(group) for group in self._admission_policy.found[:LIST_MAX]]

    def _found(self, group: FoundGroup) -> FoundView:
        policy = self._admission_policy
        last = self._requests.list.last_end(group.address.host, group.tag)
        ended = last.why if last is not None else ""
        name, label = policy.names.of(group)
        return FoundView(
            name=legible(name),
            label=legible(label),
            address=f"{group.address.host}:{group.address.port}",
            members=group.members,
            open=group.open,
            joins=policy.who_joins(group),
            group=short_id(group.tag),
            rests_s=_finite(left_alone_s(policy.founding, group, self._node.now)),
            ended=ended,
            bar=bar_of(ended),
            asked_here=last is not None and last.side is Side.MEMBER,
        )

    @property
    def asked(self) -> Request | None:
        """The request that a person here has to answer, the oldest of several."""
        return next((one for one in self._requests.list.rows if one.needed), None)

    @property
    def unfinished(self) -> Request | None:
        """The request that waits for the other side, the oldest of several.

        What an open door answers keeps nobody waiting who has company: anybody may begin that.
        """
        lonely = self._admission_policy.lonely
        return next((one for one in self._requests.list.rows if one.here or lonely), None)

    def requests(self) -> list[RequestView]:
        """Return who asks to come in here, and where this device asks."""
        rows = self._requests.list.rows
        return [_request_view(self._node, one, self._requests.list.becomes(one)) for one in rows]

    def tried(self) -> dict[str, object]:
        """Return where others were looked for, and whether devices of another group are heard."""
        discovery, named = self._discovery, self._node.settings.peers
        return {
            "interfaces": list(discovery.interfaces),
            "neighbours": discovery.neighbours,
            "named": [f"{address.host}:{address.port}" for address in named],
            "heard": is_only_heard(self._admission_policy, self._node.now),
        }

    @property
    def _ring(self) -> Ring:
        return self._circle.ring

    def _label(self, record: MemberRecord) -> str:
        return self._node.label_of(DeviceId(record.device))

    def _device(
        self, device: DeviceId, stands: Standing, other: DeviceKnown | None, only: Amount
    ) -> DeviceView:
        node, me = self._node, device == self._node.me
        peer, sighting = node.peers.get(device), node.address_book.known.get(device)
        number, spoke_s = number_in(self._ring, device), None
        taken_back = other is not None and any(one.is_taken_back for one in other.said.values())
        if peer is not None and peer.spoke_s is not None and not taken_back:
            spoke_s = node.now - peer.spoke_s
        away_s = other.away_s if other is not None else None
        offline = other.offline if other is not None else not node.share_present
        return DeviceView(
            id=short_id(device),
            label=node.label_of(device),
            me=me,
            online=me or number is not None,
            node=number,
            address=_shown_address(peer),
            found_by=sighting.found_by if sighting is not None else "",
            known=stands.known,
            spoke_s=spoke_s,
            offline=offline,
            away_s=away_s,
            have_files=stands.has.files,
            need_files=stands.said.files,
            need_folders=stands.said.folders,
            need_bytes=bounded(stands.said.size_bytes),
            skips_files=stands.skips.files,
            skips_folders=stands.skips.folders,
            skips_bytes=bounded(stands.skips.size_bytes),
            no_room_files=stands.no_room.files,
            no_room_bytes=bounded(stands.no_room.size_bytes),
            held_files=bounded(stands.held.files),
            held_bytes=bounded(stands.held.size_bytes),
            only_files=only.files,
            only_bytes=bounded(only.size_bytes),
        )


def former_members(node: Node) -> list[FormerView]:
    """Return who was a member here and is none any more, in the order of labels."""
    roster, found = node.roster, list[FormerView]()
    for device, entry in (roster.former if roster is not None else {}).items():
        assert roster is not None, "somebody was a member of it"
        removals = roster.standing.removals.get(device, [])
        why = "removed" if removals else "void"
        if device in roster.standing.left:
            why = "left"
        by = next((node.label_of(one.by) for one in removals), "")
        by = "" if why == "left" else by
        found.append(FormerView(short_id(device), legible(entry.label), why, legible(by)))
    return sorted(found, key=lambda each: each.label)


def _got_some(peer: Peer | None, now: float) -> bool:
    """Say whether something came to a device a moment ago, as it said."""
    came_s = peer.came_s if peer is not None else None
    return came_s is not None and now - came_s < MOVING_S


def bounded(size_bytes: int) -> int:
    """Return a size, or a sum, as JSON can hold it: others may claim any."""
    return min(size_bytes, limits.SEQ_MAX)


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _request_view(node: Node, one: Request, becomes: str) -> RequestView:
    answer = "needed" if one.needed else "yes"
    if one.open and not one.here:
        answer = "open"
    by = node.label_of(one.teller) if one.teller is not None else ""
    return RequestView(
        id=one.id,
        side=one.side.value,
        name=one.name,
        label=one.label,
        group=one.group,
        address=one.host,
        by=by,
        words=list(one.words),
        answer=answer,
        other="yes" if one.there else "needed",
        left_s=max(one.until_s - node.now, 0.0),
        devices=one.devices,
        becomes=becomes,
    )


def _shown_address(peer: Peer | None) -> str:
    """Return where a device's link comes from, as people write it; "" if that is not known."""
    if peer is None or peer.address is None:
        return ""
    return f"{peer.address.host}:{peer.address.port}"
