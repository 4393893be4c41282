"""The play: start, find each other, send, change, leave, compare; each act says what it saw.

Strategy: acts are methods called in order by `run`; each waits for a condition seen through the
local APIs with a deadline, never for a time. What the devices say is only shown; the verdict reads
the disks after they have ended. Guarantees: whatever happens, every process that was started is
ended; a device that stays behind is reported with its own reason, and the trees are compared all
the same.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potluck.core.errors import TimedOut
from potluck.faces.demo import files, show
from potluck.faces.demo.devices import Device, free_port
from potluck.faces.demo.trees import Tree, differences, read_tree
from potluck.faces.ring_drawing import ring_lines
from potluck.faces.text import count, shown, size, table

RING_S = 30.0  # for all to meet; one second is usual
TRAVEL_S = 180.0  # for all files to be everywhere; ten seconds are usual
SCENE_LOOK_S = 0.15  # between two looks: a bar moves smoothly, and looking costs little
SEED = 7685  # of the files' contents: the same play every time
SHOWN_PROBLEMS = 10  # differences that are listed; the number of the others is said
CORRUPT = "POTLUCK_DEMO_CORRUPT"


@dataclass(frozen=True, slots=True)
class DemoVerdict:
    """What the disks say."""

    equal: bool  # every tree is the same, and holds what was put in
    trees: dict[str, Tree]  # label -> tree
    problems: list[str]  # for people

    def as_json(self) -> dict[str, Any]:
        """Return the verdict for scripts."""
        devices = [
            {"label": label, "files": tree.files, "bytes": tree.size_bytes, "digest": tree.digest}
            for label, tree in self.trees.items()
        ]
        return {"equal": self.equal, "devices": devices, "problems": self.problems}


class Play:
    """One performance in one temporary folder."""

    def __init__(self, number: int, root: Path, say: Callable[..., None], *, quiet: bool) -> None:
        """Prepare `number` devices below `root`; lines go to `say`, bars nowhere if `quiet`."""
        port = free_port()
        self._devices = [Device(place, root, port) for place in range(number)]
        self._root = root
        self._say = say
        self._quiet = quiet
        self._late = ""  # why the play went on without everything being there

    def __repr__(self) -> str:
        return f"Play({len(self._devices)} devices, late: {self._late or 'nobody'})"

    def run(self) -> DemoVerdict:
        """Play it all; raises PotluckError if the devices do not come up or do not meet."""
        try:
            self._start()
            self._meet()
            expected = self._share()
            self._leave()
        finally:
            self.end()
        return self._compare(expected)

    def end(self) -> None:
        """End every process that was started; harmless when repeated."""
        for device in self._devices:
            device.end()

    # -- acts --------------------------------------------------------------------------------------
    def _start(self) -> None:
        self._say(
            f"Starting {count(len(self._devices), 'device')} in {self._root}",
            "Each is a process of its own with its own home and folder; "
            "only the loopback network connects them.",
        )
        for device in self._devices:
            device.start()
        for device in self._devices:
            state = device.wait_until_up()
            self._say(
                f"  ✓ {device.label} is up   port {state['port']}   {state['device']['id'][:9]}"
            )

    def _meet(self) -> None:
        begun_s = time.monotonic()
        self._say("", "Finding each other (beacons, neighbours, TLS between every pair):")
        met: set[tuple[str, str]] = set()
        while not self._one_ring(states := self._states()):
            self._tell_met(states, met, begun_s)
            if time.monotonic() - begun_s > RING_S:
                seen = "; ".join(
                    f"{one['device']['label']} sees {len(one['ring'])} nodes" for one in states
                )
                raise TimedOut(
                    f"The devices did not form one ring in {RING_S:.0f} s.",
                    seen,
                    f"--keep keeps {self._root}/*/output.txt, what each device said",
                )
            time.sleep(SCENE_LOOK_S)
        self._tell_met(states, met, begun_s)
        took_s = time.monotonic() - begun_s
        self._say(
            "",
            f"One ring of {len(states)} nodes after {took_s:.1f} s, the same on every device:",
        )
        self._say(*("  " + line for line in ring_lines(states[0]["ring"], "")))

    def _share(self) -> dict[str, int]:
        """Put files in, watch them travel, change some; returns what must be everywhere."""
        folders = {device.label: device.shared / device.label for device in self._devices}
        self._say(
            "", "Putting files of several kinds into the folders; each goes to every other device:"
        )
        begun_s = time.monotonic()
        chance = random.Random(SEED)  # noqa: S311  (content that differs, not a secret)
        items = files.make_items(folders, chance)
        expected = files.after(items, [])
        self._travel(items, expected)
        total = sum(expected.values()) * (len(self._devices) - 1)
        if not self._late:
            took_s = time.monotonic() - begun_s
            number = count(len(expected), "file")
            self._say(f"  {number}, {size(total)} delivered in {took_s:.1f} s.")
        changes = files.make_changes(items, folders)
        self._say("", "Changing some:", *(f"  · {change.words}" for change in changes))
        begun_s = time.monotonic()
        expected = files.after(items, changes)
        if self._until(lambda: self._behind(expected), TRAVEL_S):
            self._say(f"  ✓ everywhere after {time.monotonic() - begun_s:.1f} s")
        return expected

    def _leave(self) -> None:
        self._say("", "Leaving.")
        for device in self._devices:
            device.leave()
        for device in self._devices:
            device.end()

    def _compare(self, expected: dict[str, int]) -> DemoVerdict:
        self._say("", "Comparing the trees, read from the disks after all devices have ended:")
        if os.environ.get(CORRUPT):
            _flip_a_byte(self._devices[-1], self._devices[0].label)
        trees = {device.label: read_tree(device.shared) for device in self._devices}
        first = next(iter(trees))
        problems = [f"not everything arrived in time: {self._late}"] if self._late else []
        problems += [
            f"{first}: {path} is missing or has another size"
            for path in _missing(trees[first], expected)
        ]
        for label, tree in trees.items():
            for one in differences(trees[first], tree):
                than = f" than {first}’s" if ": another" in one else ""
                problems.append(f"{label}: {shown(one)}{than}")
        return DemoVerdict(not problems, trees, problems)

    # -- looking -----------------------------------------------------------------------------------
    def _states(self) -> list[dict[str, Any]]:
        for device in self._devices:
            device.check()
        return [device.client.newest() for device in self._devices]

    def _one_ring(self, states: list[dict[str, Any]]) -> bool:
        wanted = len(self._devices)
        digests = {state["node"]["digest"] for state in states if state["node"] is not None}
        groups = {state["group"]["id"] for state in states if state["group"] is not None}
        whole = all(len(state["ring"]) == wanted and _all_linked(state) for state in states)
        return whole and len(digests) == 1 and len(groups) == 1

    def _tell_met(
        self, states: list[dict[str, Any]], met: set[tuple[str, str]], begun_s: float
    ) -> None:
        """Say who sees whom, each pair once, when the address is known."""
        for state in states:
            mine = state["device"]["label"]
            for other in state["devices"]:
                pair = (mine, other["label"])
                if other["me"] or not other["online"] or not other["address"] or pair in met:
                    continue
                met.add(pair)
                how = f" ({shown(other['found_by'])})" if other["found_by"] else ""
                after_s = time.monotonic() - begun_s
                whom = f"{shown(other['label'])} at {shown(other['address'])}{how}"
                self._say(f"  {after_s:4.1f} s  {shown(mine)} sees {whom}")

    def _travel(self, items: list[files.Item], expected: dict[str, int]) -> None:
        picture = show.bars(quiet=self._quiet)
        try:
            self._until(lambda: self._drawn(picture, items, expected), TRAVEL_S)
        finally:
            picture.close()

    def _drawn(
        self,
        picture: show.PlainBars | show.LiveBars,
        items: list[files.Item],
        expected: dict[str, int],
    ) -> str:
        """Draw the bars and return who is behind."""
        for device in self._devices:
            device.check()
        holdings = [
            show.holding(one.label, list(one.client.files()), one.client.newest())
            for one in self._devices
        ]
        picture.show(show.rows(items, holdings))
        behind = [one.label for one in holdings if not one.here >= expected.keys()]
        return f"{', '.join(behind)} not complete" if behind else ""

    def _behind(self, expected: dict[str, int]) -> str:
        """Return which devices do not show exactly `expected` or are still at work on it, "" if all
        do.
        """
        behind = []
        for device in self._devices:
            device.check()
            state = device.client.newest()
            if state["age_s"] or state["state"] != "in_sync":
                behind.append(f"{device.label} is busy")
                continue
            files_here = {
                entry["path"]: entry["size"]
                for entry in device.client.files()
                if entry["kind"] != "folder" and entry["here"]
            }
            if files_here != expected:
                differing = len(files_here.items() ^ expected.items())
                behind.append(f"{device.label} differs in {differing}")
        return ", ".join(behind)

    def _until(self, behind: Callable[[], str], limit_s: float) -> bool:
        """Wait until nobody is behind; otherwise remember who, with each device's own reason."""
        deadline = time.monotonic() + limit_s
        while why := behind():
            if time.monotonic() > deadline:
                reasons = [
                    f"{one['device']['label']}: {one['state']} {one['reason'] or ''}".rstrip()
                    for one in self._states()
                ]
                self._late = f"{why} after {limit_s:.0f} s ({'; '.join(reasons)})"
                return False
            time.sleep(SCENE_LOOK_S)
        return True


