"""The commands' way to a running potluck: HTTP over its Unix socket, by hand.

Strategy: one short connection per question, and one long one for events. A request is HTTP/1.0, so
that an answer ends where the connection does and nothing has to be taken apart: `http.client` would
cost every `status` a third of its time. Errors of the local API come back as the errors they were,
so that a command has nothing to translate: same three parts, same exit code, and commands of ours
as they are typed here. Guarantees: a home
where nothing answers raises NotRunning with the next command; no call waits longer than its time-
out, and none for a process that was stopped (Ctrl-Z), where the system says so; a snapshot that is
older than it was asked for is an error, unless the caller takes it; a listing of any length is
asked for and held page by page. Limits: one reader per event stream; it ends with
StopIteration when the daemon does.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from potluck.core.errors import ERRORS_BY_CODE, NotRunning, PotluckError, TimedOut, UsageError
from potluck.faces.cli.output import Json, command, is_ours
from potluck.shells.state.home import holder_of, home_paths, socket_candidates

CALL_S = 15.0  # the local API answers within 10 s
EVENTS_S = 40.0  # two heartbeats and a half
LOOK_S = 1.0  # of silence, then whoever is asked may have been stopped
_STOPPED = frozenset("Tt")  # by a signal, by a debugger: proc_pid_stat(5)


class Client:
    """The local API of one home."""

    def __init__(self, state_dir: str) -> None:
        """Talk to the potluck whose state lies in `state_dir`; nothing is opened yet."""
        self._state_dir = state_dir

    def __repr__(self) -> str:
        return f"Client({self._state_dir})"

    def get(self, path: str, timeout_s: float | None = None) -> Json:
        """Return the data of a GET; raises PotluckError."""
        return self._call("GET", path, None, timeout_s)

    def post(self, path: str, body: object = None, timeout_s: float | None = None) -> Json:
        """Return the data of a POST; raises PotluckError."""
        return self._call("POST", path, body, timeout_s)

    def act(self, name: str, body: object) -> str:
        """Have something done and return what happened; raises PotluckError."""
        text: str = self.post(f"/api/v1/act/{name}", body)["text"]
        return text

    def state(self, *, fresh: bool = True) -> dict[str, Any]:
        """Return a snapshot of now; unless `fresh`, the last one, within a moment.

        Raises TimedOut if `fresh` and the only one there is was made before.
        """
        state = self.newest() if fresh else self.get("/api/v1/state")
        if fresh and state.get("age_s"):
            raise self._silent()
        known: dict[str, Any] = state
        return known

    def newest(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Return a snapshot of now, or the last one if whoever is asked does not get to it.

        `age_s` in it says how old it is, 0 if it is of now.
        """
        state: dict[str, Any] = self.get("/api/v1/state?fresh=1", timeout_s)
        return state

    def files(self, path: str = "") -> Iterator[dict[str, Any]]:
        """Yield the files and folders that are `path` or below it; asks page by page."""
        after: str | None = ""
        while after is not None:
            page = self.get(f"/api/v1/files?path={in_query(path)}&after={in_query(after)}")
            yield from page["files"]
            after = page["next"]

    def folder_pages(self, path: str = "", *, copies: bool = False) -> Iterator[dict[str, Any]]:
        """Yield what is directly in a folder, page by page; a large entry comes in parts.

        `copies`: with the number of devices that have each; a file is the only entry of itself.
        """
        after: str | None = ""
        what = "copied" if copies else "folder"
        while after is not None:
            page = self.get(f"/api/v1/{what}?path={in_query(path)}&after={in_query(after)}")
            yield page
            after = page["next"]

    def versions(self, path: str = "", limit: int = 0) -> dict[str, Any]:
        """Return the newest `limit` versions in the trash that are `path` or below it."""
        page: dict[str, Any] = self.get(f"/api/v1/trash?path={in_query(path)}&limit={limit}")
        return page

    def history(self, path: str = "", limit: int = 0) -> dict[str, Any]:
        """Return the same, and what the trash of others may hold of my own folder."""
        page: dict[str, Any] = self.get(f"/api/v1/history?path={in_query(path)}&limit={limit}")
        return page

    def events(self, after: int = 0) -> Iterator[tuple[str, Json]]:
        """Yield ("state" or "notice", data) until the daemon ends; raises NotRunning."""
        name = "message"
        with self._ask("GET", f"/api/v1/events?after={after}", None, EVENTS_S) as answer:
            try:
                while line := answer.readline():
                    text = line.decode().rstrip("\n")
                    if text.startswith("event: "):
                        name = text[7:]
                    elif text.startswith("data: "):
                        yield name, json.loads(text[6:])
            except OSError:
                return  # the daemon is gone: the caller sees the end of the stream

    def _call(self, method: str, path: str, body: object, timeout_s: float | None) -> Json:
        patience_s = CALL_S if timeout_s is None else timeout_s
        with self._ask(method, path, body, patience_s) as answer:
            try:
                envelope = json.loads(answer.read())
            except TimeoutError as error:
                raise self._silent() from error
            except (OSError, ValueError) as error:
                raise self._not_running(str(error)) from error
        if envelope.get("ok"):
            return envelope.get("data")
        raise _error_of(envelope.get("error", {}))

    def _ask(self, method: str, path: str, body: object, timeout_s: float) -> BinaryIO:
        """Return the answer, read up to its body; whoever closes it ends the connection."""
        data = b"" if body is None else _encoded(body)
        request = f"{method} {path} HTTP/1.0\r\nhost: potluck\r\n"
        request += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        reason = ""
        for candidate in socket_candidates(self._state_dir):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(timeout_s)
            try:
                connection.connect(candidate)
                connection.sendall(request.encode() + data)
                self._await_answer(connection, timeout_s)
                return _after_head(connection)
            except (TimeoutError, BlockingIOError) as error:  # the latter: too many wait already
                raise self._silent() from error
            except OSError as error:
                reason = reason or error.strerror or str(error)
            finally:
                connection.close()  # what was made of it stays open
        raise self._not_running(reason)

    def _await_answer(self, connection: socket.socket, timeout_s: float) -> None:
        """Wait until there is something to read; raises TimeoutError, or TimedOut if it is stopped.

        An answer may take long; a process that was stopped gives none however long one waits.
        """
        until_s, answers = time.monotonic() + timeout_s, select.poll()
        answers.register(connection, select.POLLIN)
        while not answers.poll(min(LOOK_S, timeout_s) * 1000):
            if time.monotonic() >= until_s:
                raise TimeoutError
            if _is_stopped(holder_of(self._state_dir)):
                raise self._silent()

    def _silent(self) -> TimedOut:
        holder = holder_of(self._state_dir)
        if _is_stopped(holder):
            return TimedOut(
                "potluck does not answer: it is stopped.",
                f"somebody typed Ctrl-Z where it runs, or stopped its process {holder}",
                f"fg in the terminal where it was started, or: kill -CONT {holder}",
            )
        return TimedOut(
            "potluck runs but does not answer.",
            "the machine or its disk is very busy, or potluck was stopped (Ctrl-Z)",
            "try again; if it was stopped: fg in the terminal where it was started",
        )

    def _not_running(self, reason: str) -> NotRunning:
        return NotRunning(
            "No potluck is running here.",
            "it was not started, is just starting, or has another --home "
            f"(nothing answers for {self._state_dir}: {reason})",
            command("up"),
        )


