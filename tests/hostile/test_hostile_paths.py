"""Hostile names and racing links: whatever a member calls its files, and whatever another user of
the machine does to the folders meanwhile, nothing outside of the share is touched (S2, S3).

Strategy: S2 takes every name as the wire takes it, and carries out what is asked for by the
program's own hands on a real share: created, updated, deleted, cleaned up; beside it lie files that
such names could mean, and inside it links that lead there. S3 is another process that swaps a
folder for a link outside as fast as it can, while files are read, looked at, placed and removed
below it; Landlock is not there, so the descriptors alone keep it. The oracle is what stands
outside, and what was read. The proofs: the same names joined as text, and the same race against an
open by name, get out.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from potluck.core.content.facts import Source
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.core.wire.catalogue import FilesAsk
from potluck.engine.effects import Place, PlaceItem
from potluck.engine.events import BatchId, Placement
from potluck.shells.disk.fsops import Share, enter, make_file, remove_file
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.trash import prune_trash
from potluck.shells.disk.trash_walk import all_kept
from tests.core.content.test_paths import FRIENDLY, HOSTILE
from tests.devices import until
from tests.figures import record
from tests.hostile.daemons import pair
from tests.hostile.rogue import Rogue
from tests.hostile.sharer import Sharer
from tests.shells.files import OLD_NS, content_of, data_of, receive

pytestmark = pytest.mark.full
NAMES_MIN = 2_000
CHECK_EVERY = 200  # names; what is outside is compared so often
TRIES = 1_000_000
RACE_S = 60.0  # at most
MEMBER_RACE_S = 10.0
MEMBER_STEP_S = 0.02  # between two heads
LOOK_TRIES = 2_000  # between two looks at the clock
OWNER = parse_wire_path(b"ann")
SECRET, OPEN = b"outside", b"inside!"
FIRST, SECOND = data_of(300, 1), data_of(400, 2)
HARMFUL = [
    *(b"../" * depth + end for depth in range(1, 8) for end in (b"outside/secret", b"x", b"")),
    *(b"a/" + b"../" * depth + b"outside/secret" for depth in range(1, 8)),
    *(b"link/" + end for end in (b"secret", b"new", b"deep/new", b"../outside/secret")),
    b"link", b"secret-link", b"secret-link/x", b"loop/loop/loop/x", b"folder-link/../x",
    b"/proc/self/cwd/x", b"~root/.ssh/authorized_keys", b"$HOME/x", b"`touch x`", b"%00", b"x\n",
    b"CON", b"NUL", b"AUX.txt", b"COM1", b"a:b", b"a:$DATA", b"a.", b"a ", b" a", b"-rf", b"--",
    b"*", b"?", b"[a]", b"x~", b"#x#", b".x.swp", b"marker", b"lock", b"tmp/x", b"trash/x",
    b"Put aside/x", b"Shared/x", b"potluck.sqlite", b".git/hooks/post-checkout", b"desktop.ini",
]  # fmt: skip


def hostile_names() -> list[bytes]:
    """Names nobody means well with, alone, below and above others."""
    alone = [*(data for data, _ in HOSTILE), *HARMFUL, *(name.encode() for name in FRIENDLY)]
    shapes = (b"%s", b"d/%s", b"%s/x", b"d/%s/x", b"%s/../%s", b"link/%s", b"%s.txt", b"UP%s")
    made = [shape.replace(b"%s", name) for name, shape in itertools.product(alone, shapes)]
    return list(dict.fromkeys(made))


@contextmanager
def world(base: Path) -> Iterator[tuple[Share, Path]]:
    """A share with links that lead out, and a folder outside that they lead to."""
    outside = base / "outside"
    (outside / "deep").mkdir(parents=True)
    for name in ("secret", "x", "new-name", "deep/secret"):
        (outside / name).write_bytes(SECRET)
    with Share(str(base / "Folder")) as share:
        own = base / "Folder" / "Shared" / "ann"
        own.mkdir()
        (own / "link").symlink_to(outside)
        (own / "secret-link").symlink_to(outside / "secret")
        (own / "loop").symlink_to(own / "loop")
        yield share, outside


def all_outside(base: Path) -> dict[str, bytes | None]:
    """Everything that is not the share, with the time each folder changed last."""
    found: dict[str, bytes | None] = {}
    for path in base.rglob("*"):
        inside = path.relative_to(base).parts[0] == "Folder"
        mine = path.relative_to(base).parts[1:2] in {("Shared",), (".potluck",), ("Put aside",)}
        if not (inside and mine):
            found[str(path)] = path.read_bytes() if path.is_file() else None
    return found


class Hands:
    """What a receiver does on disk for one path."""

    def __init__(self, share: Share) -> None:
        self.share, self.parts = share, PartFiles(share)
        self.batches = Batches(share, self.parts)
        self.numbers = itertools.count(1)

    def place(self, path: SafePath, source: Source, data: bytes | None) -> Placement:
        """Create, update or delete."""
        content = receive(self.parts, data) if data is not None else None
        seen = None
        with suppress(UnsafePath, OSError):
            seen = self.share.stat(path).stat
        before = content_of(FIRST if seen and seen.size == len(FIRST) else SECOND).root
        item = PlaceItem(
            path, source, content, None, OLD_NS, executable=False,
            expected=seen, expected_root=before if seen else None,
        )  # fmt: skip
        (placed,) = self.batches.place(Place(BatchId(next(self.numbers)), (item,), "me")).items
        return placed.placement

    def clean_up(self) -> int:
        """Empty the trash."""
        kept = len(list(all_kept(self.share.trash_fd)))
        prune_trash(self.share, share_of_disk=0.0)
        return kept - len(list(all_kept(self.share.trash_fd)))


def test_hostile_names_have_no_effect_outside_of_the_share(tmp_path: Path) -> None:
    refused = carried_out = unplaced = removed = 0
    names = hostile_names()
    with world(tmp_path) as (share, _):
        hands, before = Hands(share), all_outside(tmp_path)
        for number, name in enumerate(names):
            try:
                path = OWNER.joined(parse_wire_path(name))
            except UnsafePath:
                refused += 1
                continue
            acts = [
                hands.place(path, Source.PART, FIRST),
                hands.place(path, Source.PART, SECOND),
                hands.place(path, Source.NONE, None),
            ]
            removed += hands.clean_up()
            carried_out += acts[0] is Placement.PLACED
            unplaced += acts[0] is not Placement.PLACED
            if number % CHECK_EVERY == 0:
                assert all_outside(tmp_path) == before, name
        assert all_outside(tmp_path) == before
    record(
        "S2",
        f"{len(names):,} names: {refused:,} refused as names, {carried_out:,} created, updated, "
        f"deleted and cleaned up, {unplaced:,} not placed; {removed:,} files left the trash; "
        "0 effects outside",
        held=len(names) >= NAMES_MIN,
    )
    assert len(names) >= NAMES_MIN
    assert min(refused, carried_out, unplaced, removed) > 0


@pytest.mark.proof
def test_the_same_names_as_text_get_out(tmp_path: Path) -> None:
    with world(tmp_path) as (share, _):
        before = all_outside(tmp_path)
        own = os.path.join(os.fsencode(share.folder), b"Shared", b"ann")
        for name in (b"../../../x", b"link/new", b"secret-link"):
            Path(os.fsdecode(os.path.join(own, name))).write_bytes(FIRST)
        assert all_outside(tmp_path) != before


# -- the race --------------------------------------------------------------------------------------
RACER = """
import ctypes, os, sys
folder, link = (os.fsencode(one) for one in sys.argv[1:])
rename = ctypes.CDLL(None, use_errno=True).renameat2
count, alive = 0, os.getppid()
print("ready", flush=True)
while os.getppid() == alive:
    for _ in range(200):
        rename(-100, folder, -100, link, 2)
    count += 200
    if os.path.exists(link + b".stop"):
        break
