"""The local API over its real socket: envelopes, bad requests, the event stream, and a stop that
does not wait.
"""

from __future__ import annotations

import http.client
import json
import logging
import math
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import NotFound, PotluckError, Refused, TimedOut
from potluck.engine.person_acts import ApproveAsked, PersonAct
from potluck.engine.views.listing import PAGE_FILES
from potluck.shells.api import server
from potluck.shells.api.requests import REQUEST_BYTES
from potluck.shells.api.server import ApiServer
from tests.faces.fakes import FakeVersions
from tests.fair_time import FairTime


class Source:
    """Answers that a test decides."""

    def __init__(self) -> None:
        self.versions = FakeVersions()
        self.current: dict[str, Any] = {"files": 1}
        self.told: list[dict[str, Any]] = []
        self.paths = self
        self.asked: list[Any] = []
        self.freshness: list[bool] = []
        self.failure: Exception | None = None

    def state(self, *, fresh: bool = False) -> dict[str, Any]:
        self.freshness.append(fresh)
        if self.failure is not None:
            raise self.failure
        return self.current

    def notices(self, after: int) -> list[dict[str, Any]]:
        return [notice for notice in self.told if notice["number"] > after]

    def files(self, path: str, after: str, limit: int) -> dict[str, Any]:
        return {"files": [path, after, limit], "next": None}

    def folder(self, path: str, after: str) -> dict[str, Any]:
        return {"entries": [path, after], "next": None, "known": True}

    def door(self, open_s: float | None) -> dict[str, Any]:
        self.asked.append(("door", open_s))
        return {"open": open_s is not None, "until_s": None}

    def why(self, path: str) -> dict[str, Any]:
        return {"why": path}

    def info(self, path: str) -> dict[str, Any]:
        return {"info": path}

    def copied(self, path: str, after: str) -> dict[str, Any]:
        return {"copied": (path, after)}

    def keepers(self) -> dict[str, Any]:
        return {"heads": [], "devices": []}

    def flush(self, patience_s: float, waited_s: float) -> dict[str, Any]:
        self.asked.append(("flush", patience_s, waited_s))
        return {"ok": True, "text": ""}

    def leave(self) -> None:
        self.asked.append("leave")

    def add(self, paths: list[str], mode: str) -> dict[str, Any]:
        self.asked.append((paths, mode))
        return {"ok": True, "text": "added"}

    def act(self, act: Callable[[int], PersonAct]) -> dict[str, Any]:
        self.asked.append(act(7))
        return {"text": "done"}

    def rescan(self) -> None:
        self.asked.append("rescan")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def served(tmp_path: Path, source: Source) -> Iterator[ApiServer]:
    running = ApiServer(str(tmp_path / "s"), source)
    running.start()
    yield running
    running.stop()


class Connection(http.client.HTTPConnection):
    def __init__(self, served: ApiServer) -> None:
        super().__init__("x", timeout=10)
        self.path = served.socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def ask(served: ApiServer, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    connection = Connection(served)
    connection.request(method, path, body)
    answer = connection.getresponse()
    envelope = json.loads(answer.read())
    connection.close()
    assert envelope["schema"] == 1
    assert envelope["ok"] == (answer.status == 200)
    return answer.status, envelope


def test_the_socket_is_ours_alone_and_gone_after(served: ApiServer) -> None:
    path = Path(served.socket_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    served.stop()
    served.stop()
    assert not path.exists()


def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path, source: Source) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()
    running = ApiServer(str(tmp_path / "s"), source)
    running.start()
    assert ask(running, "GET", "/api/v1/state")[0] == 200
    running.stop()


def test_a_socket_that_cannot_be_made_is_said(tmp_path: Path, source: Source) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "s", tmp_path / ("x" * 200), tmp_path / "folder"):
        running = ApiServer(str(path), source)
        with pytest.raises(PotluckError, match="cannot be made"):
            running.start()
        running.stop()


