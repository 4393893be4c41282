"""The home of one device: where its state lies, who holds it, its key, checks before the start.

Strategy: a home is claimed with flock(2) on STATE/lock, so a crash can never leave a stale claim,
and the process id in the file only serves the message for the second one. The device key is written
to a name of its own, made durable, and then linked to its final name: link(2) refuses to replace,
so of two first starts one wins and a torn key never stands under the final name.

A shared folder is claimed in the same way, in FOLDER/.potluck/lock: two homes may not share one.

Guarantees: the state folder is 0700 and the key 0600; a key that others may read is refused, not
used. Daemon and commands find the socket by the same rule and without asking the environment:
STATE/control.sock while that fits an AF_UNIX address (104 bytes on macOS, 108 on Linux), else a
hashed name in a 0700 runtime folder of this user. Limits: local file systems; flock over NFS is as
good as the server's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import socket
import stat
import sys
from contextlib import suppress
from typing import Final, NamedTuple

from potluck.core.content.paths import printable
from potluck.core.errors import DiskTrouble, PotluckError, Refused, UsageError

SOCKET_NAME: Final = "control.sock"
SOCKET_PATH_BYTES: Final = 100  # AF_UNIX holds 104 bytes on macOS with the final NUL
SOCKET_DIGITS: Final = 24  # of a hashed socket name: 96 bits, no two homes share one by chance
SECRET_BYTES: Final = 64  # an Ed25519 seed and an X25519 key
PID_BYTES: Final = 32  # more than any process id has digits
# what potluck makes in a folder itself, so what it does not count as somebody's files
MADE_HERE: Final = frozenset({"Shared", ".potluck", "Put aside", "lost+found"})  # by ext4, the last
OTHERS: Final = 0o077  # rights of the group and of everybody
HOLDER_BYTES: Final = 8192  # a process id and a path, of which Linux allows 4096 bytes
_LOCK_NAME: Final = "lock"
_PRIVATE_NAME: Final = ".potluck"  # of what potluck keeps in a shared folder for itself
KEY_NAME: Final = "device.key"


class AlreadyRunning(Refused):
    """Another potluck is running on this home, or on this folder."""

    code = "already_running"


class HomePaths(NamedTuple):
    """Where one device keeps what is its own."""

    config_file: str  # TOML, may be missing
    state_dir: str  # key, index, lock, socket
    folder: str | None  # the folder to use when none is named; None: the configured one


def home_paths(home: str | None) -> HomePaths:
    """Return where things lie under `home`, or where the platform wants them when it is None.

    Raises UsageError if nobody can say where that is.
    """
    if home is not None:
        base = os.path.abspath(os.path.expanduser(home))
        return HomePaths(os.path.join(base, "config.toml"), base, os.path.join(base, "Potluck"))
    places = _usual_places()
    if not all(map(os.path.isabs, places)):
        raise UsageError(
            "It is not known where your files are.",
            "HOME is no path, or it is not set and this user "
            f"({os.geteuid()}) has no entry in the list of users",
            "say where potluck may keep its own: --home DIR (or set HOME)",
        )
    return HomePaths(os.path.join(places[0], "config.toml"), places[1], None)


def _usual_places() -> tuple[str, str]:
    """Return the platform's folders for our configuration and state, ("", "") if nobody knows."""
    home = os.environ.get("HOME", "")
    if sys.platform == "linux" and os.path.isabs(home):  # what platformdirs says, without its 15 ms
        xdg = ("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")
        named = [(os.environ.get(name, ""), f"{home.rstrip('/')}/{usual}") for name, usual in xdg]
        config, state = (said if os.path.isabs(said) else usual for said, usual in named)
        return os.path.join(config, "potluck"), os.path.join(state, "potluck")
    import platformdirs  # noqa: PLC0415 - see above

    try:
        return platformdirs.user_config_dir("potluck"), platformdirs.user_state_dir("potluck")
    except RuntimeError:  # neither the environment nor the list of users knows
        return "", ""