print(count, flush=True)
"""


@contextmanager
def swapping(folder: Path, outside: Path, link: Path) -> Iterator[list[int]]:
    """Swap a folder for a link that leads outside, all the time; the list gets how often."""
    link.symlink_to(outside)
    words = [sys.executable, "-c", RACER, str(folder), str(link)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as racer:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
        swaps: list[int] = []
        try:
            yield swaps
        finally:
            Path(f"{link}.stop").touch()
            swaps.append(int(racer.stdout.readline()))
            Path(f"{link}.stop").unlink()


@contextmanager
def racing(base: Path) -> Iterator[tuple[Share, Path, list[int]]]:
    """A share in which the folder ann/d is swapped, and what is outside."""
    with world(base) as (share, outside):
        own = base / "Folder" / "Shared" / "ann"
        (own / "d").mkdir()
        (own / "d" / "secret").write_bytes(OPEN)
        with swapping(own / "d", outside, own / "swapped") as swaps:
            yield share, outside, swaps


def read_once(share: Share, path: SafePath) -> bytes:
    """What a serving thread reads below the racing folder, b"" if it is refused."""
    try:
        descriptor = share.open_file(path)
    except (UnsafePath, OSError):
        return b""
    try:
        return os.read(descriptor, 16)
    finally:
        os.close(descriptor)


def write_once(share: Share, name: str) -> bool:
    """Make a file below the racing folder and remove it; whether that went."""
    try:
        parent = enter(share.shared_fd, "ann")
        try:
            folder = enter(parent, "d")
        finally:
            os.close(parent)
    except (UnsafePath, OSError):
        return False
    try:
        os.close(make_file(folder, name))
        remove_file(folder, name)
        return True
    finally:
        os.close(folder)


def test_a_race_with_links_gets_nobody_out(tmp_path: Path) -> None:
    secret = parse_wire_path(b"ann/d/secret")
    read = dict.fromkeys((b"", OPEN, SECRET), 0)
    written = placed = tries = 0
    with racing(tmp_path) as (share, outside, swaps):
        before = all_outside(tmp_path / "outside")
        hands, end_s = Hands(share), time.monotonic() + RACE_S
        while tries < TRIES and time.monotonic() < end_s:
            for number in range(LOOK_TRIES):
                read[read_once(share, secret)] += 1
                if number % 10 == 0:
                    written += write_once(share, f"new {number}")
            path = parse_wire_path(f"ann/d/placed {tries}".encode())
            placed += hands.place(path, Source.PART, FIRST) is Placement.PLACED
            hands.place(path, Source.NONE, None)
            tries += LOOK_TRIES + LOOK_TRIES // 10 + 2
        assert all_outside(tmp_path / "outside") == before
        assert outside.exists()
    escapes = read[SECRET]
    record(
        "S3",
        f"{tries:,} tries against {swaps[0]:,} swaps: {read[OPEN]:,} read inside, {read[b'']:,} "
        f"refused, {written:,} made, {placed:,} placed; {escapes} escapes",
        held=not escapes and tries >= TRIES,
    )
    assert escapes == 0
    assert min(read[OPEN], read[b""], written) > 0, "there was no race"


@pytest.mark.proof
def test_an_open_by_name_loses_the_race(tmp_path: Path) -> None:
    with racing(tmp_path) as (share, _, _swaps):
        name, end_s = f"{share.folder}/Shared/ann/d/secret", time.monotonic() + RACE_S
        while time.monotonic() < end_s:
            if os.path.islink(os.path.dirname(name)):
                continue
            with suppress(OSError), open(name, "rb") as file:
                if file.read() == SECRET:
                    return
    pytest.fail("nobody got out, so the race proves nothing")


def test_a_member_that_races_with_a_user_of_the_machine_gets_nothing_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x0").write_bytes(SECRET)
    with pair(tmp_path, "landlock", "losses") as devices:  # breakers would hold what it deletes
        rogue = Rogue("rogue", devices)
        sharer = Sharer(rogue, devices.a)
        folder = devices.a.folder / "Shared" / "rogue" / "d"
        sharer.share({b"d/x0": b"first"})
        until((folder / "x0").exists, devices.said)
        changes, asked = 0, len(rogue.asked)
        with swapping(folder, outside, devices.base / "swapped") as swaps:
            end_s = time.monotonic() + MEMBER_RACE_S
            while time.monotonic() < end_s:
                names = [b"d/x%d" % n for n in range(changes % 7 + 1)]
                sharer.share({name: os.urandom(8) for name in names})
                changes += len(names)
                time.sleep(MEMBER_STEP_S)
        came = sum(isinstance(one, FilesAsk) for one in rogue.asked[asked:])
        assert devices.a.alive()
        sharer.close()
        rogue.close()
    kept = {path.name: path.read_bytes() for path in outside.iterdir()}
    escaped = kept != {"x0": SECRET}
    record(
        "S3",
        f"a member's {changes:,} changes, {came:,} packs of them fetched, against {swaps[0]:,} "
        f"swaps: {'something' if escaped else 'nothing'} outside has changed",
        held=not escaped,
    )
    assert not escaped, kept
    assert came > 0


def test_a_member_that_shares_all_of_them_touches_nothing_outside(tmp_path: Path) -> None:
    taken = [name for name in hostile_names() if is_a_path(name)]
    # a path that is a file and a folder at once is for test_bulk_links.py
    names = [name for name in taken if not any(one.startswith(name + b"/") for one in taken)]
    with pair(tmp_path, "landlock", "losses") as devices:
        rogue = Rogue("rogue", devices)
        sharer = Sharer(rogue, devices.a)
        before = devices.seen_outside()
        folder = devices.a.folder / "Shared" / "rogue"

        def standing(end: bytes) -> int:
            """How many files there have this at their end."""
            count = 0
            for at, _, files in os.walk(folder):
                for name in files:
                    with suppress(OSError):  # gone meanwhile
                        count += Path(at, name).read_bytes().endswith(end)
            return count

        for end in (b"created", b"updated"):
            sharer.share({name: name + end for name in names})
            until(lambda end=end: standing(end) > len(names) // 2, devices.said)  # type: ignore[misc]
        stood = standing(b"updated")
        sharer.share({})
        until(lambda: not standing(b""), devices.said)
        assert devices.seen_outside() == before
        devices.unharmed()
        sharer.close()
        rogue.close()
    record(
        "S2",
        f"{len(names)} of them that are names shared by a member: {stood} stood here, were updated "
        "and deleted; nothing outside has changed",
        held=True,
    )


def is_a_path(name: bytes) -> bool:
    """Whether the wire takes it."""
    try:
        parse_wire_path(name)
    except UnsafePath:
        return False
    return True