def test_what_stands_in_the_place_of_the_socket_is_said_and_stays(
    tmp_path: Path, source: Source
) -> None:
    path = tmp_path / "a home" / "control.sock"
    path.mkdir(parents=True)
    running = ApiServer(str(path), source)
    with pytest.raises(PotluckError, match="cannot be made") as caught:
        running.start()
    assert caught.value.cause
    assert caught.value.fix == f"move away what stands there: ls -ld '{path}'"
    running.stop()
    assert path.is_dir()


def test_views(served: ApiServer) -> None:
    assert ask(served, "GET", "/api/v1/state") == (
        200,
        {"schema": 1, "ok": True, "data": {"files": 1}},
    )
    for question, files in {
        "?path=a%2F%C3%BC&after=b&limit=7": ["a/ü", "b", 7],
        "": ["", "", PAGE_FILES],
        "?limit=many": ["", "", PAGE_FILES],
        "?limit=-1": ["", "", PAGE_FILES],
    }.items():
        assert ask(served, "GET", "/api/v1/files" + question)[1]["data"]["files"] == files
    answer = ask(served, "GET", "/api/v1/folder?path=a%2F%C3%BC&after=b")[1]["data"]
    assert answer["entries"] == ["a/ü", "b"]
    assert ask(served, "GET", "/api/v1/folder")[1]["data"]["entries"] == ["", ""]


def test_a_state_is_a_look_unless_it_must_be_of_now(served: ApiServer, source: Source) -> None:
    for question in ("", "?fresh=1", "?fresh=0"):
        ask(served, "GET", "/api/v1/state" + question)
    assert source.freshness == [False, True, False]


def test_acts(served: ApiServer, source: Source) -> None:
    assert ask(served, "POST", "/api/v1/rescan")[0] == 200
    status, answer = ask(served, "POST", "/api/v1/act/approve", b'{"name":"bert"}')
    assert (status, answer["data"]) == (200, {"text": "done"})
    assert ask(served, "POST", "/api/v1/leave")[0] == 200
    _, envelope = ask(served, "POST", "/api/v1/add", b'{"paths":["/a"],"mode":"move"}')
    assert envelope["data"] == {"ok": True, "text": "added"}
    assert source.asked == ["rescan", ApproveAsked(7, "bert"), "leave", (["/a"], "move")]


@pytest.mark.parametrize(
    ("body", "open_s"),
    [
        (b'{"open":true}', 3600),
        (b'{"open":true,"minutes":0.5}', 30),
        (b'{"open":true,"minutes":null}', math.inf),
        (b'{"open":false}', None),
    ],
)
def test_the_door(served: ApiServer, source: Source, body: bytes, open_s: float | None) -> None:
    _, envelope = ask(served, "POST", "/api/v1/door", body)
    assert envelope["data"]["open"] == (open_s is not None)
    assert source.asked == [("door", open_s)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b'{"open":1}', b'{"open":true,"minutes":0}', b'{"open":true,"minutes":1441}',
     b'{"open":true,"minutes":-1}', b'{"open":true,"x":1}', b"\xff"],
    ids=range(9),
)  # fmt: skip
def test_a_door_that_cannot_be_meant_stays_as_it_is(
    served: ApiServer, source: Source, body: bytes
) -> None:
    assert ask(served, "POST", "/api/v1/door", body)[0] == 400
    assert source.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"paths":[]}',
        b'{"paths":["relative"]}',
        b'{"paths":"/a"}',
        b'{"paths":["/a"],"x":1}',
        b'{"paths":["/a"],"mode":"steal"}',
        b"\xff",
        b'{"paths":["' + b"x" * REQUEST_BYTES + b'"]}',
    ],
    ids=range(10),
)
def test_a_bad_request_is_an_answer_and_nothing_happens(
    served: ApiServer, source: Source, body: bytes
) -> None:
    status, envelope = ask(served, "POST", "/api/v1/add", body)
    assert status == 400
    assert {"code", "message", "cause", "fix"} == envelope["error"].keys()
    assert source.asked == []


