"""The settings of the system that limit inotify: which of them is too small, and how small.

Strategy: what a user may have is limited twice, for the whole system (`fs.inotify.…`) and in each
user namespace (`user.…`), as containers are. The smaller of the two is what was met.

Guarantees: never raises; what cannot be read is left out. Limits: namespaces around ours may be
smaller still, and nobody inside can see that.
"""

from __future__ import annotations

import os
from typing import Final

_ENOUGH_BYTES: Final = 64
"""More digits than any number has."""


def too_small(what: str) -> tuple[str, int]:
    """Return the setting that limits "watches" or "instances" most, as sysctl names it, and its
    value; ("", 0) if none can be read.
    """
    found = []
    for setting in (f"fs.inotify.max_user_{what}", f"user.max_inotify_{what}"):
        value = _value_of(setting)
        if value is not None:
            found.append((value, setting))
    value, setting = min(found, default=(0, ""))
    return setting, value


def _value_of(setting: str) -> int | None:
    try:
        descriptor = os.open("/proc/sys/" + setting.replace(".", "/"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, _ENOUGH_BYTES))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
