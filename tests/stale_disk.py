"""A file system that can fail as a whole: everything asked of it is answered with ESTALE, or EIO.

Strategy: a server of FUSE in a process of its own shows a folder under another name, by the few
requests that a share needs (linux/fuse.h); it talks to /dev/fuse itself. A word of memory, shared
by way of a file, holds the number that every request is answered with; 0: all is well. Nothing is
cached, so that the first call after the switch fails already. As with NFS, names can be exchanged
by nobody (RENAME2), and what `lose_handles` did is what a server does whose disk was made anew:
what was open, or only known, stays stale, and by its name everything is there.

Guarantees: whatever happens to the tests, the mount goes: the server takes it away when it ends,
and it ends with who started it. Limits: Linux, root, and /dev/fuse; one request at a time; no
extended attributes, no locks between machines. By hand: `python -m tests.stale_disk FOLDER BACKING
SWITCH`.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import stat as modes
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.lan.hosts import wait_until

ROOT_NODE: Final = 1
HANDLES: Final = -1  # on the switch: what is known by now stays stale, and all else is well
MOUNTED_S = 10.0
_MNT_DETACH: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_BIG_WRITES, _AUTO_INVALIDATE = 1 << 5, 1 << 12
_MAX_WRITE: Final = 128 * 1024
_MODE, _UID, _GID, _SIZE, _ATIME, _MTIME, _HANDLE = (1 << bit for bit in range(7))
_ATIME_NOW, _MTIME_NOW = 1 << 7, 1 << 8
_HEADER: Final = struct.Struct("<IIQQIIIHH")
_library: Final = ctypes.CDLL(None, use_errno=True)


class StaleDisk:
    """Such a mount, as its test sees it."""

    def __init__(self, folder: Path, switch: mmap.mmap) -> None:
        self.folder = folder
        self._switch = switch

    def fail(self, number: int) -> None:
        """Answer everything with this number from now on; 0: do what is asked."""
        self._switch[:4] = struct.pack("<i", number)

    def lose_handles(self) -> None:
        """Answer again, except for what is known by its handle only."""
        self.fail(HANDLES)


def unavailable() -> str:
    """Why there can be none here; "" if there can."""
    if os.geteuid() != 0:
        return "a FUSE mount needs root"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return ""


@contextmanager
def stale_disk(folder: Path, backing: Path) -> Iterator[StaleDisk]:
    """Mount what lies in `backing` at `folder`, for all processes that are started meanwhile."""
    if reason := unavailable():
        pytest.skip(reason)
    for each in (folder, backing):
        each.mkdir(parents=True, exist_ok=True)
    path = backing.with_name(f"{backing.name}.switch")
    path.write_bytes(bytes(mmap.PAGESIZE))
    command = [sys.executable, "-m", "tests.stale_disk", str(folder), str(backing), str(path)]
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as switch:
        server = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1])
        try:
            wait_until(lambda: os.path.ismount(folder) or server.poll() is not None, MOUNTED_S)
            assert server.poll() is None, "it could not be mounted"
            yield StaleDisk(folder, switch)
        finally:
            server.terminate()
            server.wait()
            _detach(str(folder))


def _detach(folder: str) -> None:
    _library.umount2(folder.encode(), _MNT_DETACH)


class Server:
    """Answers the requests of one mount."""

    def __init__(self, backing: str, switch: mmap.mmap) -> None:
        """Show `backing`."""
        self._switch = switch
        self._nodes = {ROOT_NODE: os.open(backing, os.O_PATH | os.O_DIRECTORY)}
        self._lookups = {ROOT_NODE: 1}
        self._numbers = dict[tuple[int, int], int]()  # of nodes, by device and inode
        self._next = ROOT_NODE + 1
        self._lost_below = 0  # nodes with a smaller number are stale for good
        self._listed = dict[int, list[tuple[bytes, int, int]]]()
        self._answers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 8: self._mknod, 9: self._mkdir,
            10: self._unlink, 11: self._rmdir, 12: self._rename, 13: self._link, 14: self._open,
            15: self._read, 16: self._write, 17: self._statfs, 18: self._release, 20: self._fsync,
            25: self._flush, 27: self._opendir, 28: self._readdir, 29: self._release,
            30: self._fsync, 35: self._create, 43: self._fallocate,
        }  # fmt: skip
        self._silent: dict[int, Callable[[int, bytes], None]] = {
            2: self._forget, 36: lambda _node, _body: None, 42: self._forget_many,
        }  # fmt: skip

    def serve(self, device: int) -> None:
        """Answer until it is unmounted."""
        while True:
            try:
                request = os.read(device, _MAX_WRITE + 4096)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in {errno.ENOENT, errno.EINTR}:  # taken back before it was read
                    continue
                raise
            _length, opcode, unique, node, *_ids = _HEADER.unpack_from(request)
            number, data = self._answer(opcode, node, request[_HEADER.size :])
            if opcode not in self._silent:
                head = struct.pack("<IiQ", 16 + len(data), -number, unique)
                with suppress(FileNotFoundError):  # whoever asked was killed
                    os.write(device, head + data)

    def _answer(self, opcode: int, node: int, body: bytes) -> tuple[int, bytes]:
        """Return an error number and what is answered."""
        if opcode in self._silent:
            self._silent[opcode](node, body)
            return 0, b""
        if opcode == 26:  # INIT
            sizes = struct.pack("<IIIIHHIIHH32x", 7, 31, _MAX_WRITE, _BIG_WRITES | _AUTO_INVALIDATE,
                                12, 9, _MAX_WRITE, 1, 0, 0)  # fmt: skip
            return 0, sizes
        (wanted,) = struct.unpack("<i", self._switch[:4])
        if wanted == HANDLES:
            self._lost_below = self._lost_below or self._next
            self._numbers = {key: at for key, at in self._numbers.items() if self._is_known(at)}
            wanted = 0 if self._is_known(node) else errno.ESTALE
        released = opcode in {18, 29}
        if wanted and not released:
            return wanted, b""
        answer = self._answers.get(opcode)
        if answer is None:
            return errno.ENOSYS, b""
        try:
            return 0, answer(node, body)
        except OSError as error:
            return error.errno or errno.EIO, b""

    def _is_known(self, node: int) -> bool:
        return node == ROOT_NODE or node >= self._lost_below

    # -- nodes -------------------------------------------------------------------------------------
    def _path(self, node: int) -> str:
        return f"/proc/self/fd/{self._nodes[node]}"

    def _entry(self, parent: int, name: bytes) -> bytes:
        """Return what stands at a name, known from now on by a number."""
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self._nodes[parent])
        found = os.fstat(descriptor)
        node = self._numbers.setdefault((found.st_dev, found.st_ino), self._next)
        if node == self._next:
            self._next += 1
            self._nodes[node], self._lookups[node] = descriptor, 0
        else:
            os.close(descriptor)
        self._lookups[node] += 1
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + _attributes(found)

    def _lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(node, _names(body)[0])

    def _forget(self, node: int, body: bytes) -> None:
        self._forgotten(node, *struct.unpack_from("<Q", body))

    def _forget_many(self, _node: int, body: bytes) -> None:
        for at in range(*struct.unpack_from("<I", body)):
            self._forgotten(*struct.unpack_from("<QQ", body, 8 + 16 * at))

    def _forgotten(self, node: int, times: int) -> None:
        self._lookups[node] -= times
        if self._lookups[node] <= 0 and node != ROOT_NODE:
            descriptor = self._nodes.pop(node)
            found = os.fstat(descriptor)
            if self._numbers.get((found.st_dev, found.st_ino)) == node:
                del self._numbers[found.st_dev, found.st_ino]
            os.close(descriptor)
            del self._lookups[node]

    # -- what stands there -------------------------------------------------------------------------
    def _getattr(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _attributes(os.fstat(self._nodes[node]))

    def _setattr(self, node: int, body: bytes) -> bytes:
        (valid, handle, size, atime, mtime, atime_ns, mtime_ns, mode, uid, gid) = (
            struct.unpack_from("<I4xQQ8xQQ8xII4xI4xII", body)
        )
        path, found = self._path(node), os.fstat(self._nodes[node])
        if valid & (_UID | _GID):
            os.chown(path, uid if valid & _UID else -1, gid if valid & _GID else -1)
        if valid & _MODE:
            os.chmod(path, modes.S_IMODE(mode))
        if valid & _SIZE:
            os.truncate(handle if valid & _HANDLE else path, size)
        if valid & (_ATIME_NOW | _MTIME_NOW):
            os.utime(path)
        elif valid & (_ATIME | _MTIME):
            first = atime * 10**9 + atime_ns if valid & _ATIME else found.st_atime_ns
            second = _signed(mtime) * 10**9 + mtime_ns if valid & _MTIME else found.st_mtime_ns
            os.utime(path, ns=(first, second))
        return self._getattr(node, b"")

    def _statfs(self, node: int, _body: bytes) -> bytes:
        found = os.statvfs(self._path(node))
        sizes = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
        return struct.pack("<5Q3I28x", *sizes, found.f_bsize, found.f_namemax, found.f_frsize)

    def _readdir(self, node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        if offset == 0 or handle not in self._listed:
            with os.scandir(self._path(node)) as entries:
                self._listed[handle] = [_listed(entry) for entry in entries]
        page = b""
        for at, (name, inode, kind) in enumerate(self._listed[handle][offset:], offset + 1):
            line = struct.pack("<QQII", inode, at, len(name), kind) + name
            line += bytes(-len(line) % 8)
            if len(page) + len(line) > size:
                break
            page += line
        return page

    # -- changes -----------------------------------------------------------------------------------
    def _mknod(self, node: int, body: bytes) -> bytes:
        mode, device = struct.unpack_from("<II", body)
        (name,) = _names(body[16:])
        os.mknod(name, mode, device, dir_fd=self._nodes[node])
        return self._entry(node, name)

    def _mkdir(self, node: int, body: bytes) -> bytes:
        (mode,) = struct.unpack_from("<I", body)
        (name,) = _names(body[8:])
        os.mkdir(name, mode, dir_fd=self._nodes[node])
        return self._entry(node, name)

    def _unlink(self, node: int, body: bytes) -> bytes:
        os.unlink(_names(body)[0], dir_fd=self._nodes[node])
        return b""

    def _rmdir(self, node: int, body: bytes) -> bytes:
        os.rmdir(_names(body)[0], dir_fd=self._nodes[node])
        return b""

    def _rename(self, node: int, body: bytes) -> bytes:
        (to,) = struct.unpack_from("<Q", body)
        old, new = _names(body[8:])
        os.rename(old, new, src_dir_fd=self._nodes[node], dst_dir_fd=self._nodes[to])
        return b""

    def _link(self, node: int, body: bytes) -> bytes:
        (old,) = struct.unpack_from("<Q", body)
        (name,) = _names(body[8:])
        os.link(self._path(old), name, dst_dir_fd=self._nodes[node], follow_symlinks=True)
        return self._entry(node, name)

    # -- open files --------------------------------------------------------------------------------
    def _open(self, node: int, body: bytes) -> bytes:
        (flags,) = struct.unpack_from("<I", body)
        descriptor = os.open(self._path(node), flags & ~(os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL))
        return struct.pack("<QII", descriptor, 0, 0)

    def _opendir(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", os.open(self._path(node), os.O_RDONLY | os.O_DIRECTORY), 0, 0)

    def _create(self, node: int, body: bytes) -> bytes:
        flags, mode = struct.unpack_from("<II", body)
        (name,) = _names(body[16:])
        descriptor = os.open(
            name, flags | os.O_CREAT | os.O_NOFOLLOW, mode, dir_fd=self._nodes[node]
        )
        return self._entry(node, name) + struct.pack("<QII", descriptor, 0, 0)

    def _read(self, _node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, offset)

    def _write(self, _node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def _fsync(self, _node: int, body: bytes) -> bytes:
        os.fsync(*struct.unpack_from("<Q", body))
        return b""

    def _fallocate(self, _node: int, body: bytes) -> bytes:
        handle, offset, length, mode = struct.unpack_from("<QQQI", body)
        if mode:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        os.posix_fallocate(handle, offset, length)
        return b""

    def _flush(self, _node: int, _body: bytes) -> bytes:
        return b""

    def _release(self, _node: int, body: bytes) -> bytes:
        (handle,) = struct.unpack_from("<Q", body)
        self._listed.pop(handle, None)
        os.close(handle)
        return b""


def _names(body: bytes) -> list[bytes]:
    return body.split(b"\0")[:-1]


def _signed(seconds: int) -> int:
    return seconds - (1 << 64) if seconds >> 63 else seconds


def _listed(entry: os.DirEntry[str]) -> tuple[bytes, int, int]:
    kind = modes.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
    return os.fsencode(entry.name), entry.inode(), kind


def _attributes(found: os.stat_result) -> bytes:
    times = [found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns]
    seconds, rests = zip(*(divmod(each, 10**9) for each in times), strict=True)
    sizes = struct.pack("<3Q", found.st_ino, found.st_size, found.st_blocks)
    owners = (found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_rdev)
    return sizes + struct.pack("<3q3I7I", *seconds, *rests, *owners, found.st_blksize, 0)


def _mounted(folder: str) -> int:
    """Mount, and return the descriptor by which the kernel asks."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
    if _library.mount(b"stale", folder.encode(), b"fuse", 0, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), folder)
    return device


def main(folder: str, backing: str, switch: str) -> None:
    """Serve one mount until SIGTERM, or until whoever started this ends."""
    _library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.umask(0)
    with open(switch, "r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
        server = Server(backing, shared)
        device = _mounted(folder)
        try:
            server.serve(device)
        finally:
            _detach(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