def _all_linked(state: dict[str, Any]) -> bool:
    """Say whether a device has a link to each other one."""
    return all(one["address"] for one in state["devices"] if not one["me"])


def verdict_lines(verdict: DemoVerdict) -> list[str]:
    """Return the table and the sentence."""
    rows = [["device", "files", "bytes", "hash of the tree", ""]]
    first = next(iter(verdict.trees.values())).digest
    for label, tree in verdict.trees.items():
        same = "✓ equal" if tree.digest == first else "✗ DIFFERENT"
        rows.append([label, f"{tree.files:,}", f"{tree.size_bytes:,}", tree.digest[:32], same])
    lines = table(rows)
    if verdict.equal:
        return [
            *lines,
            "",
            f"All {len(verdict.trees)} trees are equal: names, bytes, times and executable bits.",
        ]
    more = len(verdict.problems) - SHOWN_PROBLEMS
    lines += [
        "",
        "The trees are NOT equal:",
        *(f"  ✗ {problem}" for problem in verdict.problems[:SHOWN_PROBLEMS]),
    ]
    return [*lines, f"  … and {more} more"] if more > 0 else lines


def _missing(tree: Tree, expected: dict[str, int]) -> list[str]:
    return [
        path
        for path, wanted in expected.items()
        if path not in tree.entries or tree.entries[path].size != wanted
    ]


def _flip_a_byte(device: Device, owner: str) -> None:
    """Damage one file of another's folder, size and time unchanged: the comparison must see it."""
    names = sorted(path for path in (device.shared / owner).rglob("*") if path.is_file())
    path = next(name for name in names if name.stat().st_size)
    facts = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    path.chmod(facts.st_mode)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
