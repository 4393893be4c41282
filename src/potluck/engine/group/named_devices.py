"""Named devices: which device a person means by what was typed, and whether this one may do it.

Strategy: a name is a whole label, as it stands, or else by its collision key, so that letters may
differ in their case; or it is the beginning of an id as it is shown, four characters of it at
least. Fewer fit a device by chance that nobody thought of: one letter fits every thirtieth.

What only stewards can do is refused here, too: a steward is who was appointed, and is a member.

Guarantees: a node is read and nothing is changed; a whole label comes before one that only looks
like it. Where a label and an id fit different devices both are returned, so that nobody is taken
for another by a label like an id.
Limits: what has no letters beyond ASCII in it can fit an id; a label may be four of its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from potluck.core.content.paths import collision_key
from potluck.core.errors import Refused, UsageError
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import listed, set_off
from potluck.engine.node import Node, stewards_in
from potluck.engine.withheld import KEEP_HERE

ID_CHARACTERS_MIN = 4  # half of an id as it is shown: by chance one device in a million has them
NO_STEWARD = (
    "the group has none any more: all were removed or have left, so nobody can be removed, renamed "
    "by others or forgotten in it again; who wants that founds a new group"
)
"""Why nobody can do what a steward could."""
PEERS = "peers"  # a command of ours
NO_PLACE = (
    "the group has no room for more words of this device, or another steward's word counts before "
    "this one"
)
_DASH = "-"  # in the middle of an id


def fitting(name: str, named: Mapping[DeviceId, Collection[str]]) -> list[DeviceId]:
    """Return which of these devices a person may mean; `named` says how each is called."""
    labelled = [device for device, labels in named.items() if name in labels]
    if not labelled:
        key = collision_key(name)
        alike = {device: map(collision_key, labels) for device, labels in named.items()}
        labelled = [device for device, keys in alike.items() if key in keys]
    begins = name.upper().replace(_DASH, "")
    if len(begins) < ID_CHARACTERS_MIN:
        return labelled
    ids = {device: short_id(device).replace(_DASH, "") for device in named}
    return labelled + [d for d, each in ids.items() if each.startswith(begins) if d not in labelled]


def called(label: str, device: DeviceId) -> str:
    """Return how a device is called where nobody is to be taken for another."""
    return f"{label} ({short_id(device)})"


def the_one(
    name: str, found: Sequence[DeviceId], label_of: Callable[[DeviceId], str]
) -> DeviceId | None:
    """Return the only one of those that a name fits, None if it fits nobody; raises UsageError."""
    if len(found) > 1:
        names = listed(sorted(called(label_of(each), each) for each in found))
        raise UsageError(f"{set_off(name)} fits several devices.", f"it may be {names}", PEERS)
    return found[0] if found else None


def members_fitting(node: Node, name: str) -> list[DeviceId]:
    """Return which members a person may mean."""
    members = node.roster.members.items() if node.roster is not None else ()
    return fitting(name, {device: (entry.label,) for device, entry in members})


def need_steward(node: Node, what: str) -> None:
    """Raise Refused, which says `what`, unless this device is a steward."""
    stewards = stewards_in(node)
    if not stewards:
        raise Refused(what, NO_STEWARD, "leave")
    if node.me not in stewards:
        names = listed([node.label_of(each) for each in stewards])
        cause = f"this device is none; steward is {names}"
        if any(each not in node.withheld for each in stewards):
            raise Refused(what, cause, "ask there for it")
        raise Refused(
            what,
            f"{cause}, and two machines ran with that identity: the others follow neither of them",
            f"on the one that is to be {names}, if there is one: {KEEP_HERE}\n"
            "if there is none: nobody can do it in this group; who wants that founds a new one",
        )
