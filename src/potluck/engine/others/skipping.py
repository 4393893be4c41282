"""Skipping: what of other people's folders this device does not want, as a person says.

Strategy: a pattern that begins with the name of a device counts for that device's folder, and goes
on counting when it gets another name; any other one counts in everybody's. The list is in the index
(index/skip_list.py), where each need that a pattern fits is marked; here it is changed, by `skip`,
`keep` and `get`, and all that lacks is decided about anew (decisions.py leaves alone what is
skipped). `get` also ends what came of removing a file here (unwanted_files.py).

Guarantees: what is skipped still lacks: it is never counted as here, and nothing that stands here
goes because of a pattern. The own folder is never skipped. Limits: SKIPS_MAX entries; of very much
that lacks, judging it all takes its time, once for each `skip` or `get`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from potluck.core.content.facts import NOTHING, Amount, ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.skip_rules import EVERYTHING, KEEP_MARK, skip_rules, why_no_pattern
from potluck.core.errors import NotFound, Refused, UnsafePath, UsageError
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import listed, of_amount, set_off
from potluck.engine.index.skip_list import SkipEntry
from potluck.engine.node import Node
from potluck.engine.others.path_folders import topmost

SKIPS_MAX: Final = 200
"""Patterns, and paths that are wanted all the same; each is compared with every path that lacks."""
SKIP_CHARACTERS: Final = 1000  # of one pattern
REMOVED_SHOWN: Final = 20  # of what was removed here; of the others the number


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
        added = list(dict.fromkeys(map(self._entry, texts)))
        patterns = [*_without(self._list.patterns, added), *added]
        wanted = [one for one in self._list.wanted if not any(_covers(new, one) for new in added)]
        self._set(patterns, wanted)
        names = listed(set_off(self._shown(one)) for one in added)
        return (
            f"Not fetched from now on: {names}. {self._lacking_words()} What is here of it stays"
            " until it is deleted here, and does not come back then."
        )

    def keep(self, texts: Sequence[str]) -> str:
        """Keep what these patterns fit, though an earlier one skips it; return what follows.

        Raises PotluckError.
        """
        if not texts:
            return self._told()
        added = list(dict.fromkeys(map(self._entry, texts)))
        patterns = _without(self._list.patterns, added)
        if not any(map(_is_to_skip, self._list.patterns)):
            return f"No pattern is skipped here, so all is kept already. {self._lacking_words()}"
        kept = [SkipEntry(one.owner, f"{KEEP_MARK}{one.text}") for one in added]
        self._set([*patterns, *kept], self._list.wanted)
        names = listed(set_off(self._shown(one)) for one in added)
        return f"Kept, though a pattern before skips it: {names}. {self._lacking_words()}"

    def get(self, texts: Sequence[str]) -> str:
        """Skip no more what these name, patterns or paths; return what follows; raises."""
        patterns, wanted = self._list.patterns, self._list.wanted
        paths = list[Spot]()
        for text in texts:
            found = self._path(text)
            try:
                entry = self._entry(text)
            except UsageError:  # a name need not be a pattern
                if found is None:
                    raise
                entry = None
            if found is not None:
                paths.append(found)
            if entry in patterns:
                patterns = [one for one in patterns if one != entry]
            elif found is None:
                raise self._not_skipped(text)
        _check(patterns, [*wanted, *paths])
        for spot in paths:
            self._node.index.unwanted.want(*spot)
        self._set(patterns, wanted)
        self._want_all_the_same(paths)
        names = listed(set_off(text) for text in texts)
        return f"Fetched again, as far as it is not here: {names}. {self._lacking_words()}"

    def _not_skipped(self, text: str) -> NotFound:
        """Return why nothing has to be wanted again."""
        what, spot = f"Nothing is skipped as {set_off(text)}.", self._spot(text)
        is_shared = spot is not None and self._node.index.manifests.get(*spot) is not None
        if spot is not None and is_shared and not is_skipped(self._node, spot):
            why = "it is wanted here already; what was removed counts as that after ten seconds"
            return NotFound(what, f"{why}, so if it was just now, type that once more then", "why")
        why = "no pattern is called so, and no file that lacks here and is skipped"
        return NotFound(what, why, "skip")

    def _spot(self, text: str) -> Spot | None:
        """Return where a text that names a path is, None if it names none."""
        path = text.removeprefix("./").strip("/")
        try:
            return self._node.layout.spot_at(parse_wire_path(path.encode(errors="replace")))
        except UnsafePath:
            return None

    def _want_all_the_same(self, paths: Sequence[Spot]) -> None:
        """These are wanted, whatever the patterns say that are left."""
        skips = self._node.index.needs.skips_any
        more = [
            SkipEntry(spot.manifest.owner, spot.path.decode())
            for spot in paths
            if spot.path and skips(*spot)
        ]
        if more:
            self._set(self._list.patterns, list(dict.fromkeys([*self._list.wanted, *more])))

    def _set(self, patterns: list[SkipEntry], wanted: list[SkipEntry]) -> None:
        _check(patterns, wanted)
        if not any(map(_is_to_skip, patterns)):
            patterns, wanted = [], []
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

    def _path(self, text: str) -> Spot | None:
        """Return a path that is skipped or unwanted, or has something in it that is.

        All of a folder of somebody (of path b"") counts only for what was removed in it.
        """
        path, index = text.removeprefix("./").strip("/"), self._node.index
        try:
            typed = parse_wire_path(path.encode(errors="replace"))
        except UnsafePath:
            return None
        spot, name = self._node.layout.spot_at(typed), self._node.layout.manifest_at(typed)
        if spot is None and name is not None and index.unwanted.first(name, 1):
            return Spot(name, b"")
        return spot if spot is not None and index.needs.skips_any(*spot) else None

    # -- in words ----------------------------------------------------------------------------------
    def _told(self) -> str:
        patterns, wanted, unwanted = self._list.patterns, self._list.wanted, self._unwanted()
        if not patterns and not unwanted:
            return "Nothing that others share is skipped here."
        lines = []
        for one in patterns:
            what = "skipped" if _is_to_skip(one) else "kept all the same"
            lines.append(f"{what}: {set_off(self._shown(one))}")
        lines += [f"wanted all the same: {set_off(self._shown(one))}" for one in wanted]
        paths = [set_off(str(self._node.layout.path_of(spot))) for spot in unwanted]
        lines += [f"removed here: {path}" for path in paths[:REMOVED_SHOWN]]
        lines += [f"removed here: {len(paths) - REMOVED_SHOWN:,} more"] * bool(
            paths[REMOVED_SHOWN:]
        )
        return "\n".join([*lines, self._lacking_words()])

    def _unwanted(self) -> list[Spot]:
        """Return what was removed here, of those who have a folder here; a folder for all in it."""
        index, layout = self._node.index, self._node.layout
        names = filter(layout.has_folder, self._others())
        tops = [(name, topmost(index.unwanted.first(name, -1))) for name in names]
        return [Spot(name, path) for name, paths in tops for path in paths]

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
    """Say whether what is shared at a spot is skipped here, or was removed and is not wanted."""
    record = node.index.manifests.get(*spot)
    marked = node.index.needs.is_skipped(*spot)
    if record is None or marked is not None:
        return bool(marked)
    return skipped_by(node, spot, record) is not None


def unwanted_words(node: Node, spot: Spot, record: FileRecord) -> str | None:
    """Return why what lacks at a spot is not wanted here; None: it is."""
    if not node.index.needs.is_skipped(*spot):
        return None
    if node.index.unwanted.has(*spot):
        return "it was removed here, and is not fetched again"
    pattern = skipped_by(node, spot, record) or "a folder that it is in"
    return f"it is not here as it is shared: {set_off(pattern)} is skipped here"


def shown_pattern(node: Node, owner: bytes, text: str) -> str:
    """Return a pattern, or a path, of an owner's folder as a person types it."""
    text = text.removeprefix(KEEP_MARK)
    if owner:
        return f"{node.layout.name_of(DeviceId(owner))}/{text.removeprefix('/')}"
    return f"*{text}" if text.startswith("/") else text


def _is_to_skip(entry: SkipEntry) -> bool:
    return not entry.text.startswith(KEEP_MARK)


def _without(patterns: Sequence[SkipEntry], added: Sequence[SkipEntry]) -> list[SkipEntry]:
    """Return the list without these patterns, to skip or to keep: the last word counts."""
    both = {*added, *(SkipEntry(one.owner, f"{KEEP_MARK}{one.text}") for one in added)}
    return [one for one in patterns if one not in both]


def _check(patterns: Sequence[SkipEntry], wanted: Sequence[object]) -> None:
    if len(patterns) + len(wanted) > SKIPS_MAX:
        raise Refused(
            f"There are more than {SKIPS_MAX} patterns.",
            "each of them is compared with every file",
            "skip",
        )


def _covers(pattern: SkipEntry, path: SkipEntry) -> bool:
    """Say whether a new pattern takes back that a path is wanted."""
    if pattern.owner not in {b"", path.owner}:
        return False
    rules = skip_rules([pattern.text], [])
    found = (rules.skipped_by(path.text.encode(), is_folder=kind) for kind in (True, False))
    return any(one is not None for one in found)
