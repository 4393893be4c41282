"""The local API: frozen views out, commands in, over HTTP on a Unix socket only this user may open.

Strategy: one small ASGI application on a socket that we bind ourselves: bound, made 0600, and only
then listened on, so there is no moment at which another user can connect; and who connects is asked
for (peer_credentials.py), whatever became of those rights. It runs in its own
thread, "page", with its own asyncio loop, and knows the rest of the program as an `ApiSource`,
whose calls may block and are therefore made from worker threads. The event stream polls that source
while somebody listens, and costs nothing while nobody does.

Guarantees: every answer is `{"schema":1,"ok":true,"data":…}` or
`{"schema":1,"ok":false,"error":{code, message, cause, fix}}`; a bad request is an answer, never an
end. `stop` returns in about 0.2 s even with streams open: they are told first, since uvicorn would
wait for them and then print a traceback (Kludex/uvicorn#451). A client that does not read costs one
second more, and prints nothing either. Limits: requests of at most 1 MiB; notices are resumed by
number, the state is always sent whole. A file list is answered page by page.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - starlette reads the annotations
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from potluck.core.errors import NotFound, PotluckError
from potluck.shells.api.acts import decode_act
from potluck.shells.api.api_source import ApiSource
from potluck.shells.api.peer_credentials import OwnersSocket
from potluck.shells.api.requests import (
    NUMBER_DIGITS,
    body_of,
    decode_add,
    decode_door,
    decode_flush,
    decode_restore,
    limit_of,
)
from potluck.shells.api.unanswered import Unanswered

API_SCHEMA: Final = 1  # of every answer; a change that breaks clients makes it 2
EVENT_INTERVAL_S: Final = 0.25  # a person does not read faster, and a poll costs one encoding
QUIET_INTERVAL_S: Final = 1.0  # where nothing changes: a view left open costs next to nothing
QUIET_AFTER_S: Final = 3.0  # without a change; longer than the pauses of anything under way
HEARTBEAT_S: Final = 15.0  # so that a client notices a daemon that is gone
BACKLOG_CLIENTS: Final = 64  # who may connect before the server gets to accept
PAGE_STOP_S: Final = 5.0  # to start or to end; uvicorn needs a tenth of a second

_log = logging.getLogger(__name__)


class ApiServer:
    """The running local API on one Unix socket."""

    def __init__(self, socket_path: str, source: ApiSource) -> None:
        """Serve `source` on `socket_path`, which must be ours: the home was claimed before."""
        self.socket_path = socket_path
        self._source = source
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._ready = threading.Event()
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def __repr__(self) -> str:
        """Show whether it serves."""
        return f"<ApiServer: serving={self._socket is not None}>"

    def start(self) -> None:
        """Bind and serve; a client may connect as soon as this returns. Raises PotluckError."""
        listener = OwnersSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with suppress(FileNotFoundError):
                # left by a crash: whoever holds the home's claim owns the name
                os.unlink(self.socket_path)
            listener.bind(self.socket_path)
            os.chmod(self.socket_path, 0o600)
            listener.listen(BACKLOG_CLIENTS)
        except OSError as error:
            listener.close()
            fix = "use a home on a local disk: --home DIR"
            if os.path.lexists(self.socket_path):
                fix = f"move away what stands there: ls -ld {shlex.quote(self.socket_path)}"
            raise PotluckError(
                f"The control socket {self.socket_path} cannot be made.",
                str(error.strerror or error),
                fix,
            ) from error
        listener.settimeout(0)
        self._socket = listener
        self._thread.start()
        self._ready.wait(PAGE_STOP_S)

    def stop(self) -> None:
        """End the streams, then the server; harmless when it never started."""
        if self._socket is None:
            return
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stopping.set)
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(PAGE_STOP_S)
        self._socket.close()
        self._socket = None
        with suppress(FileNotFoundError):
            os.unlink(self.socket_path)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(Unanswered().on_exception)
        self._stopping = asyncio.Event()
        assert self._socket is not None
        config = uvicorn.Config(
            application(self._source, self._stopping),
            log_config=None,
            # a stream cut off at the end is no error; what fails in here is logged in here
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            timeout_graceful_shutdown=1,
            backlog=BACKLOG_CLIENTS,
        )
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve(sockets=[self._socket])
        # of those who did not read to the end
        for connection in list(self._server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # the loop closes them


def application(source: ApiSource, stopping: asyncio.Event) -> Starlette:
    """Build the ASGI application over `source`; its streams end when `stopping` is set."""
    endpoints, paths = _Endpoints(source, stopping), _PathEndpoints(source)
    routes = [
        Route("/api/v1/state", endpoints.state, methods=["GET"]),
        Route("/api/v1/files", paths.files, methods=["GET"]),
        Route("/api/v1/copied", paths.copied, methods=["GET"]),
        Route("/api/v1/folder", paths.folder, methods=["GET"]),
        Route("/api/v1/why", paths.why, methods=["GET"]),
        Route("/api/v1/info", paths.info, methods=["GET"]),
        Route("/api/v1/events", endpoints.events, methods=["GET"]),
        Route("/api/v1/leave", endpoints.leave, methods=["POST"]),
        Route("/api/v1/door", endpoints.door, methods=["POST"]),
        Route("/api/v1/keepers", endpoints.keepers, methods=["GET"]),
        Route("/api/v1/flush", endpoints.flush, methods=["POST"]),
        Route("/api/v1/add", endpoints.add, methods=["POST"]),
        Route("/api/v1/act/{name}", endpoints.act, methods=["POST"]),
        Route("/api/v1/trash", endpoints.trash, methods=["GET"]),
        Route("/api/v1/history", endpoints.history, methods=["GET"]),
        Route("/api/v1/restore", endpoints.restore, methods=["POST"]),
        Route("/api/v1/rescan", endpoints.rescan, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {PotluckError: _refused, HTTPException: _http_refused, 500: _broken}
    return Starlette(routes=routes, exception_handlers=handlers)


class _PathEndpoints:
    """One method per address that asks about a path."""

    def __init__(self, source: ApiSource) -> None:
        """Answer from `source`."""
        self._source: Final = source

    async def files(self, request: Request) -> Response:
        asked = request.query_params
        path, after, limit = asked.get("path", ""), asked.get("after", ""), limit_of(asked)
        return _answer(await run_in_threadpool(self._source.files, path, after, limit))

    async def folder(self, request: Request) -> Response:
        asked = request.query_params
        path, after = asked.get("path", ""), asked.get("after", "")
        return _answer(await run_in_threadpool(self._source.folder, path, after))

    async def why(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        return _answer(await run_in_threadpool(self._source.paths.why, path))

    async def copied(self, request: Request) -> Response:
        asked = request.query_params
        path, after = asked.get("path", ""), asked.get("after", "")
        return _answer(await run_in_threadpool(self._source.paths.copied, path, after))

    async def info(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        return _answer(await run_in_threadpool(self._source.paths.info, path))


class _Endpoints:
    """One method per address; the source is only ever called from worker threads."""

    def __init__(self, source: ApiSource, stopping: asyncio.Event) -> None:
        """Answer from `source` until `stopping` is set."""
        self._source: Final = source
        self._stopping: Final = stopping

    def __repr__(self) -> str:
        """Show whether streams are being ended."""
        return f"<_Endpoints: stopping={self._stopping.is_set()}>"

    async def state(self, request: Request) -> Response:
        fresh = request.query_params.get("fresh", "") == "1"
        return _answer(await run_in_threadpool(self._source.state, fresh=fresh))

    async def keepers(self, _request: Request) -> Response:
        return _answer(await run_in_threadpool(self._source.keepers))

    async def flush(self, request: Request) -> Response:
        patience_s, waited_s = decode_flush(await body_of(request.stream()))
        return _answer(await run_in_threadpool(self._source.flush, patience_s, waited_s))

    async def door(self, request: Request) -> Response:
        open_s = decode_door(await body_of(request.stream()))
        return _answer(await run_in_threadpool(self._source.door, open_s))

    async def leave(self, _request: Request) -> Response:
        await run_in_threadpool(self._source.leave)
        return _answer({})

    async def rescan(self, _request: Request) -> Response:
        await run_in_threadpool(self._source.rescan)
        return _answer({})

    async def add(self, request: Request) -> Response:
        wanted = decode_add(await body_of(request.stream()))
        return _answer(await run_in_threadpool(self._source.add, wanted.paths, wanted.mode))

    async def act(self, request: Request) -> Response:
        wanted = decode_act(request.path_params["name"], await body_of(request.stream()))
        return _answer(await run_in_threadpool(self._source.act, wanted))

    async def trash(self, request: Request) -> Response:
        asked = request.query_params
        path, limit = asked.get("path", ""), limit_of(asked)
        return _answer(await run_in_threadpool(self._source.versions.trash, path, limit))

    async def history(self, request: Request) -> Response:
        asked = request.query_params
        path, limit = asked.get("path", ""), limit_of(asked)
        return _answer(await run_in_threadpool(self._source.versions.history, path, limit))

    async def restore(self, request: Request) -> Response:
        path = decode_restore(await body_of(request.stream()))
        return _answer(await run_in_threadpool(self._source.versions.restore, path))

    async def events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", request.query_params.get("after", "0"))
        after = int(last) if last.isascii() and last.isdigit() and len(last) <= NUMBER_DIGITS else 0
        return StreamingResponse(
            self._stream(after),
            media_type="text/event-stream",
            headers={"cache-control": "no-store"},
        )

    async def _stream(self, after: int) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks(after):
                yield chunk
        except Exception as error:  # noqa: BLE001 # house: too late for an answer: the log shows it
            _log.error("the event stream failed", exc_info=error)

    async def _chunks(self, after: int) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        shown: dict[str, Any] = {}
        beat_s = loop.time()
        while not self._stopping.is_set():
            chunks = []
            for notice in await run_in_threadpool(self._source.notices, after):
                after = max(after, int(notice["number"]))
                chunks.append(b"id: %d\nevent: notice\ndata: %s\n\n" % (after, _json(notice)))
            state = shown
            with suppress(PotluckError):  # there is none yet
                state = await run_in_threadpool(self._source.state)
            said = {**state, "age_s": 0.0} if state else shown
            if said != shown:  # a snapshot that only ages is no news
                shown = said
                chunks.append(b"event: state\ndata: %s\n\n" % _json(state))
            if not chunks and loop.time() - beat_s >= HEARTBEAT_S:
                chunks.append(b": still here\n\n")
            if chunks:
                beat_s = loop.time()
                yield b"".join(chunks)
            quiet = loop.time() - beat_s > QUIET_AFTER_S
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._stopping.wait(), QUIET_INTERVAL_S if quiet else EVENT_INTERVAL_S
                )


# -- answers --------------------------------------------------------------------------------------
def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _answer(data: object) -> Response:
    return _response(200, {"schema": API_SCHEMA, "ok": True, "data": data})


def _response(status: int, envelope: dict[str, Any]) -> Response:
    return Response(_json(envelope), status, {"cache-control": "no-store"}, "application/json")


def _error(status: int, error: PotluckError) -> Response:
    described = {"code": error.code, "message": error.what, "cause": error.cause, "fix": error.fix}
    return _response(status, {"schema": API_SCHEMA, "ok": False, "error": described})


async def _refused(_request: Request, error: PotluckError) -> Response:
    return _error(404 if isinstance(error, NotFound) else 400, error)


async def _http_refused(request: Request, error: HTTPException) -> Response:
    what = f"There is nothing at {request.method} {request.url.path}."
    return _error(error.status_code, NotFound(what, str(error.detail), "see docs/faces.md §4"))


async def _broken(_request: Request, error: Exception) -> Response:
    _log.error("the local API failed", exc_info=error)
    return _error(
        500, PotluckError("potluck failed to answer.", type(error).__name__, "look into the log")
    )
