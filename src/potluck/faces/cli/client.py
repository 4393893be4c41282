"""The commands' way to a running potluck: HTTP over its Unix socket, standard library alone.

Strategy: one short connection per question, and one long one for events, all through `http.client`,
whose only change is how it connects. Errors of the local API come back as the errors they were, so
that a command has nothing to translate: same three parts, same exit code. Guarantees: a home where
nothing answers raises NotRunning with the next command; no call waits longer than its time-out.
Limits: one reader per event stream; it ends with StopIteration when the daemon does.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

from potluck.core import errors
from potluck.core.errors import NotRunning, PotluckError, TimedOut
from potluck.faces.cli.output import Json, command
from potluck.shells.state.home import home_paths, socket_candidates

CALL_S = 15.0  # the local API answers within 10 s
EVENTS_S = 40.0  # two heartbeats and a half
_BY_CODE = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PotluckError)
}


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection whose address is a path."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("potluck", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """The local API of one home."""

    def __init__(self, state_dir: str) -> None:
        """Talk to the potluck whose state lies in `state_dir`; nothing is opened yet."""
        self._state_dir = state_dir

    def get(self, path: str) -> Json:
        """Return the data of a GET; raises PotluckError."""
        return self._call("GET", path, None)

    def post(self, path: str, body: object = None) -> Json:
        """Return the data of a POST; raises PotluckError."""
        return self._call("POST", path, body)

    def state(self) -> dict[str, Any]:
        """Return the latest snapshot."""
        state: dict[str, Any] = self.get("/api/v1/state")
        return state

    def files(self, prefix: str = "") -> list[dict[str, Any]]:
        """Return the files whose path starts with `prefix`."""
        from urllib.parse import quote

        files: list[dict[str, Any]] = self.get("/api/v1/files?prefix=" + quote(prefix, safe=""))
        return files

    def events(self, after: int = 0) -> Iterator[tuple[str, Json]]:
        """Yield ("state" or "notice", data) until the daemon ends; raises NotRunning."""
        connection, answer = self._ask("GET", f"/api/v1/events?after={after}", None, EVENTS_S)
        name = "message"
        try:
            while line := answer.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text[7:]
                elif text.startswith("data: "):
                    yield name, json.loads(text[6:])
        except (OSError, http.client.HTTPException):
            return  # the daemon is gone: the caller sees the end of the stream
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: object) -> Json:
        connection, answer = self._ask(method, path, body, CALL_S)
        try:
            envelope = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._not_running(str(error)) from error
        finally:
            connection.close()
        if envelope.get("ok"):
            return envelope.get("data")
        raise _error_of(envelope.get("error", {}))

    def _ask(
        self, method: str, path: str, body: object, timeout_s: float
    ) -> tuple[_UnixConnection, http.client.HTTPResponse]:
        reason = ""
        for candidate in socket_candidates(self._state_dir):
            connection = _UnixConnection(candidate, timeout_s)
            try:
                data = None if body is None else json.dumps(body).encode()
                connection.request(
                    method, path, data, {"content-type": "application/json"} if data else {}
                )
                return connection, connection.getresponse()
            except TimeoutError as error:
                connection.close()
                raise TimedOut(
                    "potluck runs but does not answer.",
                    "the machine or its disk is very busy",
                    "try again",
                ) from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                reason = reason or str(error)
        raise self._not_running(reason)

    def _not_running(self, reason: str) -> NotRunning:
        return NotRunning(
            "No potluck is running here.",
            "it was not started, or with another --home "
            f"(nothing answers for {self._state_dir}: {reason})",
            command("up"),
        )


def client_of(home: str | None) -> Client:
    """Return the client for the potluck of `home` (None: the usual place)."""
    return Client(home_paths(home).state_dir)


def _error_of(described: dict[str, str]) -> PotluckError:
    kind = _BY_CODE.get(described.get("code", ""), PotluckError)
    return kind(described.get("message", ""), described.get("cause", ""), described.get("fix", ""))
