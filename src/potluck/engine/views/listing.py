"""The listing of shared files as faces ask for it: page by page, or a folder and what is in it.

Strategy: nothing is kept between two questions. Each says where it goes on, and looks at a bounded
number of rows, so that a listing of any length holds the loop thread for milliseconds at a time. A
folder's answer names what is directly in it; of a folder in there that is too large for one answer
it tells a part, and the next answer the next part under the same name, for the face to add up.
The devices stand at the top, each with what it shares, in the order of their labels; what a whole
device shares is counted already.

Guarantees: nothing is changed. Every device is listed, also one that shares nothing. A face that
goes on until `next` is None has seen each path that stands during that time once, and its sums are
those of exactly these paths. While the share is offline nothing is said to be here, nor is an own
file that a mount hides, or that is in question, or whose change waits to be told
(engine/own/untold_paths.py). Limits: what changes meanwhile is seen or not. An owner that announces
a file in a place that needs a folder gets both listed.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.wire.catalogue import Folder, Kind
from potluck.engine.index.listings import Amounts, Listed, ListLine, Span
from potluck.engine.node import Node
from potluck.engine.views.values import EntryView, FilesPage, FileView, FolderPage

PAGE_FILES: Final = 1000  # of one answer: 2 ms on the loop thread
FOLDER_ROWS: Final = 4000  # looked at for one answer: 10 ms, most of it inside SQLite
FIRST_LINES: Final = 16  # of a folder: behind each folder in it there may be nothing but its files


class CoveredPaths(Protocol):
    """Whoever knows what of the own folder does not stand here as it is shared."""

    @property
    def amount(self) -> Amount:
        """How much of what is shared that is."""

    @property
    def lacks_any(self) -> bool:
        """Whether that may be something: for many questions, since the amount is summed up."""

    def __contains__(self, path: object) -> bool:
        """Say whether a path is hidden, or in question."""


class Listing:
    """Lists the files of the share."""

    def __init__(self, node: Node, covered: CoveredPaths) -> None:
        """List what is held of the manifests here; nothing that is `covered` is here."""
        self._node, self._walks = node, _Walks(node, covered)

    def page(self, path: str, after: str, limit: int = PAGE_FILES) -> FilesPage:
        """Return the first `limit` paths, above `after`, that are `path` or below it."""
        top, _, inner = path.partition("/")
        begun, _, upto = after.partition("/")
        limit = max(1, min(limit, PAGE_FILES))
        there = self._node.share_present
        files: list[FileView] = []
        for label, name in self._tops():
            if (path and label != top) or label < begun:
                continue
            last = _wire(upto) if label == begun else b""
            for span in _spans(_wire(inner), last):
                found = self._walks.page(name, span, limit - len(files))
                for record, lacking in found:
                    shown = f"{label}/{record.path.decode()}"
                    kind, root = record.kind.value, record.root.hex()
                    here, size = there and not lacking, record.size
                    unwanted = lacking and self._is_unwanted(name, record.path)
                    files.append(FileView(shown, kind, size, label, here, root, unwanted))
                if len(files) == limit:
                    return FilesPage(files, files[-1].path)
        return FilesPage(files, None)

    def folder(self, path: str, after: str, rows: int = FOLDER_ROWS) -> FolderPage:
        """Return what is directly in the folder `path`, going on after `after`."""
        rows = max(1, rows)
        if not path:
            return self._devices()
        label, _, inner = path.partition("/")
        names = [name for top, name in self._tops() if top == label]
        if not names:
            return FolderPage([], None, known=False)
        prefix = _wire(inner)
        above = prefix + b"/" if prefix else b""
        walk = _FolderWalk(self._walks, names[0], above, rows)
        following = walk.run(_wire(after))
        known = not inner or bool(walk.entries or after) or self._stands(names[0], prefix)
        after_it = None if following is None else following.decode()
        entries = [self._marked(names[0], above, one) for one in walk.entries]
        return FolderPage(self._told(entries), after_it, known)

    def _devices(self) -> FolderPage:
        """Return the devices with all that each shares, from counts that the index keeps."""
        index, entries = self._node.index, list[EntryView]()
        for label, name in self._tops():
            every, missing = index.manifests.amount(name), index.needs.missing(name)
            hidden = self._walks.hidden(name)
            here = max(0, every.files - missing.files - hidden.files)
            size = min(every.size_bytes, limits.SEQ_MAX)
            kind = Kind.FOLDER.value
            entries.append(EntryView(label, kind, every.files, every.folders, size, here))
        return FolderPage(self._told(entries), None)

    def _marked(self, name: ManifestName, prefix: bytes, entry: EntryView) -> EntryView:
        """Return an entry with whether it is a file that is not wanted here."""
        if entry.here or entry.kind != Kind.FILE.value:
            return entry
        return replace(entry, unwanted=self._is_unwanted(name, prefix + _wire(entry.name)))

    def _is_unwanted(self, name: ManifestName, path: bytes) -> bool:
        return bool(self._node.index.needs.is_skipped(name, path))

    def _told(self, entries: list[EntryView]) -> list[EntryView]:
        """Return entries as the index counts them; nothing of them is here in an offline share."""
        if self._node.share_present:
            return entries
        return [replace(entry, here=0) for entry in entries]

    def _tops(self) -> list[tuple[str, ManifestName]]:
        """Return every device's folder by its label: the members', and those of held manifests."""
        node = self._node
        members = node.roster.members if node.roster is not None else {}
        held = [ManifestName.of(head) for head in node.index.manifests.heads()]
        names = {ManifestName.own(device) for device in members}
        names.update(name for name in held if name.folder is Folder.OWN)
        return sorted((node.layout.name_of(name.owner), name) for name in names)

    def _stands(self, name: ManifestName, inner: bytes) -> bool:
        """Say whether there is a folder of that path, perhaps with nothing in it."""
        record = self._node.index.manifests.get(name, inner)
        return record is not None and record.kind is Kind.FOLDER


class _Walks:
    """The walks of the index (engine/index/listings.py), where what is covered is not here."""

    def __init__(self, node: Node, covered: CoveredPaths) -> None:
        self._node, self._covered = node, covered

    def hidden(self, name: ManifestName) -> Amount:
        """Return how much of a manifest is covered: own files only are."""
        return self._covered.amount if self._hides(name) else NOTHING

    def _hides(self, name: ManifestName) -> bool:
        return name == self._node.own_manifest and self._covered.lacks_any

    def page(self, name: ManifestName, span: Span, limit: int) -> list[Listed]:
        """Return the first `limit` records of a span, by path."""
        found = self._node.index.listings.page(name, span, limit)
        if not self._hides(name):
            return found
        return [Listed(one, lacking or one.path in self._covered) for one, lacking in found]

    def lines(self, name: ManifestName, span: Span, limit: int) -> list[ListLine]:
        """Return lines of the first `limit` records of a span, by path."""
        found = self._node.index.listings.lines(name, span, limit)
        if not self._hides(name):
            return found
        return [one._replace(here=one.here and one.path not in self._covered) for one in found]

    def amounts(self, name: ManifestName, span: Span, limit: int) -> Amounts:
        """Return the first `limit` records of a span, added up."""
        found = self._node.index.listings.amounts(name, span, limit)
        if not self._hides(name) or not found.here_files:
            return found
        lines = self.lines(name, span, found.rows)
        return found._replace(here_files=sum(one.here and not one.is_folder for one in lines))


class _FolderWalk:
    """One answer about what is directly in a folder of a manifest.

    Where it stopped is told by a path relative to the folder: `a` after that entry, `a/b` within
    the sum of the folder `a`, and `a/` after everything below an `a` that is no folder by itself.
    """

    def __init__(self, walks: _Walks, name: ManifestName, prefix: bytes, rows: int) -> None:
        """Walk below `prefix`, which is empty or ends in a slash; look at `rows` rows at most."""
        self.entries: list[EntryView] = []
        self._walks, self._name, self._prefix, self._rows = walks, name, prefix, rows

    def __repr__(self) -> str:
        return f"<_FolderWalk: {len(self.entries)} entries, {self._rows} rows left>"

    def run(self, after: bytes) -> bytes | None:
        """Walk on after `after` and return where this stopped; None at the end."""
        head, slash, deep = after.partition(b"/")
        if slash and deep:
            stopped = self._add_up(head, after)
            if stopped:
                return stopped
            after = self._behind(head)
        lines = FIRST_LINES
        while self._rows > 0:
            found = self._lines(after, min(lines, self._rows))
            jump = b""
            for line in found:
                self._rows -= 1
                child, slash, _ = line.path[len(self._prefix) :].partition(b"/")
                if slash:  # added up with its folder already, if that is one by itself
                    jump = child + b"/"
                    stopped = b"" if self._is_folder(child) else self._add_up(child, jump)
                else:
                    after = child
                    stopped = self._take(child, line)
                if stopped:
                    return stopped
                if jump:
                    break
            if not found:
                return None
            after = jump or after
            lines = FIRST_LINES if jump else lines * 2
        return after

    def _take(self, child: bytes, line: ListLine) -> bytes:
        """Tell an entry; of a folder also what is in it, as far as that goes."""
        if line.is_folder:
            return self._add_up(child, child + b"/")
        entry = EntryView(child.decode(), Kind.FILE.value, 1, 0, line.size, int(line.here))
        self.entries.append(entry)
        return b""

    def _add_up(self, child: bytes, after: bytes) -> bytes:
        """Tell a folder in here with what is below it; return where this stopped, if it did."""
        span = Span.below(self._prefix + child + b"/", self._prefix + after)
        amounts = self._walks.amounts(self._name, span, max(1, self._rows))
        self.entries.append(_folder_entry(child.decode(), amounts))
        self._rows -= amounts.rows
        return amounts.upto[len(self._prefix) :] if self._rows <= 0 else b""

    def _behind(self, child: bytes) -> bytes:
        """Return where to go on when a folder is added up."""
        return child if self._is_folder(child) else child + b"/"

    def _lines(self, after: bytes, limit: int) -> list[ListLine]:
        every = Span.below(self._prefix, self._prefix + after if after else b"")
        if after.endswith(b"/"):
            every = Span(Span.below(self._prefix + after).end, every.end)
        return self._walks.lines(self._name, every, limit)

    def _is_folder(self, child: bytes) -> bool:
        """Say whether an entry is a folder by itself, not only because something is below it."""
        found = self._walks.lines(self._name, Span.of(self._prefix + child), 1)
        return any(line.is_folder for line in found)


def _folder_entry(name: str, amounts: Amounts) -> EntryView:
    size = min(amounts.size_bytes, limits.SEQ_MAX)
    kind = Kind.FOLDER.value
    return EntryView(name, kind, amounts.files, amounts.folders, size, amounts.here_files)


def _spans(inner: bytes, after: bytes) -> list[Span]:
    """Return the spans that hold a path and what is below it, as far as they are above `after`."""
    if not inner:
        return [Span.below(b"", after)]
    below = Span.below(inner + b"/", after)
    return [below] if after >= inner else [Span.of(inner), below]


def _wire(text: str) -> bytes:
    """Return the bytes of what somebody typed; what no path can hold meets none."""
    return text.encode(errors="replace")