def client_of(home: str | Client | None) -> Client:
    """Return the client for the potluck of `home` (None: the usual place); one at hand is it."""
    return home if isinstance(home, Client) else Client(home_paths(home).state_dir)


def _after_head(connection: socket.socket) -> BinaryIO:
    """Return what comes after the head of an answer; raises OSError if none comes."""
    answer = connection.makefile("rb")
    line = answer.readline()
    while line.strip():
        line = answer.readline()
    if not line:
        answer.close()
        raise ConnectionError("it hung up")
    return answer


def _encoded(body: object) -> bytes:
    """Return what is sent; raises UsageError if something was typed that is not text."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError(
            "What was typed is not text.",
            "it is not in UTF-8, as all names are here",
            f"{command('status --json')} shows the names, and ids that mean the same devices",
        ) from None


def _is_stopped(process: int | None) -> bool:
    """Say whether a process is known to be stopped; False where the system does not say."""
    try:
        with open(f"/proc/{process}/stat", errors="replace") as file:
            facts = file.read()
    except OSError:
        return False
    letter = (facts.rpartition(")")[2].split() or [""])[0]
    return letter in _STOPPED


def in_query(text: str) -> str:
    """Return a text as it stands in the address of a question."""
    from urllib.parse import quote

    return quote(text, safe="", errors="replace")


def _error_of(described: dict[str, str]) -> PotluckError:
    kind = ERRORS_BY_CODE.get(described.get("code", ""), PotluckError)
    fix = typed_steps(described.get("fix", ""))
    return kind(described.get("message", ""), described.get("cause", ""), fix)


def typed_steps(fix: str) -> str:
    """Return next steps, a line each, so that one that is a command of ours can be typed here."""
    return "\n".join(command(step) if is_ours(step) else step for step in fix.splitlines())