# -- the claim -------------------------------------------------------------------------------------
class Claim:
    """The right to run on a home, held until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        """Keep the locked `descriptor`."""
        self._descriptor = descriptor

    def __repr__(self) -> str:
        """Show whether it is held."""
        return f"<Claim: held={self._descriptor >= 0}>"

    def release(self) -> None:
        """Give the home back; harmless when done twice."""
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # it was done before, or the disk fails: it is closed all the same
            os.close(descriptor)


def claim_home(state_dir: str) -> Claim:
    """Make the state folder (0700) and claim it.

    Raises AlreadyRunning naming the other process, or DiskTrouble.
    """
    path = os.path.join(state_dir, _LOCK_NAME)
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        what, fix = f"The state folder {state_dir} cannot be used", "choose another with --home DIR"
        raise _disk(what, error, state_dir, fix) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = _read_pid(descriptor)
        os.close(descriptor)
        process = f" (process {holder})" if holder else ""
        raise AlreadyRunning(
            f"Another potluck is already running with the home {state_dir}{process}.",
            "it was started earlier, perhaps in another terminal",
            "potluck status shows it, potluck down ends it; a second device needs a --home DIR",
        ) from error
    with suppress(OSError):  # who holds it is a help, and the lock holds without
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return Claim(descriptor)


def claim_folder(folder: str, state_dir: str) -> Claim:
    """Claim a shared folder: two potlucks on one would undo each other's work.

    Raises AlreadyRunning naming the other process and its home, or DiskTrouble. Where the disk
    knows no locks nothing is claimed, and nobody is refused.
    """
    private = os.path.join(folder, _PRIVATE_NAME)
    try:
        if os.path.islink(private):  # not followed, and said by whoever needs it
            return Claim(-1)
        os.makedirs(private, mode=0o700, exist_ok=True)
        # held for reading only: a disk with a file open for writing cannot be made read-only
        path, flags = os.path.join(private, _LOCK_NAME), os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | flags, 0o600)
    except OSError as error:
        what, fix = (
            f"The folder {folder} cannot be used",
            "choose another folder: potluck up FOLDER",
        )
        raise _disk(what, error, folder, fix) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, HOLDER_BYTES, 0).decode(errors="replace").partition("\n")
        os.close(descriptor)
        process = f"process {holder[0]}" if holder[0].isdigit() else "another process"
        home, fix = printable(holder[2].strip()), "to share another folder: potluck up FOLDER"
        if home:
            fix = f"to end it: potluck --home {shlex.quote(home)} down\n{fix}"
        raise AlreadyRunning(
            f"Another potluck is already sharing the folder {folder} ({process}).",
            f"it was started with the home {home}" if home else "it has another home",
            fix,
        ) from error
    except OSError:  # no locks here, as on some network disks
        os.close(descriptor)
        return Claim(-1)
    with suppress(OSError):  # as above
        writing = os.open(path, os.O_WRONLY | os.O_TRUNC | flags)
        os.write(writing, f"{os.getpid()}\n{state_dir}\n".encode(errors="replace"))
        os.close(writing)
    return Claim(descriptor)


def holder_of(state_dir: str) -> int | None:
    """Return the process id of the potluck on this home; 0: unreadable, None: none runs."""
    try:
        descriptor = os.open(
            os.path.join(state_dir, _LOCK_NAME), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        )
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _read_pid(descriptor: int) -> int:
    text = os.pread(descriptor, PID_BYTES, 0).strip()
    return int(text) if text.isdigit() else 0


# -- the key ---------------------------------------------------------------------------------------
def device_secret(state_dir: str) -> bytes:
    """Return the 64 secret bytes of this device, made now if it has none.

    Raises DiskTrouble or Refused.
    """
    path = os.path.join(state_dir, KEY_NAME)
    try:
        return _read_secret(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        what = f"The device key {path} cannot be read"
        raise _disk(what, error, state_dir, "check who owns it") from error
    try:
        _write_secret(state_dir, path)
        return _read_secret(path)
    except OSError as error:
        what = f"The device key {path} cannot be written"
        raise _disk(what, error, state_dir, "check the rights there") from error


def _write_secret(state_dir: str, path: str) -> None:
    import secrets  # noqa: PLC0415 - needed once in the life of a device

    fresh = f"{path}.{os.getpid()}.new"
    with suppress(FileNotFoundError):
        os.unlink(fresh)  # of a start with the same process id that was cut off
    descriptor = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )
    try:
        os.write(descriptor, secrets.token_bytes(SECRET_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileExistsError):
        os.link(fresh, path)
    os.unlink(fresh)
    folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_secret(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        secret = os.read(descriptor, SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    if facts.st_mode & OTHERS or facts.st_uid != os.geteuid():
        raise Refused(
            f"The device key {path} is not yours alone.",
            "its owner or its rights were changed",
            f"chmod 600 {path}",
        )
    if len(secret) != SECRET_BYTES:
        raise DiskTrouble(
            f"The device key {path} is damaged: {len(secret)} bytes instead of {SECRET_BYTES}.",
            "it was edited, or its disk lost data",
            "put it back from a backup; or move it away to become a new device",
        )
    return secret


# -- the socket ------------------------------------------------------------------------------------
def socket_candidates(state_dir: str) -> tuple[str, ...]:
    """Return where the control socket of a home may be, best first; the environment has no say."""
    near = os.path.join(state_dir, SOCKET_NAME)
    if len(os.fsencode(near)) <= SOCKET_PATH_BYTES:
        return (near,)
    import hashlib  # noqa: PLC0415 - every command comes here, few have so long a path

    name = (
        hashlib.sha256(os.fsencode(os.path.realpath(state_dir))).hexdigest()[:SOCKET_DIGITS]
        + ".sock"
    )
    user = os.geteuid()
    runtime = f"/run/user/{user}/potluck/{name}"
    return (runtime, f"/tmp/potluck-{user}/{name}")  # noqa: S108 - its owner is checked


def socket_to_serve(state_dir: str) -> str:
    """Return the path to bind, its folder made and checked to be ours alone; raises Refused."""
    candidates = socket_candidates(state_dir)
    if len(candidates) == 1:
        return candidates[0]
    reason = "no runtime folder can be made"
    for path in candidates:
        folder = os.path.dirname(path)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        except OSError as error:
            reason = f"{folder}: {error.strerror}"
            continue
        facts = os.lstat(folder)
        if (
            stat.S_ISDIR(facts.st_mode)
            and facts.st_uid == os.geteuid()
            and not facts.st_mode & OTHERS
        ):
            return path
        reason = f"{folder} belongs to somebody else or is open to others"
    raise Refused(
        "There is no safe place for the control socket.",
        reason,
        "use a home with a shorter path: --home DIR",
    )


# -- before the start ------------------------------------------------------------------------------
def prepare_folder(folder: str) -> None:
    """Make the shared folder if it is missing and prove that files can be made in it.

    Raises DiskTrouble.
    """
    import tempfile  # noqa: PLC0415 - costs 15 ms that only `up` need pay

    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError as error:
        raise DiskTrouble(
            f"{folder} is a file, not a folder.",
            "a name was mistyped",
            "name a folder: potluck up FOLDER",
        ) from error
    except OSError as error:
        what = f"The folder {folder} cannot be written"
        raise _disk(what, error, folder, "choose another folder: potluck up FOLDER") from error


def files_outside(folder: str) -> int:
    """Count what lies in a folder that never was a share: it is not shared until it is added."""
    if os.path.lexists(os.path.join(folder, ".potluck", "marker")):
        return 0
    try:
        with os.scandir(folder) as entries:
            return sum(1 for entry in entries if entry.name not in MADE_HERE)
    except OSError:
        return 0


def check_interfaces(names: tuple[str, ...]) -> None:
    """Raise UsageError if this machine lacks one of the interfaces that were asked for."""
    present = [name for _, name in socket.if_nameindex()]
    for name in names:
        if name not in present:
            from difflib import get_close_matches  # noqa: PLC0415 - as tempfile above

            close = get_close_matches(name, present, 1)
            raise UsageError(
                f"There is no network interface “{name}”.",
                "this machine has " + ", ".join(present),
                f"did you mean {close[0]}?" if close else "all are used without it",
            )


def _disk(what: str, error: OSError, where: str, fix: str) -> PotluckError:
    """Return what a disk did not do, and why; `fix` is what helps if nothing is used up there."""
    said = f"{what}: {error.strerror or error}."
    while where and not os.path.lexists(where):
        where = os.path.dirname(where)
    shown = shlex.quote(where or ".")
    match error.errno:
        case errno.ENOSPC if _lacks_inodes(where or "."):
            cause = "that disk has no inodes left: it holds too many files"
            return DiskTrouble(said, cause, f"df -i {shown}")
        case errno.ENOSPC:
            return DiskTrouble(said, "that disk is full", f"df -h {shown}")
        case errno.EDQUOT:
            return DiskTrouble(said, "your quota on that disk is used up", "quota -s")
        case errno.EROFS:
            return DiskTrouble(said, "that disk is read-only", f"findmnt -T {shown}")
        case _:
            return DiskTrouble(said, "its rights, its disk, or a name that is too long", fix)


def _lacks_inodes(where: str) -> bool:
    """Say whether a file system counts inodes and has none left for this user."""
    try:
        found = os.statvfs(where)
    except OSError:
        return False
    return bool(found.f_files) and not found.f_favail
