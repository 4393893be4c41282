"""The law of files: who may call `os.*` on files of the share, for what, and how.

Strategy: the source of every module that touches share files is read with `ast`. Calls on an open
descriptor are free: no name is looked up. A call by name needs a line in `BY_NAME` that says why it
is not a function of fsops, is relative to a held descriptor and follows no link. Whatever walks a
path by itself is forbidden, but for the few of `BY_PATH`. Limits: a descriptor is known by its
name (`…_fd`, `descriptor`, `copy`); flags are not read, only fsops and marker.py write any.
"""

from __future__ import annotations

import ast

import pytest

from tests import house

BY_DESCRIPTOR = {
    "close", "copy_file_range", "dup", "fchmod", "fchown", "fstat", "fstatvfs", "fsync",
    "ftruncate", "lseek", "pipe", "posix_fadvise", "posix_fallocate", "pread", "preadv", "pwrite",
    "read", "write",
}  # fmt: skip
"""They take a descriptor and nothing else."""
EITHER = {"utime"}
"""They take a path as well: only with a descriptor."""
LISTINGS = {"listdir", "scandir"}
LISTS = "disk/folder_names.py"
"""Only that lists folders: it opens them once more first."""
NO_FILE = {"environ.get", "fsdecode", "fsencode", "getpid", "kill", "strerror", "urandom"}
"""They touch no file."""
WORDS_ONLY = {
    "path.abspath", "path.basename", "path.dirname", "path.join", "path.normpath", "path.samestat",
    "path.splitext",
}  # fmt: skip
"""They work on the text of a path, or on what was looked at before."""

BY_NAME: dict[str, dict[str, str]] = {
    "disk/fsops.py": {
        "open": "the one door: folders with O_NOFOLLOW, files likewise, judged by their descriptor",
        "stat": "stat_at: one look at one name, links not followed",
        "mkdir": "enter makes a folder and opens it again, so that what stands there is judged",
        "unlink": "remove_file, remove_tree, and the probe that shows whether we may write",
        "rmdir": "remove_tree: a folder of ours in tmp/, from below",
        "fwalk": "remove_tree: likewise, by descriptors",
        "makedirs": "FOLDER itself, where the person chose it",
        "statvfs": "how full the disk of the home is: no name of the share",
    },
    "disk/folder_names.py": {
        "open": "an open folder once more, for a listing of its own",
    },
    "disk/marker.py": {
        "open": "marker.new is written over what a crash left of an earlier one",
        "rename": "the new marker over the old",
        "rmdir": "the emptied folder of a device that is forgotten; a full one refuses by itself",
    },
    "disk/stamping.py": {
        "rename": "the new stamps over the old, both in the held .potluck/",
    },
    "disk/returning.py": {
        "access": "whether a new start could write in FOLDER by name: the name is the question",
    },
    "disk/moving.py": {
        "rename": "the folder of a device, directly in the held Shared/, to its new label",
    },
    "disk/keeping.py": {
        "link": "a second name for what is about to be replaced",
    },
    "disk/renaming.py": {
        "rename": "where the file system knows no rename that replaces nothing",
    },
    "disk/receiving/replacing.py": {
        "rmdir": "an empty folder gives way; a full one refuses by itself",
    },
    "disk/folders.py": {
        "rmdir": "an empty folder that was made in vain, by its descriptor",
    },
    "disk/importing.py": {
        "path.lexists": "whether what a list names is there: only what is said depends on it",
        "open": "the folder of a path the person gave, and the folders below it",
        "stat": "whether what was linked is what was opened",
        "link": "a file appears in the own folder whole, and never over another",
        "rename": "a whole folder, under a name that is free",
        "mkdir": "a new folder under the first free name",
        "rmdir": "a source that was moved away, empty by now",
        "unlink": "a source that was moved away; a link to what was exchanged meanwhile",
    },
    "disk/mounts.py": {
        "open": "what the system says of mounts below /proc/self, no file of the share",
        "readlink": "what the system says where Shared/ is now, by its descriptor",
    },
    "disk/watching/settings.py": {
        "open": "a setting of the system below /proc/sys, no file of the share",
    },
    "disk/trash.py": {
        "fwalk": "the whole trash, by descriptors",
        "unlink": "what is too old or too much",
        "rmdir": "empty folders",
    },
    "disk/trash_walk.py": {
        "fwalk": "the whole trash, by descriptors",
    },
    "disk/trash_days.py": {
        "rename": "the new count over the old; what came from elsewhere, within the trash",
    },
    "disk/restoring.py": {
        "link": "a version appears in the own folder whole, and never over another",
    },
}
"""Which module makes which call by name, and why there."""
BY_PATH = {
    ("disk/fsops.py", "makedirs"),
    ("disk/fsops.py", "statvfs"),
    ("disk/fsops.py", "open"),  # FOLDER itself: at the start, and to see whether it is back
    ("disk/returning.py", "access"),  # FOLDER itself: whether a new start could use it
    ("disk/importing.py", "open"),
    ("disk/importing.py", "path.lexists"),
    ("disk/mounts.py", "open"),
    ("disk/mounts.py", "readlink"),
    ("disk/watching/settings.py", "open"),
}
"""Who may begin at a path: FOLDER, what a person gave to be imported, what the system tells."""
WALKERS = {"pathlib", "shutil", "glob", "tempfile"}
"""Modules that walk paths by themselves."""


