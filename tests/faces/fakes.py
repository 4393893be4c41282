"""A potluck that is none: a state as the local API gives it, and a source whose answers a test
decides.

Strategy: the real `Control` serves the fake source on a real socket, so that commands, client and
prompt are tested against the bytes they will meet. `state()` is the one place that knows every key
of a snapshot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from potluck.core.errors import PotluckError
from potluck.engine.person_acts import PersonAct
from potluck.shells.api.server import ApiServer
from potluck.shells.state.home import claim_home, socket_to_serve
from tests.conditions import Condition

ME, OTHER = "7F3A-91C2", "0B5K-TTQ1"


def device(label: str = "laptop", **changes: Any) -> dict[str, Any]:
    """One entry of `devices`."""
    entry = {
        "id": OTHER, "label": label, "online": True, "node": 1,
        "address": "192.168.1.23:7685", "found_by": "beacon",
        "have_files": 14, "need_files": 0, "need_bytes": 0, "me": False,
        "known": True, "spoke_s": 2.0, "away_s": None, "offline": False,
    }  # fmt: skip
    return entry | changes


def state(**changes: Any) -> dict[str, Any]:
    """A snapshot of two devices in sync; `changes` replace whole keys."""
    snapshot: dict[str, Any] = {
        "version": "0.1.0",
        "device": {"id": ME, "label": "kitchen-pc"},
        "group": {"id": "g" * 64, "name": "Home"},
        "node": {"number": 0, "of": 2, "last": "laptop", "next": "laptop", "digest": "d1"},
        "ring": [
            {"number": 0, "id": ME, "label": "kitchen-pc", "seat": 0},
            {"number": 1, "id": OTHER, "label": "laptop", "seat": 1},
        ],
        "state": "in_sync",
        "reason": None,
        "command": None,
        "synced": True,
        "age_s": 0.0,
        "devices": [
            device("kitchen-pc", id=ME, node=0, me=True, found_by=None, address=None),
            device(),
        ],
        "files": 14,
        "folders": 0,
        "bytes": 1_600_000_000,
        "need_files": 0,
        "need_folders": 0,
        "need_bytes": 0,
        "rates": rates(),
        "transfers": [],
        "deliveries": [],
        "uploads": [],
        "troubles": [],
        "trouble_count": 0,
        "folder": "/home/me/Potluck",
        "own_folder": "/home/me/Potluck/Shared/kitchen-pc",
        "port": 7685,
        "door": {"open": False, "until_s": None, "shut": False},
        "found": [],
        "tried": {
            "interfaces": ["eth0", "wlan0"],
            "neighbours": 6,
            "named": [],
            "heard": False,
        },
        "former": [],
        "refused": [],
        "counters": {},
        "unshared": {"files": 0},
        "requests": [],
        "invite": None,
        "ignored": 0,
        "skipped_files": 0,
        "skipped_folders": 0,
        "skipped_bytes": 0,
        "undelivered_files": 0,
        "undelivered_bytes": 0,
    }
    assert changes.keys() <= snapshot.keys(), "no such key in a state"
    return snapshot | changes


def rates(down: float = 0, up: float = 0, received_bytes: int = 0) -> dict[str, float]:
    """The `rates` of a snapshot."""
    return {"down": down, "up": up, "received_bytes": received_bytes}


def transfer(path: str = "kitchen-pc/holiday.mp4", **changes: Any) -> dict[str, Any]:
    """One entry of `transfers`."""
    entry = {
        "path": path,
        "from": ["kitchen-pc"],
        "done": 1_100_000_000,
        "size": 1_400_000_000,
        "rate": 112_000_000,
        "files": 1,
        "every": None,
    }
    return entry | changes


def delivery(label: str = "kitchen-pc", **changes: Any) -> dict[str, Any]:
    """One entry of `deliveries`."""
    entry = {
        "id": OTHER, "label": label, "online": True, "known": True, "need_files": 2,
        "need_bytes": 650, "done_bytes": 350, "whole_bytes": 1000,
    }  # fmt: skip
    return entry | changes


def upload(
    path: str = "laptop/movie.bin", to: str = "kitchen-pc", **changes: Any
) -> dict[str, Any]:
    """One entry of `uploads`."""
    entry = {"path": path, "to": to, "sent": 350_000_000, "size": 1_000_000_000}
    return entry | {"there": 350_000_000} | changes


def trouble(subject: str = "laptop/locked", **changes: Any) -> dict[str, Any]:
    """One entry of `troubles`."""
    entry = {
        "kind": "unreadable", "subject": subject, "reason": "permission denied",
        "command": "chmod u+rx locked", "since_s": 120.0, "next_s": 30.0,
    }  # fmt: skip
    return entry | changes


def alone(**changes: Any) -> dict[str, Any]:
    """A snapshot of a device that has just founded its group."""
    mine = state()["devices"][:1]
    node = {"number": 0, "of": 1, "last": "kitchen-pc", "next": "kitchen-pc", "digest": "d0"}
    return state(
        **(
            {"devices": mine, "ring": state()["ring"][:1], "node": node, "files": 0, "bytes": 0}
            | changes
        )
    )


def found(**changes: Any) -> dict[str, Any]:
    """One entry of `found`."""
    entry = {
        "name": "Home",
        "label": "den-pc",
        "address": "192.168.1.10",
        "members": 1,
        "open": False,
    }
    return entry | changes


def request(label: str = "bert", **changes: Any) -> dict[str, Any]:
    """One entry of `requests`: somebody asks to come in here, and a person must answer."""
    asked = {
        "id": "5eed0001", "side": "member", "name": label, "label": label, "group": "Home",
        "address": "10.88.0.2", "by": "", "words": ["amber", "tiger", "violin"],
        "answer": "needed", "other": "needed", "left_s": 114.0, "devices": 1,
    }  # fmt: skip
    return asked | changes


def joining(label: str = "cora", **changes: Any) -> dict[str, Any]:
    """One entry of `requests` on the other side: this device asks to come in there."""
    return request(label, side="joiner", name="Home", address="10.88.0.1") | changes


def asked(*requests: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A snapshot in which these requests wait, as the engine tells it."""
    first = requests[0]
    told = {
        "state": "waiting",
        "reason": f"{first['label']} asks to join: compare the words",
        "command": f"approve {first['name']}",
    }
    return state(**(told | {"requests": [*requests]} | changes))


