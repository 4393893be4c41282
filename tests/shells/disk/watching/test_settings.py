"""The settings that limit inotify, as this system has them and as it might."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from potluck.shells.disk.watching.settings import too_small

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's own")


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Let these be the contents of the files of that name."""

    def opened(path: str, flags: int) -> int:
        name = Path(path).name
        if not path.startswith("/proc/sys/") or name not in values:
            raise FileNotFoundError(path)
        read, write = os.pipe()
        os.write(write, values[name].encode())
        os.close(write)
        return read

    monkeypatch.setattr(os, "open", opened)


def test_this_system_has_one() -> None:
    setting, value = too_small("watches")
    assert setting in {"fs.inotify.max_user_watches", "user.max_inotify_watches"}
    assert value == int(Path("/proc/sys", *setting.split(".")).read_text())


@pytest.mark.parametrize(
    ("system", "here", "found"),
    [
        ("8192\n", "20\n", ("user.max_inotify_instances", 20)),
        ("128\n", "2147483647\n", ("fs.inotify.max_user_instances", 128)),
        ("no number", "5", ("user.max_inotify_instances", 5)),
    ],
)
def test_the_smaller_one_is_what_was_met(
    monkeypatch: pytest.MonkeyPatch, system: str, here: str, found: tuple[str, int]
) -> None:
    settings(monkeypatch, max_user_instances=system, max_inotify_instances=here)
    assert too_small("instances") == found


def test_without_any_there_is_nothing_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    settings(monkeypatch)
    assert too_small("watches") == ("", 0)
