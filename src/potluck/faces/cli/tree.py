"""The listing of shared files: one level of a tree, or everything below it, as lines.

Strategy: the local API gives flat paths; one pass folds them into the children of the folder that
was asked for, adding up sizes and how much of each is here. Pure: a list in, lines out. Limits: a
listing is as large as the answer it is made of; 100,000 files take about 0.2 s.
"""

from __future__ import annotations

from typing import Any

from potluck.faces.text import count, shown, size, table


def listing_lines(files: list[dict[str, Any]], prefix: str, *, recursive: bool) -> list[str]:
    """Return the lines of `ls`: size, whether it is here, name; folders end in a slash and are
    added up.
    """
    if not files:
        return ["Nothing is shared yet."]
    rows: dict[str, list[int]] = {}  # name -> [bytes, files, files here]
    for entry in files:
        name = _child(entry, prefix, recursive=recursive)
        if not name:
            continue
        row = rows.setdefault(name, [0, 0, 0])
        if entry["kind"] != "folder":
            row[0] += int(entry["size"])
            row[1] += 1
            row[2] += bool(entry["here"])
    lines = [
        [size(total), _presence(name, number, here), shown(name)]
        for name, (total, number, here) in sorted(rows.items())
    ]
    total, here = sum(row[0] for row in rows.values()), sum(row[2] for row in rows.values())
    number = sum(row[1] for row in rows.values())
    summary = f"{count(number, 'file')}, {size(total)}" + (
        "" if here == number else f", {here:,} of them here"
    )
    return [*table(lines), summary]


def _child(entry: dict[str, Any], prefix: str, *, recursive: bool) -> str:
    """Return under which name an entry counts; "" for the folder that was asked for itself."""
    path: str = entry["path"]
    if path == prefix:
        return "" if entry["kind"] == "folder" else path.rpartition("/")[2]
    inner = path[len(prefix) + 1 :] if prefix else path
    if recursive:
        return "" if entry["kind"] == "folder" else inner
    head, slash, _ = inner.partition("/")
    return head + "/" if slash or entry["kind"] == "folder" else head


def _presence(name: str, number: int, here: int) -> str:
    if name.endswith("/"):
        return (
            count(number, "file") if here == number else f"{here:,} of {count(number, 'file')} here"
        )
    return "" if here else "not here yet"