def entry(path: str, size: int = 100, **changes: Any) -> dict[str, Any]:
    """One entry of `files`."""
    owner = path.partition("/")[0]
    return {
        "path": path,
        "kind": "file",
        "size": size,
        "owner": owner,
        "here": True,
        "root": "r" * 64,
    } | changes


class FakeVersions:
    """What a test says that the trash holds, and what it was asked."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {
            "versions": [],
            "more": 0,
            "size": 0,
            "others": 0,
            "complete": True,
            "where": "/F/.potluck/trash",
            "elsewhere": [],
            "elsewhere_more": 0,
            "remembered": True,
        }
        self.asked: list[Any] = []
        self.restored: dict[str, Any] | PotluckError = {"text": "restored me/a.txt"}

    def trash(self, path: str, limit: int) -> dict[str, Any]:
        self.asked.append(("trash", path, limit))
        return self.found

    def history(self, path: str, limit: int) -> dict[str, Any]:
        self.asked.append(("history", path, limit))
        return self.found

    def restore(self, path: str) -> dict[str, Any]:
        self.asked.append(("restore", path))
        if isinstance(self.restored, PotluckError):
            raise self.restored
        return self.restored


class FakeSource:
    """Answers what the test put in, and keeps what it was asked."""

    def __init__(self) -> None:
        self.versions = FakeVersions()
        self.current = state()
        self.told: list[dict[str, Any]] = []
        self.listed: list[dict[str, Any]] = []
        self.asked: list[Any] = []
        self.freshness: list[bool] = []  # of the states that were asked for
        self.page_files = 2  # of one answer: a test of few files has several
        self.answer: dict[str, Any] = {"ok": True, "text": "1 file is in your folder now."}
        self.refusal: PotluckError | None = None  # of the next acts
        self.acted = "done"  # what an act says that happened
        self.failure: Exception | None = None
        self.on_leave = lambda: None
        self.asks = False  # somebody sits there, so that a closed door can be shut
        self.explained: dict[str, Any] = {"path": "", "known": True, "in_sync": True}
        self.explained |= {"state": "in_sync", "text": "all is here", "reasons": [], "more": 0}
        self.paths = self
        self.kept: dict[str, Any] = {"heads": [], "devices": []}
        self.waited_s: list[float] = []  # how long whoever asks had waited
        self.flushed: list[dict[str, Any]] = []  # answers to come; none left: everybody answered

    def state(self, *, fresh: bool = False) -> dict[str, Any]:
        self.freshness.append(fresh)
        if self.failure is not None:
            raise self.failure
        return self.current

    def notices(self, after: int) -> list[dict[str, Any]]:
        return [notice for notice in self.told if notice["number"] > after]

    def files(self, path: str, after: str, limit: int) -> dict[str, Any]:
        below = [one for one in self.listed if one["path"] > after and _is_below(one, path)]
        page = sorted(below, key=lambda one: one["path"])[: min(limit, self.page_files)]
        return {"files": page, "next": page[-1]["path"] if len(below) > len(page) else None}

    def folder(self, path: str, after: str) -> dict[str, Any]:
        """Each file in an answer of its own: entries of a folder come in parts."""
        prefix = f"{path}/" if path else ""
        inside = sorted(one["path"] for one in self.listed if one["path"].startswith(prefix))
        known = (
            not path
            or bool(inside)
            or any(one["path"] == path and one["kind"] == "folder" for one in self.listed)
        )
        at = next((one for one in inside if one > after), None)
        if at is None:
            return {"entries": [], "next": None, "known": known}
        one = next(one for one in self.listed if one["path"] == at)
        name, slash, _ = at[len(prefix) :].partition("/")
        is_file = one["kind"] == "file"
        entry = {
            "name": name,
            "kind": "folder" if slash or not is_file else "file",
            "files": int(is_file),
            "folders": int(bool(slash) and not is_file),
            "size": one["size"] if is_file else 0,
            "here": int(one["here"] and is_file),
        }
        return {"entries": [entry], "next": at, "known": known}

    def copied(self, path: str, after: str) -> dict[str, Any]:
        page = self.folder(path, after)
        copies = {"on": 1, "devices": 2, "alone": "known"}
        return {**page, "entries": [{**one, **copies} for one in page["entries"]]}

    def door(self, open_s: float | None) -> dict[str, Any]:
        self.asked.append(("door", open_s))
        left = None if open_s in {None, float("inf")} else open_s
        was_open = self.current["door"]["open"] or not self.asks
        door = {"open": open_s is not None, "until_s": left}
        door["shut"] = open_s is None and not was_open
        self.current = {**self.current, "door": door}
        return door

    def why(self, path: str) -> dict[str, Any]:
        self.asked.append(("why", path))
        return self.explained

    def info(self, path: str) -> dict[str, Any]:
        self.asked.append(("info", path))
        return self.explained

    def keepers(self) -> dict[str, Any]:
        self.asked.append("keepers")
        return self.kept

    def flush(self, patience_s: float, waited_s: float) -> dict[str, Any]:
        self.waited_s.append(waited_s)
        self.asked.append("flush")
        return self.flushed.pop(0) if self.flushed else {"ok": True, "text": ""}

    def leave(self) -> None:
        self.asked.append("leave")
        self.on_leave()

    def add(self, paths: list[str], mode: str) -> dict[str, Any]:
        self.asked.append(("add", paths, mode))
        return self.answer

    def act(self, act: Callable[[int], PersonAct]) -> dict[str, Any]:
        self.asked.append(act(0))
        if self.refusal is not None:
            raise self.refusal
        return {"text": self.acted}

    def rescan(self) -> None:
        self.asked.append("rescan")

    def tell(self, text: str, level: str = "info", code: str = "test") -> None:
        number = len(self.told) + 1
        self.told.append(
            {
                "number": number,
                "code": code,
                "text": text,
                "level": level,
                "subject": "",
                "at_s": 0.0,
            }
        )


def _is_below(one: dict[str, Any], path: str) -> bool:
    return not path or one["path"] == path or one["path"].startswith(path + "/")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what other threads and processes do."""
    deadline = time.monotonic() + 30
    asked = Condition(condition)
    while not asked():
        assert time.monotonic() < deadline, "not true in time" + asked.missed
        threading.Event().wait(0.01)


@contextmanager
def running(home: Path, source: FakeSource) -> Iterator[FakeSource]:
    """Serve `source` as the potluck of `home`, its claim held; `leave` gives the claim back."""
    held = claim_home(str(home))
    control = ApiServer(socket_to_serve(str(home)), source)
    control.start()
    source.on_leave = held.release
    try:
        yield source
    finally:
        control.stop()
        held.release()
