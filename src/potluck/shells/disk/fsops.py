"""Files below one FOLDER, each reached from a held directory descriptor, one component at a time.

Strategy: `Share` opens FOLDER once and keeps descriptors of it, of `Shared/`, `.potluck/`, `tmp/`
and `trash/`; nobody but itself closes them. A path is walked with `dir_fd` and `O_NOFOLLOW |
O_DIRECTORY`, a file is opened `O_NOFOLLOW | O_NONBLOCK`, and what was opened is judged by its
descriptor. So no name is looked at first and opened afterwards, and a symbolic link planted
anywhere below `Shared/` leads nowhere (docs/disk.md §2).

Guarantees: nothing outside FOLDER is opened, whatever other programs do meanwhile; a `str` where a
SafePath is expected raises TypeError; trouble with FOLDER itself is a DiskTrouble in three parts.
Limits: FOLDER itself may be reached through links, as the person chose it. Whoever moves a folder
while we hold its descriptor takes along what we write into it. `crashpoint` does nothing unless a
test asked for it. Who calls `os` beside this module, and why, is a law: test_law_of_files.py.
"""

from __future__ import annotations

import errno
import os
import signal
import stat as modes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final, Self

from potluck.core.content.facts import Finding, Hindrance, Stat
from potluck.core.content.name_limits import PLAIN_NAMES
from potluck.core.content.paths import SafePath
from potluck.core.errors import DiskTrouble, UnsafePath
from potluck.engine.events import PathSeen, SpaceSeen

OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""To be joined with O_RDONLY or O_RDWR; O_NONBLOCK, or a FIFO would hold us for ever."""

NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
)
"""What kernels say where a file cannot have a second name."""

CrashHook = Callable[[str], None]
_hook: CrashHook | None = None
_kill_at: Final = os.environ.get("POTLUCK_CRASHPOINT", "")


def set_crash_hook(hook: CrashHook | None) -> None:
    """Have `hook` called with the name of every step that is reached; it may raise OSError."""
    global _hook  # noqa: PLW0603 - one seam for tests, set before the threads start
    _hook = hook


def crashpoint(name: str) -> None:
    """Mark a step, so that a test can fail or kill the program exactly there; else do nothing."""
    if _hook is not None:
        _hook(name)
    if name == _kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


class Share:
    """One FOLDER, held open; made if it is not there. Raises DiskTrouble if it cannot be used."""

    def __init__(self, folder: str, home: str = "", stand_in: str = "") -> None:
        """Open `folder`, made if absent, and what potluck keeps in it.

        `home`: where the index lies, perhaps on another disk; "": nobody asks how full that is.
        `stand_in`: the folder to open in its place, while it is away; its name stays FOLDER's.
        """
        self.folder: Final = os.path.abspath(folder)
        self._opened: Final = os.path.abspath(stand_in or folder)
        self._home: Final = home
        self._held: list[int] = []
        # name_probe.py finds out what this file system makes of names
        self.names = PLAIN_NAMES
        self.home_fd = -1  # of the home; -1: there is none, or it cannot be looked into
        try:
            self._open()
        except OSError as error:
            self.close()
            raise trouble_with(error, self.folder) from error
        except UnsafePath as error:
            self.close()
            raise DiskTrouble(
                f"the folder {self.folder} cannot be used", str(error), "put a folder there"
            ) from error

    def _open(self) -> None:
        if sys.getfilesystemencoding().lower() != "utf-8":
            raise OSError(errno.EILSEQ, "file names are not UTF-8 here")
        os.makedirs(self._opened, exist_ok=True)
        self.top_fd = self._hold(open_top(self._opened))
        self.shared_fd = self._hold(enter(self.top_fd, "Shared", create=True))
        self.private_fd = self._hold(enter(self.top_fd, ".potluck", create=True, mode=0o700))
        self.tmp_fd = self._hold(enter(self.private_fd, "tmp", create=True, mode=0o700))
        self.trash_fd = self._hold(enter(self.private_fd, "trash", create=True, mode=0o700))
        probe = os.open("probe", os.O_WRONLY | os.O_CREAT | OPEN_FILE, 0o600, dir_fd=self.tmp_fd)
        os.close(probe)
        os.unlink("probe", dir_fd=self.tmp_fd)
        for descriptor in (self.private_fd, self.top_fd):
            os.fsync(descriptor)
        if self._home:
            with suppress(OSError):
                self.home_fd = self._hold(open_top(self._home))

    def _hold(self, descriptor: int) -> int:
        self._held.append(descriptor)
        return descriptor

    def close(self) -> None:
        """Close every descriptor; the share is of no use afterwards."""
        while self._held:
            os.close(self._held.pop())

    def __repr__(self) -> str:
        return f"Share({self.folder!r}, {len(self._held)} descriptors)"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # -- reading -----------------------------------------------------------------------------------
    def open_folder(self, path: SafePath | None, *, create: bool = False) -> int:
        """Return a descriptor of a folder, None for `Shared/` itself; the caller closes it.

        Raises UnsafePath where a component is a symbolic link, NotADirectoryError or
        FileNotFoundError.
        """
        names = () if path is None else _components(path)
        descriptor = os.dup(self.shared_fd)
        for name in names:
            try:
                deeper = enter(descriptor, name, create=create)
            finally:
                os.close(descriptor)
            descriptor = deeper
        return descriptor

    def open_file(self, path: SafePath) -> int:
        """Return a read-only descriptor of a regular file; raises UnsafePath or OSError."""
        _components(path)
        parent = self.open_folder(path.parent)
        try:
            return open_regular(parent, path.name)
        finally:
            os.close(parent)

    def stat(self, path: SafePath) -> PathSeen:
        """Say what stands at a path; raises UnsafePath for a link or a special file, or OSError."""
        _components(path)
        try:
            parent = self.open_folder(path.parent)
        except (FileNotFoundError, NotADirectoryError):
            return PathSeen(path, Finding.MISSING, None)
        try:
            found = stat_at(parent, path.name)
        finally:
            os.close(parent)
        if found is None:
            return PathSeen(path, Finding.MISSING, None)
        if modes.S_ISDIR(found.st_mode):
            return PathSeen(path, Finding.FOLDER, None)
        if not modes.S_ISREG(found.st_mode):
            raise UnsafePath(f"“{path}” is not shared", what_is(found))
        return PathSeen(path, Finding.FILE, stat_of(found))

    def stat_fd(self, descriptor: int) -> Stat:
        """Return the Stat of an open file."""
        return stat_of(os.fstat(descriptor))

    def is_own_place(self, found: os.stat_result) -> bool:
        """Say whether that is FOLDER, `Shared/` or `.potluck/` itself, under whatever name."""
        places = (self.top_fd, self.shared_fd, self.private_fd)
        return any(os.path.samestat(found, os.fstat(own)) for own in places)

    def open_aside(self) -> int:
        """Return a descriptor of `Put aside/`, made when first needed; the caller closes it."""
        return enter(self.top_fd, "Put aside", create=True)

    def space(self) -> SpaceSeen:
        """Say how full the file system of FOLDER is, and that of the index."""
        found = os.fstatvfs(self.top_fd)
        seen = SpaceSeen(*_free_of_total(found))
        if found.f_files:
            seen = replace(seen, free_inodes=found.f_favail, total_inodes=found.f_files)
        try:
            free, total = _free_of_total(os.statvfs(self._home))
        except OSError:  # the index itself says what is wrong with its disk
            return seen
        return replace(seen, home_free_bytes=free, home_total_bytes=total)


def _free_of_total(found: os.statvfs_result) -> tuple[int, int]:
    """Return how many bytes are free for this user, and how many there are."""
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def open_top(folder: str) -> int:
    """Return a descriptor of FOLDER, by name: what stands there now; raises OSError."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def enter(folder: int, name: str, *, create: bool = False, mode: int = 0o755) -> int:
    """Return a descriptor of the folder `name` in `folder`, made if asked; never through a link.

    Raises UnsafePath for a link, NotADirectoryError for another thing, or another OSError.
    """
    try:
        return os.open(name, OPEN_FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR} and is_link(folder, name):
            raise UnsafePath(f"“{name}” is not followed", "symbolic link") from error
        raise
    # another thread was faster; what it made is judged by the open below
    with suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=folder)
    return enter(folder, name)


def open_regular(folder: int, name: str, access: int = os.O_RDONLY) -> int:
    """Return a descriptor of the regular file `name` in `folder`; raises UnsafePath or OSError."""
    try:
        descriptor = os.open(name, access | OPEN_FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise UnsafePath(f"“{name}” is not followed", "symbolic link") from error
        if error.errno in {errno.ENXIO, errno.EOPNOTSUPP}:
            raise UnsafePath(f"“{name}” is not a file", "socket or device") from error
        raise
    found = os.fstat(descriptor)
    if not modes.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise UnsafePath(f"“{name}” is not a file", what_is(found))
    return descriptor


def make_file(folder: int, name: str) -> int:
    """Return a descriptor of a new, empty file that only we may read; raises OSError.

    Never opens what is there already: that is a FileExistsError.
    """
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_FILE, 0o600, dir_fd=folder)


def remove_file(folder: int, name: str) -> None:
    """Remove a file of ours; nothing happens if it is not there. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def remove_tree(folder: int, name: str) -> None:
    """Remove a file or folder of ours with all that is in it; raises OSError."""
    found = stat_at(folder, name)
    if found is None or not modes.S_ISDIR(found.st_mode):
        remove_file(folder, name)
        return
    for _path, below, files, descriptor in os.fwalk(name, topdown=False, dir_fd=folder):
        for each in files:
            os.unlink(each, dir_fd=descriptor)
        for each in below:
            os.rmdir(each, dir_fd=descriptor)
    os.rmdir(name, dir_fd=folder)


def stat_at(folder: int, name: str) -> os.stat_result | None:
    """Return what `name` in `folder` is, links not followed, or None if it is not there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_link(folder: int, name: str) -> bool:
    """Say whether `name` in `folder` is a symbolic link."""
    found = stat_at(folder, name)
    return found is not None and modes.S_ISLNK(found.st_mode)


