"""Group news: what people hear when the group has another name, or other stewards.

Strategy: what holds is looked at before and after statements came, and what differs is told by the
notice board, on every member alike, wherever it was typed. Guarantees: told once: what an earlier
run knew is no news, and who is out by these statements hears of that alone. Limits: who signed an
appointment is said, not when; of several steps at once only the last is told.
"""

from __future__ import annotations

from typing import NamedTuple

from potluck.core.group.statements import Appoint
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import listed
from potluck.engine.node import Node, stewards_in


class GroupFacts(NamedTuple):
    """How a group is called, and whose word counts in it."""

    name: str
    stewards: frozenset[DeviceId]


def facts_of(node: Node) -> GroupFacts:
    """Return what holds now."""
    assert node.roster is not None, "the start of the group comes first"
    return GroupFacts(node.roster.name, frozenset(stewards_in(node)))


def tell_news(node: Node, before: GroupFacts) -> None:
    """Tell what is otherwise than before, unless this device is out."""
    roster, now = node.roster, facts_of(node)
    assert roster is not None, "else there are no facts"
    if node.me not in roster.members:
        return
    if now.name != before.name:
        text = f"the group “{before.name}” is called “{now.name}” from now on"
        node.tell("group_renamed", text)
    for device in sorted(now.stewards - before.stewards):
        who = "this device" if device == node.me else node.label_of(device)
        by = _signers(node, device)
        text = f"{who} is a steward now{f', by the word of {by}' if by else ''}"
        node.tell("steward_new", f"{text}: it may remove devices", subject=node.label_of(device))
    for device in sorted((before.stewards - now.stewards) & roster.members.keys()):
        who = "this device" if device == node.me else node.label_of(device)
        node.tell("steward_over", f"{who} is no steward any more", subject=node.label_of(device))


def _signers(node: Node, device: DeviceId) -> str:
    roster = node.roster
    assert roster is not None, "else nobody is a steward"
    by = {
        each.by
        for known, each in roster.acts.items()
        if isinstance(each.act, Appoint) and each.about == device
        if roster.standing.has_word(known, each.by)
    }
    return listed(sorted(node.label_of(each) for each in by))