def file_modules() -> list[str]:
    """The modules that touch files of the share, relative to shells/."""
    shells = house.PACKAGE / "shells"
    found = [*(shells / "disk").rglob("*.py"), *(shells / "bulk").rglob("*.py")]
    return sorted(path.relative_to(shells).as_posix() for path in found)


def raw_file_calls(module: str, source: str) -> list[str]:
    """Only listed calls name a file, each relative to a held descriptor and following no link."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            found += [
                f"{module}:{node.lineno}: imports {name}: walk by descriptors, see fsops"
                for name in WALKERS & set(names)
            ]
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                found.append(
                    f"{module}:{node.lineno}: imports from os: write os.… where it is called"
                )
        elif isinstance(node, ast.Call):
            found += [f"{module}:{node.lineno}: {wrong}" for wrong in _wrong(module, node)]
    return found


def _wrong(module: str, call: ast.Call) -> list[str]:
    name = ast.unparse(call.func)
    if name == "open":
        return ["opens by a path: fsops.open_regular, or Share.open_file"]
    if not name.startswith("os."):
        return []
    name = name.removeprefix("os.")
    if name in BY_DESCRIPTOR | NO_FILE | WORDS_ONLY:
        return []
    if name in LISTINGS and module != LISTS:
        return [f"os.{name} may list what was there long ago: names_in, entries_in"]
    if name in EITHER | LISTINGS:
        first = ast.unparse(call.args[0]) if call.args else "nothing"
        held = first.endswith("_fd") or first in {"descriptor", "copy"}
        return [] if held else [f"os.{name} takes {first}: give it a descriptor"]
    if name not in BY_NAME.get(module, {}):
        return [f"os.{name} is not listed: call fsops, or list it with its reason"]
    return [] if (module, name) in BY_PATH else _unanchored(name, call)


def _unanchored(name: str, call: ast.Call) -> list[str]:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    two = name in {"link", "rename"}
    needed = {"src_dir_fd", "dst_dir_fd"} if two else {"dir_fd"}
    wrong = []
    if not needed <= given.keys():
        wrong.append(f"os.{name} without {sorted(needed - given.keys())}: names are relative")
    if name in {"stat", "link"} and given.get("follow_symlinks") != "False":
        wrong.append(f"os.{name} follows links: follow_symlinks=False")
    return wrong


def test_there_is_something_to_read() -> None:
    assert {"disk/fsops.py", "disk/receiving/replacing.py", "bulk/serving.py"} <= set(
        file_modules()
    )


@pytest.mark.parametrize("module", file_modules())
def test_share_files_are_touched_by_those_listed_and_in_no_other_way(module: str) -> None:
    source = (house.PACKAGE / "shells" / module).read_text(encoding="utf-8")
    problems = raw_file_calls(module, source)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", sorted(BY_NAME))
def test_whatever_is_listed_is_still_called(module: str) -> None:
    source = (house.PACKAGE / "shells" / module).read_text(encoding="utf-8")
    calls = {
        ast.unparse(each.func) for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)
    }
    assert {f"os.{name}" for name in BY_NAME[module]} <= calls
    assert all(BY_NAME[module].values())


BAD = [
    ("disk/scanner.py", "os.stat(name, dir_fd=folder, follow_symlinks=False)"),
    ("disk/scanner.py", "os.path.exists(name)"),
    ("disk/folder_names.py", "os.listdir(folder_name)"),
    ("disk/folder_names.py", "os.scandir()"),
    ("disk/scanner.py", "os.listdir(folder_fd)"),
    ("disk/scanner.py", "os.scandir(folder_fd)"),
    ("disk/scanner.py", "os.utime(name)"),
    ("disk/hashing.py", "open(path, 'rb')"),
    ("disk/hashing.py", "from pathlib import Path"),
    ("disk/hashing.py", "import shutil"),
    ("disk/hashing.py", "from os import open"),
    ("disk/trash.py", "os.unlink(name)"),
    ("disk/trash.py", "os.stat(name, dir_fd=descriptor)"),
    ("disk/keeping.py", "os.rename(a, b, src_dir_fd=folder)"),
    ("disk/keeping.py", "os.link(a, b, src_dir_fd=c, dst_dir_fd=d)"),
    ("disk/keeping.py", "os.link(a, b, src_dir_fd=c, dst_dir_fd=d, follow_symlinks=True)"),
    ("disk/receiving/replacing.py", "os.replace(a, b, src_dir_fd=c, dst_dir_fd=d)"),
    ("bulk/serving.py", "os.open(name, os.O_RDONLY)"),
]


@pytest.mark.parametrize(("module", "source"), BAD)
def test_the_law_can_fail(module: str, source: str) -> None:
    (problem,) = raw_file_calls(module, source)
    assert problem.startswith(f"{module}:1: ")


GOOD = [
    ("disk/keeping.py", "os.link(a, b, src_dir_fd=c, dst_dir_fd=d, follow_symlinks=False)"),
    ("disk/folder_names.py", "os.listdir(self._tmp_fd)"),
    ("disk/returning.py", "os.access(self._share.folder, os.W_OK)"),
    ("bulk/serving.py", "os.preadv(descriptor, [view], offset)"),
]


@pytest.mark.parametrize(("module", "source"), GOOD)
def test_the_law_allows_what_is_listed(module: str, source: str) -> None:
    assert raw_file_calls(module, source) == []