def stat_of(found: os.stat_result) -> Stat:
    """Return the part of a stat result that tells whether a file changed."""
    executable = bool(found.st_mode & modes.S_IXUSR)
    times_ns = found.st_mtime_ns, found.st_ctime_ns
    return Stat.of(found.st_size, *times_ns, found.st_ino, executable=executable)


def what_is(found: os.stat_result) -> str:
    """Return the kind of a thing in words, for NameRefused and the like."""
    kinds = {
        modes.S_IFREG: "file",
        modes.S_IFDIR: "folder",
        modes.S_IFLNK: "symbolic link",
        modes.S_IFIFO: "named pipe",
        modes.S_IFSOCK: "socket",
    }
    return kinds.get(modes.S_IFMT(found.st_mode), "device")


def write_all(descriptor: int, data: bytes | memoryview, offset: int = 0) -> None:
    """Write all of `data` at `offset`, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset += written
        rest = rest[written:]


DISK_FULL: Final = str(Hindrance.SPACE)
"""The detail of every failure for want of space."""
_HINDRANCES: Final = {
    errno.ENOSPC: Hindrance.SPACE,
    errno.EDQUOT: Hindrance.QUOTA,
    errno.EACCES: Hindrance.DENIED,
    errno.EPERM: Hindrance.IMMUTABLE,
    errno.EROFS: Hindrance.READ_ONLY,
    errno.EMFILE: Hindrance.DESCRIPTORS,
    errno.ENFILE: Hindrance.DESCRIPTORS,
    errno.ENAMETOOLONG: Hindrance.NAME_LONG,
    errno.EFBIG: Hindrance.FILE_LARGE,
    errno.EILSEQ: Hindrance.NAME,
    errno.EINVAL: Hindrance.NAME,
    errno.EXDEV: Hindrance.OTHER_DISK,
    errno.EBUSY: Hindrance.MOUNTED,
    errno.EIO: Hindrance.IO,
    errno.ESTALE: Hindrance.AWAY,
    errno.ENOTCONN: Hindrance.AWAY,
    errno.ETIMEDOUT: Hindrance.AWAY,
    errno.EHOSTDOWN: Hindrance.AWAY,
}
"""What EPERM, EINVAL and EBUSY mean where files are placed: other causes have other numbers."""


def reason_of(error: OSError | UnsafePath) -> str:
    """Return an error as `detail` carries it: a Hindrance, the system's words, what is unsafe."""
    if isinstance(error, UnsafePath):
        return error.cause
    hindrance = _HINDRANCES.get(error.errno or 0)
    if hindrance is not None:
        return str(hindrance)
    return error.strerror or str(error)


def reason_at(error: OSError | UnsafePath, descriptor: int) -> str:
    """Like `reason_of`, and tells a lack of inodes where `descriptor` lies from one of space."""
    reason = reason_of(error)
    if reason == DISK_FULL and lacks_inodes(descriptor):
        return str(Hindrance.INODES)
    return reason


def lacks_inodes(descriptor: int) -> bool:
    """Say whether a file system counts inodes and has none left for this user."""
    found = os.fstatvfs(descriptor)
    return bool(found.f_files) and not found.f_favail


@contextmanager
def plainly(descriptor: int) -> Iterator[None]:
    """Say in plain words why the disk does not do something in the file system of `descriptor`."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, reason_at(error, descriptor)) from error


def _components(path: SafePath) -> tuple[str, ...]:
    if not isinstance(path, SafePath):
        raise TypeError(f"a SafePath is wanted, not {type(path).__name__}")
    return path.parts


def trouble_with(error: OSError, folder: str) -> DiskTrouble:
    """Return in three parts why FOLDER cannot be used."""
    what = f"the folder {folder} cannot be used"
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return DiskTrouble(
                what, "this user may not write there", f"stat {folder}, or choose another folder"
            )
        case errno.EROFS:
            return DiskTrouble(
                what, "the disk is read-only", "mount it writable, or choose another folder"
            )
        case errno.ENOTDIR | errno.EEXIST:
            return DiskTrouble(
                what, "a file of that name is in the way", "move it away, or choose another folder"
            )
        case errno.ENOSPC | errno.EDQUOT:
            return DiskTrouble(what, "the disk is full", "make room, then start again")
        case errno.EILSEQ:
            return DiskTrouble(what, "file names are not UTF-8 here", "start with PYTHONUTF8=1 set")
        case _:
            return DiskTrouble(what, error.strerror or str(error), "choose another folder")
