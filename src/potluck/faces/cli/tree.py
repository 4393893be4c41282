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
"""Size, what is here, on how many devices if that is asked, name."""


def copied_lines(pages: Iterable[dict[str, Any]], *, top: bool) -> Iterator[str]:
    """Yield the lines of `ls -l`: size, what of it is here, on how many devices it is, name."""
    whole = _Sum()
    rows = ([_entry_row(one, whole, top=top) for one in some] for some in _with_words(pages))
    yield from _straight(rows)
    yield whole.line()


def _with_words(pages: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (
        [{**one, "copies": _copies_words(one)} for one in some] for some in whole_entries(pages)
    )


def _copies_words(entry: dict[str, Any]) -> str:
    """Return "on 3 of 4", and whether this device alone has it, as far as anybody said."""
    if not entry["devices"]:
        return "not known" if entry["files"] or entry["folders"] else ""
    words = f"on {entry['on']} of {entry['devices']}"
    return words + {"only": ", only here", "known": ", known only here"}.get(entry["alone"], "")


def whole_entries(pages: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the entries that each answer completes: parts that follow each other are added up."""
    held: dict[str, Any] | None = None
    for page in pages:
        whole: list[dict[str, Any]] = []
        for entry in page["entries"]:
            if held is not None and _continues(entry, held):
                sums = {key: held[key] + entry[key] for key in ("files", "folders", "size", "here")}
                held = {**held, **sums}
                continue
            whole += [] if held is None else [held]
            held = entry
        if held is not None and page["next"] is None:
            whole.append(held)
        yield whole


def _entry_rows(pages: Iterable[dict[str, Any]], whole: _Sum, *, top: bool) -> Iterator[Rows]:
    for some in whole_entries(pages):
        yield [_entry_row(one, whole, top=top) for one in some]


def _continues(entry: dict[str, Any], held: dict[str, Any]) -> bool:
    return bool(entry["name"] == held["name"] and entry["kind"] == held["kind"])


def _entry_row(entry: dict[str, Any], whole: _Sum, *, top: bool) -> list[str]:
    is_folder = entry["kind"] == "folder"
    folders = entry["folders"] + (is_folder and not top)
    whole.take(entry["files"], folders, entry["size"], entry["here"])
    copies = [entry["copies"]] if "copies" in entry else []
    name = shown(entry["name"]) + "/" * is_folder
    return [size(entry["size"]), _presence(entry), *copies, name]


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
            rows.append([size(entry["size"]), _file_presence(entry), shown(name)])
        yield rows


def _below(path: str, top: str) -> str:
    return path[len(top) + 1 :] if top else path


def _file_presence(entry: dict[str, Any]) -> str:
    missing = "not wanted" if entry.get("unwanted") else "not here"
    return "" if entry["here"] else missing


def _presence(entry: dict[str, Any]) -> str:
    number, here = entry["files"], entry["here"]
    if entry["kind"] != "folder":
        return _file_presence(entry)
    return count(number, "file") if here == number else f"{here:,} of {count(number, 'file')} here"


def _straight(batches: Iterable[Rows]) -> Iterator[str]:
    """Yield rows as lines; the first ones say how wide the columns are."""
    widths: list[int] = []
    for rows in batches:
        if rows and not widths:
            widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
        for *cells, name in rows:
            fitted = [
                cell + " " * (width - columns(cell))
                for cell, width in zip(cells, widths, strict=True)
                if width or cell
            ]
            yield "  " + "  ".join([*fitted, name])
