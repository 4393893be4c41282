"""Looks at what stands in other people's folders, all the time, and knows what may stand there.

Strategy: a thread walks the copies of all devices, opens what it meets and hashes it; an open file
is one content, since a copy is replaced by a rename and never written in place. Each pair of path
and content must have been shown by the owner at some time, each name must be one that it ever gave.
Guarantees: what is found is kept as evidence. Limits: it samples; a content that stands for less
than a round of it is mostly missed.
"""

from __future__ import annotations

import os
import random
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

from tests.torture.survivor import Fault, Survivor
from tests.torture.writer import Writer, digest

PAUSE_S = 0.002  # between two files: whoever is looked at needs the processors more
SHOWN = 10  # faults that are told
MOST_OF_A_FOLDER = 25  # files of one copy in one round


class Sampler:
    """One thread for all copies."""

    def __init__(
        self, pairs: Iterable[tuple[Survivor, Writer]], evidence: Path, chance: random.Random
    ) -> None:
        """Look at each device's copy of each writer's folder."""
        self._pairs = list(pairs)
        self._evidence = evidence
        self._chance = chance
        self.samples = 0
        self.found: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"Sampler({self.samples} samples, {len(self.found)} faults)"

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise a Fault if something was found."""
        if self.found:
            raise Fault("\n".join(self.found[:SHOWN]))
        assert self._thread.is_alive(), "the sampler has ended, so it proves nothing"

    def _run(self) -> None:
        while not self._over.wait(0.05):
            for device, writer in self._pairs:
                self._look(device, writer)

    def _look(self, device: Survivor, writer: Writer) -> None:
        top = device.folder / "Shared" / writer.own.name
        files = []
        for at, folders, names in os.walk(top):
            for name in (*folders, *names):
                path = os.path.relpath(os.path.join(at, name), top)
                if path not in writer.names:
                    self.found.append(f"{device.label} has {writer.own.name}/{path}: never a name")
            files += [os.path.relpath(os.path.join(at, name), top) for name in names]
        self._chance.shuffle(files)
        for path in files[:MOST_OF_A_FOLDER]:
            if self._over.wait(PAUSE_S):
                return
            self._sample(device, writer, path, top / path)

    def _sample(self, device: Survivor, writer: Writer, path: str, copy: Path) -> None:
        try:
            descriptor = os.open(copy, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return  # renamed or removed since it was met
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return
        with open(descriptor, "rb") as file:
            data = file.read()
        self.samples += 1
        if (path, digest(data)) in writer.shown:
            return
        self._evidence.mkdir(exist_ok=True)
        kept = self._evidence / f"{len(self.found)}"
        kept.write_bytes(data)
        self.found.append(
            f"{device.label} had {len(data)} bytes at {writer.own.name}/{path} "
            f"that were never there: {kept}"
        )