def test_an_unknown_address_or_method_is_an_answer(served: ApiServer, source: Source) -> None:
    assert ask(served, "GET", "/nothing")[0] == 404
    assert ask(served, "GET", "/api/v1/leave")[0] == 405
    assert source.asked == []


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(Refused("no", "why", "how"), 400, "refused"), (NotFound("gone"), 404, "not_found")],
)
def test_an_error_keeps_its_parts(
    served: ApiServer, source: Source, failure: PotluckError, status: int, code: str
) -> None:
    source.failure = failure
    got, envelope = ask(served, "GET", "/api/v1/state")
    assert (got, envelope["error"]["code"], envelope["error"]["message"]) == (
        status,
        code,
        failure.what,
    )
    assert envelope["error"]["fix"] == failure.fix


def test_a_fault_is_an_answer_and_goes_into_the_log(
    served: ApiServer, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.failure = ZeroDivisionError("inside")
    status, envelope = ask(served, "GET", "/api/v1/state")
    assert (status, envelope["error"]["cause"]) == (500, "ZeroDivisionError")
    assert "inside" in caplog.text
    source.failure = None
    assert ask(served, "GET", "/api/v1/state")[0] == 200


def notice(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "code": "c",
        "text": f"notice {number}",
        "level": "info",
        "subject": "",
        "at_s": 0.0,
    }


def open_events(served: ApiServer, **headers: str) -> tuple[Connection, http.client.HTTPResponse]:
    connection = Connection(served)
    connection.request("GET", "/api/v1/events", headers=headers)
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    return connection, answer


def next_event(answer: http.client.HTTPResponse) -> list[str]:
    lines: list[str] = []
    while line := answer.readline().decode().rstrip("\n"):
        lines.append(line)
    return lines


def test_events_bring_notices_and_every_change(served: ApiServer, source: Source) -> None:
    source.told = [notice(1)]
    connection, answer = open_events(served)
    first = next_event(answer)
    assert first[:2] == ["id: 1", "event: notice"]
    assert json.loads(first[2].removeprefix("data: "))["text"] == "notice 1"
    assert next_event(answer) == ["event: state", 'data: {"files":1}']
    source.current = {"files": 2}
    assert next_event(answer) == ["event: state", 'data: {"files":2}']
    source.told.append(notice(2))
    assert next_event(answer)[0] == "id: 2"
    connection.close()


def test_a_snapshot_that_only_grows_old_is_no_news(served: ApiServer, source: Source) -> None:
    source.current = {"files": 1, "age_s": 0.0}
    connection, answer = open_events(served)
    assert json.loads(next_event(answer)[1].removeprefix("data: ")) == source.current
    for age_s in (0.3, 0.6):
        source.current = {"files": 1, "age_s": age_s}
    source.told = [notice(1)]
    assert next_event(answer)[0] == "id: 1"
    source.current = {"files": 2, "age_s": 0.0}
    assert json.loads(next_event(answer)[1].removeprefix("data: ")) == source.current
    connection.close()


def test_events_begin_before_there_is_a_state(served: ApiServer, source: Source) -> None:
    source.failure, source.told = TimedOut("nothing yet"), [notice(1)]
    connection, answer = open_events(served)
    assert next_event(answer)[0] == "id: 1"
    source.failure = None
    assert next_event(answer)[0] == "event: state"
    connection.close()


@pytest.mark.parametrize(("last", "number"), [("1", 2), ("nonsense", 1), ("9" * 30, 1), ("-5", 1)])
def test_events_resume_after_the_last_one_seen(
    served: ApiServer, source: Source, last: str, number: int
) -> None:
    source.told = [notice(1), notice(2)]
    connection, answer = open_events(served, **{"Last-Event-ID": last})
    assert next_event(answer)[0] == f"id: {number}"
    connection.close()


def test_a_silent_stream_has_a_heartbeat(
    served: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_S", 0.0)
    connection, answer = open_events(served)
    next_event(answer)
    assert next_event(answer) == [": still here"]
    connection.close()


def test_stopping_ends_open_streams_without_waiting(served: ApiServer) -> None:
    connection, answer = open_events(served)
    next_event(answer)
    with FairTime() as clock:
        served.stop()
    assert clock.spent() < server.PAGE_STOP_S * 0.9
    assert answer.read() == b""
    connection.close()


def test_a_control_that_never_started_stops(tmp_path: Path, source: Source) -> None:
    ApiServer(str(tmp_path / "s"), source).stop()


def test_a_client_that_does_not_read_prints_nothing_at_the_end(
    served: ApiServer,
    source: Source,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source.told = [
        {"number": n, "code": "c", "text": "x" * 2000, "level": "info", "subject": "", "at_s": 0.0}
        for n in range(1, 1000)
    ]
    connection = Connection(served)
    connection.request("GET", "/api/v1/events")
    connection.sock.recv(10)  # it is being answered, and 2 MB wait
    with FairTime() as clock:
        served.stop()
    assert clock.spent() < server.PAGE_STOP_S * 0.9
    connection.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")


def test_a_stream_that_fails_ends_and_is_written_down(
    served: ApiServer, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    connection, answer = open_events(served)
    next_event(answer)
    source.failure = ZeroDivisionError("oops")
    assert b"oops" not in answer.read()
    connection.close()
    assert [record.getMessage() for record in caplog.records] == ["the event stream failed"]


@pytest.mark.parametrize("question", ["why", "info"])
def test_a_question_about_a_path_is_passed_on(served: ApiServer, question: str) -> None:
    status, envelope = ask(served, "GET", f"/api/v1/{question}?path=ann%2Fa%20b")
    assert (status, envelope["data"]) == (200, {question: "ann/a b"})
    assert ask(served, "GET", f"/api/v1/{question}")[1]["data"] == {question: ""}


def test_a_folder_is_asked_for_with_its_copies(served: ApiServer) -> None:
    status, envelope = ask(served, "GET", "/api/v1/copied?path=ann%2Fa%20b&after=c%2F")
    assert (status, envelope["data"]) == (200, {"copied": ["ann/a b", "c/"]})
    assert ask(served, "GET", "/api/v1/copied")[1]["data"] == {"copied": ["", ""]}


def test_everybody_is_asked_what_is_there_and_who_keeps_what(
    served: ApiServer, source: Source
) -> None:
    status, envelope = ask(served, "POST", "/api/v1/flush", b'{"patience_s": 2.5}')
    assert (status, envelope["data"]) == (200, {"ok": True, "text": ""})
    assert source.asked == [("flush", 2.5, 0.0)]
    status, envelope = ask(served, "GET", "/api/v1/keepers")
    assert (status, envelope["data"]) == (200, {"heads": [], "devices": []})
    assert ask(served, "POST", "/api/v1/flush", b"{}")[0] == 400


def test_the_trash_is_asked_for_by_path_and_what_is_restored_by_its_name(
    source: Source, served: ApiServer
) -> None:
    status, envelope = ask(served, "GET", "/api/v1/trash?path=ann%2Fa&limit=7")
    assert (status, envelope["data"]) == (200, source.versions.found)
    status, envelope = ask(served, "GET", "/api/v1/history?path=ann&limit=3")
    assert (status, envelope["data"]) == (200, source.versions.found)
    ask(served, "POST", "/api/v1/restore", b'{"path":"ann/a@2"}')
    asked = [("trash", "ann/a", 7), ("history", "ann", 3), ("restore", "ann/a@2")]
    assert source.versions.asked == asked
    status, envelope = ask(served, "POST", "/api/v1/restore", b"{}")
    assert (status, envelope["error"]["code"]) == (400, "malformed")
    assert "ann" not in envelope["error"]["message"]
    assert "path" in envelope["error"]["fix"]
