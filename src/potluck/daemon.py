"""The daemon: the life of one running device, from the claim of its home to its end.

Strategy: the main thread claims the home, gives up the right to write anywhere else, has
everything built (assembly.py), starts the local API and then waits: for a signal, or for the engine
to have left. A supervisor that started the program is told when it is ready, that the loop turns,
and that it ends (shells/state/supervision.py). Everything is taken down in the opposite order.

Guarantees: whatever hears of other devices runs on threads that may write in FOLDER and the home
only, where the system can do that (shells/state/landlock.py). A home is used by one process at a
time, and so is a shared folder; SIGINT, SIGTERM and a closed terminal lead to the same graceful
leave as `exit`, from the first moment on, and a second SIGINT ends the program at once. Whatever
happens, socket and claims are given back. An index that is damaged, before the start or while the
program runs, is mended once nothing works on it (shells/state/mending.py). A loop that fails is an
error, never "has left". Limits: one device per process.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from potluck import assembly
from potluck.config.settings import DaemonFace, Settings
from potluck.core.content.paths import printable
from potluck.core.errors import IndexDamaged, PotluckError
from potluck.renewing import renew
from potluck.shells.api.server import ApiServer
from potluck.shells.api.source import RunningSource
from potluck.shells.loop.loop import Loop, leave
from potluck.shells.loop.signals import Interrupted, Signals
from potluck.shells.state import home
from potluck.shells.state.away import is_away, stand_in
from potluck.shells.state.landlock import Confinement, confine_writes
from potluck.shells.state.last_folder import remember_folder
from potluck.shells.state.mending import mend
from potluck.shells.state.private_home import make_private, notice_of
from potluck.shells.state.shared_place import check_no_part
from potluck.shells.state.starting_anew import STARTS_ANEW, STARTS_MENDED
from potluck.shells.state.supervision import READY, STOPPING, supervision

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    face: DaemonFace,
    *,
    starts_anew: bool = False,
    renews: bool = False,
    interrupted: Interrupted | None = None,
) -> int:
    """Run one device until it leaves; returns the exit code, or STARTS_ANEW or STARTS_MENDED to who
    can do that.

    `renews`: FOLDER is empty, and takes the place of the one that this device had; `interrupted`:
    says of a first Ctrl-C whether a person is asked about it. Raises PotluckError if it cannot
    start, or fails.
    """
    back, signals = threading.Event(), Signals(interrupted)
    try:
        failure = _run(settings, face, back, signals, starts_anew=starts_anew, renews=renews)
    except IndexDamaged as error:
        failure = error
    if isinstance(failure, IndexDamaged):
        _mend(settings, failure)
        if not starts_anew:
            raise _mended(settings)
        return STARTS_MENDED
    if failure is not None:
        raise _explained(failure)
    return STARTS_ANEW if back.is_set() else 0


def _run(
    settings: Settings,
    face: DaemonFace,
    back: threading.Event,
    signals: Signals,
    *,
    starts_anew: bool,
    renews: bool,
) -> Exception | None:
    """Run it, and return why its loop has failed; `back` is set if FOLDER came back."""
    supervisor = supervision()
    with ExitStack() as cleanup:
        cleanup.enter_context(signals)
        was_open = make_private(settings.state_dir)
        claim = home.claim_home(settings.state_dir)
        cleanup.callback(claim.release)
        mend(settings.state_dir)
        instead = "" if renews else _stand_in(settings)
        if not instead:
            check_no_part(settings.folder)
            cleanup.callback(home.claim_folder(settings.folder, settings.state_dir).release)
        if renews:
            renew(settings.folder, settings.state_dir)
        socket_path = home.socket_to_serve(settings.state_dir)
        imports = assembly.importers(cleanup)
        confinement = _confined(settings, instead or settings.folder, socket_path)
        source = RunningSource(home.files_outside(settings.folder), face, confinement)
        if was_open.home:
            source.told(notice_of(was_open, settings.state_dir))
        opened = assembly.open_all(settings, imports, cleanup, instead)
        is_its_own = assembly.is_its_share(opened)
        loop = assembly.start(opened, source, cleanup)
        signals.attach(loop)
        if starts_anew:
            assembly.watch_return(opened, partial(_leave_for_new_start, loop, back), cleanup)
        server = ApiServer(socket_path, source)
        cleanup.callback(server.stop)
        cleanup.callback(source.close)
        with suppress(PotluckError):  # whoever asks is told the same
            source.state(fresh=True)  # so that there is a last state to answer with
        server.start()
        if is_its_own:
            remember_folder(settings.state_dir, settings.folder)
        face.started({"socket": server.socket_path, "folder": settings.folder, "port": opened.port})
        supervisor.say(READY)
        supervisor.watch(loop.ended.wait, lambda timeout_s: _answers(loop, timeout_s))
        goes_on = back.is_set() or (starts_anew and isinstance(loop.failure, IndexDamaged))
        if not goes_on:  # else the process does
            supervisor.say(STOPPING)
    return loop.failure


def _mend(settings: Settings, found: IndexDamaged) -> None:
    """Begin a new index, now that nothing works on the damaged one; raises PotluckError."""
    claim = home.claim_home(settings.state_dir)
    try:
        mend(settings.state_dir, found)
    finally:
        claim.release()


def _mended(settings: Settings) -> PotluckError:
    """Return why a program ends that cannot start again by itself."""
    return IndexDamaged(
        "The index was damaged, and a new one was begun.",
        f"the damaged one is kept in {printable(settings.state_dir)}; no file was touched",
        "start potluck again",
    )


def _stand_in(settings: Settings) -> str:
    """Return what is opened in the place of a FOLDER that is away, "" if it is not."""
    if not is_away(settings.folder, settings.state_dir):
        return ""
    return stand_in(settings.state_dir)


def _leave_for_new_start(loop: Loop, back: threading.Event) -> None:
    back.set()
    leave(loop)


def _confined(settings: Settings, folder: str, socket_path: str) -> Confinement:
    """Confine what is written from now on, unless that is not wanted; log why it is not so."""
    if not settings.confine:
        return Confinement(on=False, reason="node.confine is false")
    ours = (folder, settings.state_dir, str(Path(socket_path).parent))
    confinement = confine_writes(dict.fromkeys(ours))
    if not confinement.on:
        _log.warning("writes are not confined to %s: %s", settings.folder, confinement.reason)
    return confinement


def _answers(loop: Loop, timeout_s: float) -> bool:
    """Say whether the loop turns: it answers a question."""
    try:
        return loop.ask(lambda _engine, _now: True, timeout_s)
    except (TimeoutError, CancelledError):
        return False


def _explained(failure: Exception) -> PotluckError:
    """Return why the loop has failed, for a person."""
    if isinstance(failure, PotluckError):
        return failure
    error = PotluckError(
        "potluck has stopped working.",
        f"a fault in potluck itself: {failure!r}",
        "start it again: potluck up\nyour files are safe; please report the lines above",
    )
    error.__cause__ = failure
    return error
