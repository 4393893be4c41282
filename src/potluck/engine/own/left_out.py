"""What of the own folder is left out by its owner's rules: how much, and what was shared before.

Strategy: a walk names what it leaves out and does not go into it. A scan of everything counts it
for `status`. What a scan lacks because it is left out was shared until now; it is doubtful and then
gone like anything else that is not met twice, and a person is told how much that is. Of any path it
can be asked whether the rules leave it out, and by which line.

Guarantees: a file that is being read when it is left out is not shared; a path is asked about as a
walk does, from the outermost folder down. Limits: a folder that is left out counts as one, whatever
is in it, and a name that is refused anyway does not count. Whether anything stands at a path that
is left out is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from potluck.core.content.facts import PlaceRow
from potluck.core.content.ignore_rules import IGNORE_FILE, deciding_line, parse_rules
from potluck.core.content.paths import SafePath, within
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import plural, set_off
from potluck.engine.node import Node
from potluck.engine.own.ignore_file import counted_rules
from potluck.engine.own.reading import Reading


class IgnoredPaths:
    """What is left out."""

    def __init__(self, node: Node, reading: Reading) -> None:
        """Know of nothing."""
        self._node, self._reading = node, reading
        self.count = 0  # files and folders, when everything was looked at last

    def __repr__(self) -> str:
        """Return how much."""
        return f"<IgnoredPaths: {self.count}>"

    def note(self, ignored: Iterable[SafePath]) -> None:
        """A walk met these: nothing that is read of them counts."""
        if len(self._reading):
            wires = {path.wire for path in ignored}
            self._reading.cancel([p for p in self._reading.paths if within(p.wire, wires)])

    def on_scanned(
        self, ignored: Container[bytes], lacking: Iterable[bytes], doubted: Collection[bytes]
    ) -> None:
        """A scan lacks these of what is shared; some were `doubted` before."""
        before = set(doubted)
        ending = sum(within(path, ignored) for path in lacking if path not in before)
        if not ending:
            return
        subject = f"{self._node.own_label}/{IGNORE_FILE}"
        text = (
            f"not shared any more because of {set_off(subject)}: {plural(ending, 'path')}; for the "
            "others that is a delete like any other"
        )
        self._node.tell("left_out", text, level="warning", subject=subject)


class RuledOut:
    """Which paths of the own folder the rules that count leave out; for many questions at once."""

    def __init__(self, node: Node) -> None:
        """Take the rules as they are now."""
        self.texts = counted_rules(node.index.meta)
        self._rules = [parse_rules(text) for text in self.texts]
        self._folders = {"": False}  # whether each is left out

    def __repr__(self) -> str:
        """Return how many texts count."""
        return f"<RuledOut by {len(self.texts)} texts>"

    def has(self, record: FileRecord | PlaceRow) -> bool:
        """Say whether what is shared at a path is left out, or a folder above it."""
        if not self._rules:
            return False
        path = record.path.decode()
        return self._is_out(path) if record.kind is Kind.FOLDER else self._says(path, folder=False)

    def among(self, records: Iterable[FileRecord]) -> list[FileRecord]:
        """Return those of these that are left out."""
        return [one for one in records if self.has(one)] if self._rules else []

    def words(self, records: Collection[FileRecord]) -> str:
        """Return which line leaves out the first file of these, which are left out, or folder."""
        files = [one.path for one in records if one.kind is Kind.FILE]
        return left_out_words(self.texts, min(files or (one.path for one in records)).decode())

    def _is_out(self, folder: str) -> bool:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._says(folder, folder=True)
        return known

    def _says(self, path: str, *, folder: bool) -> bool:
        above, _, name = path.rpartition("/")
        if self._is_out(above):
            return True
        return any(one.ignores(above, name, is_folder=folder) for one in self._rules)


def left_out_words(rules: Sequence[bytes], inner: str) -> str:
    """Say which line leaves out a path below the own folder, or a folder above it; "" if none."""
    for at, text in enumerate(rules):
        found = parse_rules(text)
        for what, folder, name, is_folder in _steps(inner.split("/")):
            if not found.ignores(folder, name, is_folder=is_folder):
                continue
            number, line = deciding_line(text, folder, name, is_folder=is_folder)
            if at:
                return f"{what} left out by “{line}”, as {IGNORE_FILE} said before the fault"
            return f"{what} left out by {IGNORE_FILE}, line {number}: “{line}”"
    return ""


def _steps(names: Sequence[str]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what a walk asks about on its way to a path: words, folder, name, if it is a folder."""
    for at in range(len(names) - 1):
        inner = "/".join(names[: at + 1])
        yield f"the folder {set_off(inner)} is", "/".join(names[:at]), names[at], True
    above = "/".join(names[:-1])
    yield "it is", above, names[-1], False
    yield "as a folder it is", above, names[-1], True
