"""Older words: what a person reads of files of the own folder with another content than is shared.

Strategy: one line for what an older copy brought back and for what came with another disk
(engine/own/older_files.py), each with what ends it. Where a device keeps own files as they were,
since its breaker tripped (engine/others/loss_breaker.py), it is said that it gives the shared ones
only once a person confirms there. Guarantees: `repair` is named only where it can exchange
something. Limits: whether a disk is mounted there is as at the time of the call; so is who keeps
what, and which files those are nobody says.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from heapq import nsmallest
from itertools import takewhile
from typing import Final

from potluck.core.content.facts import Spot
from potluck.core.content.outgoing import OwnerName, coming_words, keep_words
from potluck.core.keys.identity import short_id
from potluck.core.wording import LISTED, TO_TYPE, listed, plural, set_off, typable
from potluck.engine.node import Node
from potluck.engine.own.older_files import OlderFiles
from potluck.engine.troubles import TroubleKind

OLDER_SEEN: Final = (
    "this folder does not go on from where potluck left it: most likely it is an older copy, from a"
    " backup or a snapshot"
)
OLDER_LOOKS: Final = "it is being looked through, and nothing is deleted anywhere for what it lacks"
OLDER_CHOICE: Final = (
    "to have those here again, type: repair – if what is here now is to be, type: confirm"
)
_OTHER: Final = "with another content than I share"
_COMING: Final = "exchanged for that as soon as a device that has it is linked"
_KEPT: Final = (
    f"{_OTHER}, since a disk was mounted there, or went: what I share stays with the others; to"
    " have that here again,"
)
_CONFIRM: Final = "if what is here now is to be shared"
_LACKING: Final = ", and what is not to be seen there is to go everywhere"


def named_files(paths: Collection[bytes]) -> str:
    """Return how many files these are, and the first names."""
    names = [set_off(path.decode()) for path in nsmallest(LISTED, paths)]
    more = len(paths) - len(names)
    some = f"{', '.join(names)} and {more:,} more" if more else listed(names)
    return f"{plural(len(paths), 'file')} ({some})"


def older_words(node: Node, files: OlderFiles, *, found: bool) -> tuple[str, str]:
    """Return what is to be said, and the command that leads on; `found`: an older copy is being
    looked through.
    """
    said, command = list[str](), ""
    if coming := files.of(by_disk=False, wanted=True):
        said, command = _coming_words(node, coming)
    if kept := files.of(by_disk=False, wanted=False):
        earlier = f"{named_files(kept)} with an earlier content than I share"
        said.append(f"{earlier}: the later versions stay with the others; {OLDER_CHOICE}")
        command = "repair"
    if found and not said:
        said.append(f"{OLDER_SEEN}; {OLDER_LOOKS}")
    disks, disks_command = disk_words(node, files)
    if disks:
        said.append(disks)
    return "; ".join(said), command or disks_command


def disk_words(node: Node, files: OlderFiles) -> tuple[str, str]:
    """Return the same of what came with another disk, "" if nothing did."""
    said, command = list[str](), ""
    if coming := files.of(by_disk=True, wanted=True):
        said, command = _coming_words(node, coming)
    if kept := sorted(files.of(by_disk=True, wanted=False)):
        mounted = files.on_disk(kept)
        if mounted:
            back = "unmount that disk"
        else:
            back = f"mount the disk that was there, or {TO_TYPE}repair"
        named = _named(node.own_label, kept)
        then = f"{_CONFIRM}{_LACKING if _covers(node, named) else ''}"
        confirm = f"{TO_TYPE}confirm {typable(named, 'PATH')}"
        said.append(f"{named_files(kept)} {_KEPT} {back} – {then}, {confirm}")
        path = node.layout.path_of(Spot(node.own_manifest, (mounted or kept)[0]))
        command = f"findmnt -T {shlex.quote(f'{node.settings.folder}/Shared/{path}')}"
    return "; ".join(said), command


def keepers_words(node: Node) -> str:
    """Return who is here and keeps own files as they were until a person confirms; "" if nobody."""
    name, roster = node.own_manifest, node.roster
    peers = ((one, node.peers.get(one)) for one in sorted(roster.members if roster else ()))
    held = [
        (set_off(node.label_of(device)), peer.held[name])
        for device, peer in peers
        if peer is not None and peer.link is not None and name in peer.held
    ]
    if not held:
        return ""
    return f"{keep_words(held)}; {coming_words(OwnerName(node.own_label, short_id(node.me)))}"


def _coming_words(node: Node, coming: Collection[bytes]) -> tuple[list[str], str]:
    """Return how these are exchanged, and the command that leads on: none that is typed here where
    another device waits for a person.
    """
    text, keepers = f"{named_files(coming)} {_OTHER}: {_COMING}", keepers_words(node)
    return ([f"{text}; {keepers}"], "") if keepers else ([text], "peers")


def _covers(node: Node, named: str) -> bool:
    """Say whether something that a disk hides, or took along, may be given up with a path."""
    points = node.troubles.of(TroubleKind.COVERED) if named else []
    return any(f"{named}/".startswith(f"{point.subject}/") for point in points)


def _named(label: str, paths: Iterable[bytes]) -> str:
    """Return how a person names these, by the innermost folder that all are in; "" if none is."""
    parts = [path.decode().split("/") for path in paths]
    if len(parts) > 1:
        parts = [one[:-1] for one in parts]
    same = takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))
    names = [each[0] for each in same]
    return "/".join([label, *names]) if names else ""
