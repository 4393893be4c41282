"""The disks of the world: a fake disk, the person in front of it, and what they did when.

Strategy: `tests/fakes/disk.py` is the file system; here a person writes, renames and deletes on it.
A `Chronicle` remembers what every owner ever had at every path, so that the invariants can tell an
owner's version from a fabricated or half-written one. Limits: as those of the fake disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from potluck.core.content.ignore_rules import IGNORE_FILE, parse_rules
from potluck.core.content.paths import SafePath
from tests.fakes.disk import File, Tree, Version, lineage, path_of


@dataclass
class Chronicle:
    """What every owner ever had at a path (None: a folder), and what was ever gone."""

    versions: dict[SafePath, set[bytes | None]] = field(default_factory=dict)
    gone: set[SafePath] = field(default_factory=set)

    def stood(self, path: SafePath, data: bytes | None) -> None:
        """The owner has `data` (None: a folder) at `path` now; the other kind there is gone."""
        before = self.versions.setdefault(path, set())
        if data is None and before - {None}:
            self.gone.add(path)
        before.add(data)


class Disk(Tree):
    """A file system and the person in front of it."""

    def __init__(self, label: str, chronicle: Chronicle, wall_ns: int) -> None:
        super().__init__(wall_ns)
        self.label = label
        self.chronicle = chronicle
        self.outside: dict[str, bytes] = {}
        self.marker: bytes | None = None
        self.mounted = True
        self.shut: set[SafePath] = set()  # own folders that cannot be entered
        self.free_bytes = 2**40

    def tree(self, label: str) -> dict[SafePath, Version | None]:
        """Return one owner's tree as it stands here, without its top; None stands for a folder."""
        top = path_of(label)
        found: dict[SafePath, Version | None] = {
            path: None for path in self.folders if path.starts_with(top)
        }
        found.update(
            {path: file.version for path, file in self.files.items() if path.starts_with(top)}
        )
        found.pop(top, None)
        return found

    def to_share(self) -> dict[SafePath, Version | None]:
        """Return the own folder without what is ignored there."""
        tree, said = self.tree(self.label), self.ignore_text(path_of(self.label))
        return {path: one for path, one in tree.items() if not said or not self.is_ignored(path)}

    def person(self, verb: str, *args: Any) -> list[SafePath]:
        """Let the person do something (`write`, …), note it, and return what a watcher names."""
        before = self.own()
        touched: list[SafePath] = getattr(self, verb)(*args)
        after = self.own()
        for path in before.keys() - after.keys():
            self.chronicle.gone.add(path)
        for path, data in after.items():
            if (
                path not in before
                or before[path] is not data
                or path not in self.chronicle.versions
            ):
                self.chronicle.stood(path, data)
        # folders made in passing
        made = [path for path in after.keys() - before.keys() if after[path] is None]
        return [
            *touched,
            *sorted(path for path in made if not any(path.starts_with(told) for told in touched)),
        ]

    def own(self) -> dict[SafePath, bytes | None]:
        """Return what of the person's own tree is to be shared: the bytes of each file, None for a
        folder.
        """
        mine: dict[SafePath, bytes | None] = {
            path: None for path in self.folders if path.parts[0] == self.label
        }
        mine.update(
            {path: file.data for path, file in self.files.items() if path.parts[0] == self.label}
        )
        said = self.ignore_text(path_of(self.label))
        return {path: data for path, data in mine.items() if not said or not self.is_ignored(path)}

    def write(self, path: SafePath, data: bytes, executable: bool | None = None) -> list[SafePath]:
        """Write a whole file in place (or make it); return the paths a watcher would name."""
        if path in self.folders or any(above in self.files for above in lineage(path)):
            return []
        old = self.files.get(path)
        now = self.tick()
        bit = old.executable if old and executable is None else bool(executable)
        self.put(path, File(data, now, now, old.inode if old else self.new_inode(), bit))
        return [path]

    def append(self, path: SafePath, data: bytes) -> list[SafePath]:
        """Append to a file."""
        return self.write(path, self.files[path].data + data) if path in self.files else []

    def ignore_text(self, path: SafePath) -> bytes:
        """What `.potluckignore` says in the folder of whoever owns a path."""
        file = self.files.get(path_of(f"{path.parts[0]}/{IGNORE_FILE}"))
        return b"" if file is None else file.data

    def is_ignored(self, path: SafePath) -> bool:
        """Whether the rules of its owner leave out a path, or a folder around it."""
        rules, inside = parse_rules(self.ignore_text(path)), path.parts[1:]
        return any(
            rules.ignores(
                "/".join(inside[:depth]),
                name,
                is_folder=depth < len(inside) - 1 or path in self.folders,
            )
            for depth, name in enumerate(inside)
        )

    def read(self, path: SafePath) -> File | None:
        """Return the file at a path; None if there is none, or the disk is away."""
        return self.files.get(path) if self.mounted else None

    def shut_up(self, path: SafePath) -> list[SafePath]:
        """Take the permission to enter a folder."""
        self.shut.add(path)
        return [path]

    def open_up(self, path: SafePath) -> list[SafePath]:
        """Give it back."""
        self.shut.discard(path)
        return [path]

    def is_shut(self, path: SafePath) -> bool:
        """Say whether a path lies below a folder that cannot be entered."""
        return any(path != top and path.starts_with(top) for top in self.shut)

    def touch(self, path: SafePath) -> list[SafePath]:
        """Set the mtime to now."""
        if path not in self.files:
            return []
        now = self.tick()
        self.files[path] = replace(self.files[path], mtime_ns=now, ctime_ns=now)
        return [path]

    def chmod(self, path: SafePath) -> list[SafePath]:
        """Flip the x bit."""
        if path not in self.files:
            return []
        file = self.files[path]
        self.files[path] = replace(file, executable=not file.executable, ctime_ns=self.tick())
        return [path]

    def mkdir(self, path: SafePath) -> list[SafePath]:
        """Make a folder, and those above it."""
        if path in self.files or any(above in self.files for above in lineage(path)):
            return []
        self.make_folders(path)
        return [path]

    def copy(self, old: SafePath, new: SafePath) -> list[SafePath]:
        """Copy a file (cp: a new mtime)."""
        return (
            self.write(new, self.files[old].data, self.files[old].executable)
            if old in self.files
            else []
        )

    def rename(self, old: SafePath, new: SafePath) -> list[SafePath]:
        """Rename a file, or a folder with all in it; nothing happens where something stands."""
        taken = (
            new in self.files
            or new in self.folders
            or any(above in self.files for above in lineage(new))
        )
        if taken or new.starts_with(old) or (old not in self.files and old not in self.folders):
            return []
        if old in self.files:
            self.put(new, replace(self.take(old), ctime_ns=self.tick()))
            return [old, new]
        for path in self.below(old):
            target = new.joined(path.relative_to(old))
            if path in self.files:
                self.put(target, self.take(path))
        for path in [*reversed(self.below(old)), old]:
            self.make_folders(new if path == old else new.joined(path.relative_to(old)))
            self.remove_folder(path)
        return [old, new]

    def exchange(self, one: SafePath, other: SafePath) -> list[SafePath]:
        """Let two names change places in one step, files or folders, as RENAME_EXCHANGE does."""
        there = {*self.files, *self.folders}
        nested = one.starts_with(other) or other.starts_with(one)
        if nested or not {one, other} <= there:
            return []
        aside = path_of(self.label).child("in the middle of an exchange")
        for old, new in ((one, aside), (other, one), (aside, other)):
            self.rename(old, new)
        return [one, other]

    def delete(self, path: SafePath) -> list[SafePath]:
        """Delete a file or a folder with all in it, for good."""
        touched = [*reversed(self.below(path)), path]
        for each in touched:
            if each in self.files:
                self.take(each)
            elif each in self.folders:
                self.remove_folder(each)
        return touched

    def rot(self, path: SafePath) -> None:
        """Damage one byte of a file without the file system noticing."""
        file = self.files[path]
        self.files[path] = replace(file, data=bytes([file.data[0] ^ 1]) + file.data[1:])
