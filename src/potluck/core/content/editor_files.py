"""Editor files: the names of files that are never shared, wherever they stand.

Strategy: programs make files beside the one being edited and remove them again. Sharing them would
show everybody a lock that holds nowhere else, or half a document. They are known by their names
and left out silently: there is one for every open document. Guarantees: pure; only files are meant,
never folders. Limits: a file that a person gave such a name is left out, too.
"""

from __future__ import annotations

from typing import Final

IGNORED_NAMES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file browsers leave behind."""
IGNORED_PREFIXES: Final = (
    ".#",  # Emacs locks
    "~$",  # Microsoft Office locks
    ".goutputstream-",  # GLib writes here, then renames
    ".nfs",  # NFS: deleted but still open somewhere
)
IGNORED_SUFFIXES: Final = (
    "~",  # backups of Emacs, gedit, Kate
    ".swp",  # Vim's unsaved changes
    ".swx",  # Vim asks whether it may write here
    ".part.potluck",  # our own: a file on its way in
)


def ignored(name: str) -> bool:
    """Say whether a file of that name is an editor's or file browser's own: left out silently.

    Folders are never left out: whoever calls one `old~` keeps something in it.
    """
    return (
        name.endswith(IGNORED_SUFFIXES)
        or name.startswith(IGNORED_PREFIXES)
        or name in IGNORED_NAMES
        or (name.startswith(".~lock.") and name.endswith("#"))  # LibreOffice locks
    )
