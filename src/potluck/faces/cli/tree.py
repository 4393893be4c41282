"""The listing of shared files: a folder, or everything below it, as lines that come as they are
known.

Strategy: the local API tells what is in a folder page by page, and of a large folder in there a
part at a time; a line is written when its entry is whole. Columns are as wide as the rows of the
first answer need, so that a short listing stands straight and a long one need not be known to its
end. Pure: pages in, lines out. Limits: a later row that is wider than the first ones stands out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from potluck.faces.text import columns, count, shown, size

ROWS_AT_ONCE = 100  # of these the widest row says how wide columns are; a screen shows fewer


class _Sum:
    """What was listed so far."""

    def __init__(self) -> None:
        self.files = self.folders = self.size = self.here = 0

    def __repr__(self) -> str:
        return f"_Sum({self.line()})"

    def take(self, files: int, folders: int, size_bytes: int, here: int) -> None:
        self.files += files
        self.folders += folders
        self.size += size_bytes
        self.here += here

    def line(self) -> str:
        """Return "4 files in 2 folders, 6.0 KB, 3 of them here"."""
        words = count(self.files, "file")
        words += f" in {count(self.folders, 'folder')}" if self.folders else ""
        words += f", {size(self.size)}"
        return words if self.here == self.files else f"{words}, {self.here:,} of them here"


def folder_lines(pages: Iterable[dict[str, Any]], *, top: bool) -> Iterator[str]:
    """Yield the lines of `ls`: size, what of it is here, name; folders end in a slash.

    `top`: the entries are the devices, whose folders are nobody's.
    """
    whole = _Sum()
    yield from _straight(_entry_rows(pages, whole, top=top))
    if top and not (whole.files or whole.folders):
        yield "Nothing is shared yet."
    else:
        yield whole.line()


def file_lines(files: Iterable[dict[str, Any]], path: str) -> Iterator[str]:
    """Yield the lines of `ls -r`, or of one file: every file that is `path` or below it."""
    whole = _Sum()
    yield from _straight(_file_rows(files, path, whole))
    yield "Nothing is shared yet." if not (path or whole.files or whole.folders) else whole.line()


Rows = list[list[str]]
"""Size, what is here, name."""


def _entry_rows(pages: Iterable[dict[str, Any]], whole: _Sum, *, top: bool) -> Iterator[Rows]:
    """Yield the rows that each answer completes: parts that follow each other are added up."""
    held: dict[str, Any] | None = None
    for page in pages:
        rows: Rows = []
        for entry in page["entries"]:
            if held is not None and _continues(entry, held):
                sums = {key: held[key] + entry[key] for key in ("files", "folders", "size", "here")}
                held = {**held, **sums}
                continue
            rows += [] if held is None else [_entry_row(held, whole, top=top)]
            held = entry
        if held is not None and page["next"] is None:
            rows.append(_entry_row(held, whole, top=top))
        yield rows


def _continues(entry: dict[str, Any], held: dict[str, Any]) -> bool:
    return bool(entry["name"] == held["name"] and entry["kind"] == held["kind"])


def _entry_row(entry: dict[str, Any], whole: _Sum, *, top: bool) -> list[str]:
    is_folder = entry["kind"] == "folder"
    folders = entry["folders"] + (is_folder and not top)
    whole.take(entry["files"], folders, entry["size"], entry["here"])
    return [size(entry["size"]), _presence(entry), shown(entry["name"]) + "/" * is_folder]


def _file_rows(files: Iterable[dict[str, Any]], path: str, whole: _Sum) -> Iterator[Rows]:
    following = iter(files)
    while some := list(islice(following, ROWS_AT_ONCE)):
        rows: Rows = []
        for entry in some:
            if entry["kind"] == "folder":
                whole.folders += entry["path"] != path
                continue
            whole.take(1, 0, entry["size"], int(entry["here"]))
            alone = entry["path"] == path
            name = entry["path"].rpartition("/")[2] if alone else _below(entry["path"], path)
            rows.append([size(entry["size"]), "" if entry["here"] else "not here yet", shown(name)])
        yield rows


def _below(path: str, top: str) -> str:
    return path[len(top) + 1 :] if top else path


def _presence(entry: dict[str, Any]) -> str:
    number, here = entry["files"], entry["here"]
    if entry["kind"] != "folder":
        return "" if here else "not here yet"
    return count(number, "file") if here == number else f"{here:,} of {count(number, 'file')} here"


def _straight(batches: Iterable[Rows]) -> Iterator[str]:
    """Yield rows as lines; the first ones say how wide the columns are."""
    widths: list[int] = []
    for rows in batches:
        if rows and not widths:
            widths = [max(columns(row[place]) for row in rows) for place in range(2)]
        for *cells, name in rows:
            fitted = [
                cell + " " * (width - columns(cell))
                for cell, width in zip(cells, widths, strict=True)
                if width or cell
            ]
            yield "  " + "  ".join([*fitted, name])
