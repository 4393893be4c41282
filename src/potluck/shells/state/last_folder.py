"""The folder that was shared last, remembered in the state of a device.

Strategy: a person names FOLDER once; what is typed afterwards without it means the same one, so a
start never invents an empty folder in the usual place while the files are somewhere else. The path
stands in STATE/folder as its bytes, since a path need not be text. It is written when a folder is
known to be that of this device (assembly.py), and read by `up` and `service install`.

Guarantees: what is written stands whole or not at all; a state that cannot be written, or read, is
no reason not to start. Limits: whether the folder is still there, and still that share, is for
others to find out.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

LAST_FOLDER_NAME: Final = "folder"
FOLDER_FILE_BYTES: Final = 4096  # Linux takes no longer one


def remember_folder(state_dir: str, folder: str) -> None:
    """Keep the absolute path of the folder that is shared now."""
    if last_folder(state_dir) == folder:
        return
    path = Path(state_dir, LAST_FOLDER_NAME)
    fresh = path.with_name(f"{LAST_FOLDER_NAME}.new")
    with suppress(OSError):
        fresh.write_bytes(os.fsencode(folder))
        fresh.chmod(0o600)
        fresh.replace(path)


def last_folder(state_dir: str) -> str | None:
    """Return the absolute path that was remembered, None if there is none."""
    try:
        with Path(state_dir, LAST_FOLDER_NAME).open("rb") as file:
            folder = os.fsdecode(file.read(FOLDER_FILE_BYTES + 1))
    except OSError:
        return None
    known = (
        os.path.isabs(folder)
        and len(os.fsencode(folder)) <= FOLDER_FILE_BYTES
        and "\0" not in folder
    )
    return folder if known else None
