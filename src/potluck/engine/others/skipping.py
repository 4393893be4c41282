"""Skipping: what of other people's folders this device does not want, as a person says.

Strategy: a pattern that begins with the name of a device counts for that device's folder, and goes
on counting when it gets another name; any other one counts in everybody's. The list is in the index
(index/skip_list.py), where each need that a pattern fits is marked; here it is changed, by `skip`
and `get`, and all that lacks is decided about anew (decisions.py leaves alone what is skipped).

Guarantees: what is skipped still lacks: it is never counted as here, and nothing that stands here
goes because of a pattern. The own folder is never skipped. Limits: SKIPS_MAX entries; of very much
that lacks, judging it all takes its time, once for each `skip` or `get`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from potluck.core.content.facts import NOTHING, Amount, ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.skip_rules import EVERYTHING, skip_rules, why_no_pattern
from potluck.core.errors import NotFound, Refused, UnsafePath, UsageError
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import listed, of_amount, set_off
from potluck.engine.index.skip_list import SkipEntry
from potluck.engine.node import Node

SKIPS_MAX: Final = 200
"""Patterns, and paths that are wanted all the same; each is compared with every path that lacks."""
SKIP_CHARACTERS: Final = 1000  # of one pattern


class SkippingListener(Protocol):
    """Hears that something else is wanted here."""

    def on_skips_changed(self) -> None:
        """Decide about all that lacks anew, and tell the others."""


class Skipping:
    """The list, as people change it."""

    def __init__(self, node: Node, listener: SkippingListener) -> None:
        """Skip what the index says."""
        self._node, self._listener = node, listener
        self._list = node.index.skip_list

    def __repr__(self) -> str:
        """Return how much is named."""
        return f"<Skipping: {len(self._list.patterns)} patterns>"

    # -- what a person says ------------------------------------------------------------------------
    def skip(self, texts: Sequence[str]) -> str:
        """Skip what these patterns fit; return what follows. Raises PotluckError."""
        if not texts:
            return self._told()
        added = [self._entry(text) for text in texts]
        patterns = list(dict.fromkeys([*self._list.patterns, *added]))
        wanted = [one for one in self._list.wanted if not any(_covers(new, one) for new in added)]
        if len(patterns) + len(wanted) > SKIPS_MAX:
            raise Refused(
                f"There are more than {SKIPS_MAX} patterns.",
                "each of them is compared with every file",
                "skip",
            )
        self._set(patterns, wanted)
        names = listed(set_off(self._shown(one)) for one in dict.fromkeys(added))
        return (
            f"Not fetched from now on: {names}. {self._lacking_words()} What is here of it stays"
            " until it is deleted here, and does not come back then."
        )

    def get(self, texts: Sequence[str]) -> str:
        """Skip no more what these name, patterns or paths; return what follows; raises."""
        patterns, wanted = self._list.patterns, self._list.wanted
        for text in texts:
            entry = self._entry(text)
            if entry in patterns:
                patterns.remove(entry)
            else:
                wanted.append(self._path(text))
        if len(patterns) + len(wanted) > SKIPS_MAX:
            raise Refused(f"There are more than {SKIPS_MAX} patterns.", "", "skip")
        if not patterns:
            wanted = []
        self._set(patterns, list(dict.fromkeys(wanted)))
        names = listed(set_off(text) for text in texts)
        return f"Fetched again, as far as it is not here: {names}. {self._lacking_words()}"

    def _set(self, patterns: list[SkipEntry], wanted: list[SkipEntry]) -> None:
        self._list.set(patterns, wanted)
        for name in self._others():
            self._node.index.needs.judge_skips(name)
        self._listener.on_skips_changed()

    def _others(self) -> list[ManifestName]:
        names = {ManifestName.of(head) for head in self._node.index.manifests.heads()}
        return sorted(names - {self._node.own_manifest})

    # -- what a text means -------------------------------------------------------------------------
    def _entry(self, text: str) -> SkipEntry:
        """Return the pattern that a person means; raises PotluckError."""
        head, slash, rest = text.strip().removeprefix("./").lstrip("/").partition("/")
        name, entry = self._owner(head), SkipEntry(b"", f"{head}{slash}")
        if name is not None:
            entry = SkipEntry(name.owner, f"{EVERYTHING}{rest}")
        elif rest and head == "*":
            entry = SkipEntry(b"", f"/{rest}")
        elif rest and head == "**":
            entry = SkipEntry(b"", f"**/{rest}")
        elif rest:
            raise NotFound(
                f"No device is called {set_off(head)}.",
                "a pattern with a folder in it begins with a device's name, * or **",
                "ls",
            )
        why = why_no_pattern(entry.text)
        if len(text) > SKIP_CHARACTERS:
            why = "it is too long"
        if why:
            raise UsageError(f"{set_off(text)} is no pattern.", why, "skip --help")
        return entry

    def _owner(self, head: str) -> ManifestName | None:
        """Return whose folder is called so; raises Refused if it is the own one."""
        try:
            name = self._node.layout.manifest_at(parse_wire_path(head.encode(errors="replace")))
        except UnsafePath:
            return None
        if name == self._node.own_manifest:
            raise Refused(
                f"{set_off(head)} is the folder of this device.",
                "only what others share is fetched; what of mine is shared says .potluckignore",
                "skip --help",
            )
        return name

    def _path(self, text: str) -> SkipEntry:
        """Return a path that is skipped, or has something in it that is; raises NotFound."""
        path = text.strip().removeprefix("./").strip("/")
        try:
            spot = self._node.layout.spot_at(parse_wire_path(path.encode(errors="replace")))
        except UnsafePath:
            spot = None
        if spot is None or not self._node.index.needs.skips_any(*spot):
            raise NotFound(
                f"Nothing is skipped as {set_off(text)}.",
                "no pattern is called so, and no file that lacks here and is skipped",
                "skip",
            )
        return SkipEntry(spot.manifest.owner, spot.path.decode())

    # -- in words ----------------------------------------------------------------------------------
    def _told(self) -> str:
        patterns, wanted = self._list.patterns, self._list.wanted
        if not patterns:
            return "Nothing that others share is skipped here."
        lines = [f"skipped: {set_off(self._shown(one))}" for one in patterns]
        lines += [f"wanted all the same: {set_off(self._shown(one))}" for one in wanted]
        return "\n".join([*lines, self._lacking_words()])

    def _lacking_words(self) -> str:
        needs = self._node.index.needs
        amount = Amount.total(needs.skipped(name) for name in self._others())
        if amount == NOTHING:
            return "Skipped, and so not here: nothing of what is shared now."
        return f"Skipped, and so not here: {of_amount(*amount)} of what is shared now."

    def _shown(self, entry: SkipEntry) -> str:
        return shown_pattern(self._node, entry.owner, entry.text)


def skipped_by(node: Node, spot: Spot, record: FileRecord) -> str | None:
    """Return the pattern by which a record is skipped here, as it is typed; None: it is wanted."""
    if spot.manifest == node.own_manifest:
        return None
    rules = node.index.skip_list.rules_of(spot.manifest)
    pattern = rules.skipped_by(spot.path, is_folder=record.kind is Kind.FOLDER)
    if pattern is None:
        return None
    ours = SkipEntry(spot.manifest.owner, pattern)
    owner = spot.manifest.owner if ours in node.index.skip_list.patterns else b""
    return shown_pattern(node, owner, pattern)


def is_skipped(node: Node, spot: Spot) -> bool:
    """Say whether what is shared at a spot is skipped here."""
    record = node.index.manifests.get(*spot)
    return record is not None and skipped_by(node, spot, record) is not None


def shown_pattern(node: Node, owner: bytes, text: str) -> str:
    """Return a pattern, or a path, of an owner's folder as a person types it."""
    if owner:
        return f"{node.layout.name_of(DeviceId(owner))}/{text.removeprefix('/')}"
    return f"*{text}" if text.startswith("/") else text


def _covers(pattern: SkipEntry, path: SkipEntry) -> bool:
    """Say whether a new pattern takes back that a path is wanted."""
    if pattern.owner not in {b"", path.owner}:
        return False
    rules = skip_rules([pattern.text], [])
    found = (rules.skipped_by(path.text.encode(), is_folder=kind) for kind in (True, False))
    return any(one is not None for one in found)
