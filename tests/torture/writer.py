"""A person who never rests: makes, edits, renames and deletes in the own folder of one device.

Strategy: a seed decides what is done; how fast, the machine. Before anything is done, what may be
seen of it from then on is noted: every name, and for every name each content that may stand there,
by its hash. So whoever finds something else in somebody's copy has found a fault. Contents of more
than a page come into the folder by a rename, as editors save; what is written in place is one write
within a page, so that nobody meets half of it, and the empty file before it is noted, too.

Guarantees: while it rests, `files` and `folders` are what it holds to be the truth of its folder.
Limits: one thread writes; others only read what was noted.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

PAGE = 4096
MOST_BYTES = 4 * 1024 * 1024  # of one file
MOST_FILES, MOST_FOLDERS = 90, 20
BURST = 25  # so many at once, at most, then a pause
PAUSE_S = 0.2
STEMS = ("report", "photo", "Übung", "a b", "日記", "x" * 60, "-dash", "notes.txt", "p%20q")
OLD_S = (1_000_000_000, 1_700_000_000)  # dates that a copy or an unpacked file keeps


def digest(data: bytes | bytearray) -> bytes:
    """What a content is known by."""
    return hashlib.blake2b(data, digest_size=16).digest()


EMPTY = digest(b"")


class Writer:
    """One person at one folder."""

    def __init__(self, own: Path, staging: Path, seed: str) -> None:
        """Write below `own`; `staging` is on the same file system."""
        self.own, self.staging = own, staging
        self.files: dict[str, bytes] = {}  # the truth: path -> content
        self.folders: set[str] = set()
        self.shown: set[tuple[str, bytes]] = set()  # each content that ever stood at a path
        self.names: set[str] = set()  # of files and folders that ever were
        self.done = self.written_bytes = 0
        self.error: BaseException | None = None
        self._chance = random.Random(seed)
        self._number = 0
        self._go, self._rests, self._over = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"writer of {own.name}", daemon=True)
        staging.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"Writer({self.own.name}, {self.done} changes, {len(self.files)} files)"

    # -- its day -----------------------------------------------------------------------------------
    def work(self) -> None:
        """Begin, or go on."""
        self._rests.clear()
        self._go.set()
        if not self._thread.is_alive() and self.error is None:
            self._thread.start()

    def rest(self) -> None:
        """Finish the change under way and do nothing more; raises what went wrong."""
        self._go.clear()
        while not self._rests.wait(0.1):
            if not self._thread.is_alive():
                break
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        """Leave for good."""
        self._over.set()
        self._go.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                if not self._go.is_set():
                    self._rests.set()
                    self._go.wait()
                    continue
                for _ in range(self._chance.randint(1, BURST)):
                    if self._go.is_set():
                        self._change()
                time.sleep(self._chance.uniform(0, 2 * PAUSE_S))
        except BaseException as error:  # noqa: BLE001 # house: `rest` raises it, whatever it is
            self.error = error
            self._rests.set()

    def _change(self) -> None:
        crowded = len(self.files) > MOST_FILES
        acts: list[tuple[int, Callable[[], None]]] = [
            (1 if crowded else 5, self._create_in_place),
            (1 if crowded else 4, self._create_whole),
            (4, self._save),
            (3, self._rewrite),
            (3, self._append),
            (2, self._edit),
            (3, self._rename),
            (2, self._copy),
            (9 if crowded else 2, self._delete),
            (0 if len(self.folders) > MOST_FOLDERS else 2, self._make_folder),
            (1, self._rename_folder),
            (3 if crowded else 1, self._delete_folder),
            (1, self._other_kind),
            (1, self._mark),
        ]
        chosen = self._chance.choices(acts, [weight for weight, _ in acts])[0][1]
        chosen()
        self.done += 1

    # -- what it does ------------------------------------------------------------------------------
    def _create_in_place(self) -> None:
        self._write_page(self._new_path())

    def _create_whole(self) -> None:
        self._put(self._new_path(), self._content())

    def _save(self) -> None:
        if self.files:
            self._put(self._any_file(), self._content())

    def _rewrite(self) -> None:
        if self.files:
            self._write_page(self._any_file())

    def _append(self) -> None:
        if not self.files:
            return
        path = self._any_file()
        data = (self.own / path).read_bytes()
        more = self._chance.randbytes(self._chance.randint(1, PAGE - len(data) % PAGE))
        self._show(path, digest(data + more))
        with (self.own / path).open("ab", buffering=0) as file:
            file.write(more)
        self.files[path] = digest(data + more)

    def _edit(self) -> None:
        """Change some bytes of one page, as a database does."""
        if not self.files:
            return
        path = self._any_file()
        data = bytearray((self.own / path).read_bytes())
        if len(data) < 8:
            return
        at = self._chance.randrange(len(data) - 7)
        piece = self._chance.randbytes(min(8, PAGE - at % PAGE))
        data[at : at + len(piece)] = piece
        self._show(path, digest(data))
        with (self.own / path).open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), piece, at)
        self.files[path] = digest(data)

    def _rename(self) -> None:
        if not self.files:
            return
        old = self._any_file()
        new = self._any_file() if self._chance.random() < 0.3 else self._new_path()
        if old == new:
            return
        self._show(new, self.files[old])
        (self.own / old).rename(self.own / new)
        self.files[new] = self.files.pop(old)

    def _copy(self) -> None:
        if self.files:
            self._put(self._new_path(), (self.own / self._any_file()).read_bytes())

    def _delete(self) -> None:
        if self.files:
            path = self._any_file()
            (self.own / path).unlink()
            del self.files[path]

    def _make_folder(self) -> None:
        path = self._new_path()
        self.names.add(path)
        (self.own / path).mkdir()
        self.folders.add(path)

    def _rename_folder(self) -> None:
        if not self.folders:
            return
        old, new = self._any_folder(), self._new_path()
        if new.startswith(old + "/"):
            return
        moved = {path: new + path[len(old) :] for path in self._below(old)}
        for path, target in moved.items():
            self.names.add(target)
            if path in self.files:
                self._show(target, self.files[path])
        (self.own / old).rename(self.own / new)
        self.files = {moved.get(path, path): root for path, root in self.files.items()}
        self.folders = {moved.get(path, path) for path in self.folders}

    def _delete_folder(self) -> None:
        if self.folders:
            path = self._any_folder()
            gone = self._below(path)
            shutil.rmtree(self.own / path)
            self.files = {name: root for name, root in self.files.items() if name not in gone}
            self.folders -= gone

    def _other_kind(self) -> None:
        """What was a file is a folder now, or the other way round."""
        if self.folders and self._chance.random() < 0.5:
            path = self._any_folder()
            gone = self._below(path)
            shutil.rmtree(self.own / path)
            self.files = {name: root for name, root in self.files.items() if name not in gone}
            self.folders -= gone
            self._put(path, self._content())
        elif self.files:
            path = self._any_file()
            (self.own / path).unlink()
            del self.files[path]
            (self.own / path).mkdir()
            self.folders.add(path)
            self._put(f"{path}/inside", self._content())

    def _mark(self) -> None:
        """Give it an x bit, or take it, and a date."""
        if self.files:
            path = self.own / self._any_file()
            path.chmod(self._chance.choice((0o644, 0o755)))
            at_ns = self._chance.randint(*OLD_S) * 10**9 + self._chance.randrange(10**9)
            os.utime(path, ns=(at_ns, at_ns))

    # -- how ---------------------------------------------------------------------------------------
    def _put(self, path: str, data: bytes) -> None:
        """A content of any size, by a rename."""
        self._number += 1
        made = self.staging / str(self._number)
        made.write_bytes(data)
        self._show(path, digest(data))
        made.rename(self.own / path)
        self.files[path] = digest(data)
        self.written_bytes += len(data)

    def _write_page(self, path: str) -> None:
        """A content of at most a page, in place."""
        data = self._chance.randbytes(self._chance.randint(0, PAGE))
        self._show(path, EMPTY)
        self._show(path, digest(data))
        with (self.own / path).open("wb", buffering=0) as file:
            file.write(data)
        self.files[path] = digest(data)
        self.written_bytes += len(data)

    def _show(self, path: str, root: bytes) -> None:
        self.names.add(path)
        self.shown.add((path, root))

    def _content(self) -> bytes:
        size = int(2 ** self._chance.uniform(0, MOST_BYTES.bit_length() - 1))
        return self._chance.randbytes(size)

    def _new_path(self) -> str:
        self._number += 1
        name = f"{self._chance.choice(STEMS)} {self._number}"
        if self.folders and self._chance.random() < 0.6:
            return f"{self._any_folder()}/{name}"
        return name

    def _any_file(self) -> str:
        return self._chance.choice(list(self.files))

    def _any_folder(self) -> str:
        return self._chance.choice(sorted(self.folders))

    def _below(self, folder: str) -> set[str]:
        """A folder and all that is in it."""
        inside = {path for path in (*self.files, *self.folders) if path.startswith(folder + "/")}
        return {folder, *inside}
