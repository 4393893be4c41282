"""What is worth a line: turns snapshots and notices into the sentences a person reads while potluck
runs.

Strategy: a small pure machine, `on_state`, `on_notice`, `on_tick`, each returning lines. It
remembers what it has said, so that a state that comes four times a second is told once. The same
story is told by the live view and by plain lines. Guarantees: being alone, waiting and having
unshared files are always explained with the next step; nothing is repeated while it does not
change. Limits: who joined and left comes as notices from the engine, not from here.
"""

from __future__ import annotations

from typing import Any

from potluck.faces.cli.layout import Words, asked_words, found_lines, nobody_lines, title
from potluck.faces.text import count, shown, size

ALONE_S = 5.0  # before being alone is worth a line: a search takes about three
FOUNDED_S = 2.5  # a provisional group may still dissolve into one that is found
SETTLED_S = 0.5  # two snapshots: between two files everything is settled, too
BIG_BYTES = 8_000_000  # smaller ones are here before the line is read
_TOLD_HERE = frozenset({"founded", "waiting"})  # told from the state, with the next step
_MARKS = {"warning": "! ", "error": "✗ "}


class Story:
    """What was said so far."""

    def __init__(self, words: Words, now: float, *, prompt: bool) -> None:
        """Begin at `now`, in seconds of a clock that only goes forward; `prompt`: one can type."""
        self._words = words
        self._way_out = (
            "type exit or press Ctrl-C to leave" if prompt else f"to leave: {words.here} down"
        )
        self._begun_s = now
        self._said: dict[str, object] = {}
        self._state: dict[str, Any] | None = None
        self._settled: tuple[object, float] = (None, now)
        self._transfers: set[str] = set()

    def __repr__(self) -> str:
        return f"Story({len(self._said)} topics told, {len(self._transfers)} transfers)"

    def on_notice(self, notice: dict[str, Any]) -> list[str]:
        """Return the line for something a person was told."""
        if notice["code"] in _TOLD_HERE:
            return []
        return [_MARKS.get(notice["level"], "") + shown(notice["text"])]

    def on_state(self, state: dict[str, Any], now: float) -> list[str]:
        """Return the lines for what is new in a snapshot."""
        self._state = state
        lines = []
        if self._first("title", state["device"]["id"]):
            lines.append(title(state))
        for found in state["found"]:
            # Addresses differ from one network to the next; the same group is told once.
            about = (found["name"], found["label"], found["open"], state["door"]["open"])
            if self._first(f"found {about}", "said"):
                lines += found_lines({**state, "found": [found]}, self._words)
        if (
            state["state"] == "waiting"
            and state["reason"]
            and not state["found"]
            and self._first("waiting", state["reason"])
        ):
            lines.append("Waiting: " + shown(state["reason"]))
        lines += self._unshared_lines(state)
        return lines + self.on_tick(now)

    def on_tick(self, now: float) -> list[str]:
        """Return the lines that time alone makes true: alone for long, settled for a moment."""
        state = self._state
        if state is None:
            return []
        lines = self._group_lines(state, now)
        alone = not state["found"] and not any(
            one["online"] for one in state["devices"] if not one["me"]
        )
        if alone and now - self._begun_s >= ALONE_S and self._first("alone", "said"):
            lines += nobody_lines(state, self._words)
        return lines + self._settled_lines(state, now)

    def transfer_lines(self, state: dict[str, Any]) -> list[str]:
        """Return a line for each large transfer that has begun: for screens without bars."""
        current = {one["path"]: one for one in state["transfers"] if one["size"] >= BIG_BYTES}
        fresh = [path for path in current if path not in self._transfers]
        self._transfers = set(current)
        return [_transfer_line(current[path]) for path in fresh]

    def _first(self, topic: str, value: object) -> bool:
        """Say whether `value` is new for `topic`, and remember it."""
        if self._said.get(topic) == value:
            return False
        self._said[topic] = value
        return True

    def _group_lines(self, state: dict[str, Any], now: float) -> list[str]:
        group, accompanied = state["group"], len(state["devices"]) > 1
        if group is None or state["state"] == "waiting":
            return []
        if not (accompanied or now - self._begun_s >= FOUNDED_S) or not self._first(
            "group", group["id"]
        ):
            return []
        name = shown(group["name"])
        if accompanied:
            node = state["node"]
            place = f" · node {node['number']} of {node['of']}" if node else ""
            first = f"Welcome to “{name}” ({count(len(state['devices']), 'device')}){place}."
        else:
            first = (
                f"No other device found here (asked {asked_words(state)}): "
                f"this device is the group “{name}”."
            )
        return [first, f"Put files in {shown(state['own_folder'])}      {self._way_out}"]

    def _unshared_lines(self, state: dict[str, Any]) -> list[str]:
        number = state["unshared"]["files"]
        if not number or not self._first("unshared", "said"):
            return []
        folder, are = shown(state["folder"]), "is" if number == 1 else "are"
        copies = f"copies them into {shown(state['own_folder'])}"
        shares = "--reflink shares the disk blocks (no extra space)"
        return [
            f"{count(number, 'file')} in {folder} {are} not shared yet, and left alone.",
            f"  to share them:  {self._words.here} add PATH…    {copies}",
            f"                  --move moves them instead, {shares}",
        ]

    def _settled_lines(self, state: dict[str, Any], now: float) -> list[str]:
        """Say once that everything is everywhere, when it has held for a moment."""
        whole = [one for one in state["devices"] if not one["need_files"]]
        behind = [one for one in state["devices"] if one["need_files"] and one["online"]]
        settled = state["state"] == "in_sync" and not behind and state["files"] > 0
        facts = (settled, state["files"], state["bytes"], len(whole))
        if facts != self._settled[0]:
            self._settled = (facts, now)
        if not settled or now - self._settled[1] < SETTLED_S or not self._first("settled", facts):
            return []
        where = f"on {len(whole)} of {count(len(state['devices']), 'device')}"
        return [f"✓ {count(state['files'], 'file')} · {size(state['bytes'])} · verified · {where}"]


def _transfer_line(one: dict[str, Any]) -> str:
    sources = ", ".join(map(shown, one["from"]))
    return f"↓ {shown(one['path'])} · {size(one['size'])} from {sources}"
