"""The tables of the index and their version; a newer file is refused, an older one is brought up
step by step.

Strategy: a manifest (owner, folder) is a small integer everywhere but in its own table, so keys
stay short. Tables looked up by (manifest, path) are clustered on it (WITHOUT ROWID): one descent of
the tree finds the row itself. `place` is not: its index by root is in random order by nature, so
what counts there is that an entry is short (eight bytes of the root and a row number), since every
page a transaction touches goes into the log whole.

Limits: paths are blobs and compared by bytes, never by collation. Sums of sizes that a peer can
choose are kept as text, since they may pass 2^63.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 5

_RECORD_COLUMNS = """
    manifest   INTEGER NOT NULL,
    path       BLOB NOT NULL,
    is_folder  INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    piece_size INTEGER NOT NULL,
    root       BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    digest     BLOB,
    PRIMARY KEY (manifest, path)"""

TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE roster (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,"
        " record BLOB NOT NULL)"
    ),
    """CREATE TABLE address (
        device BLOB NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (device, host, port)) WITHOUT ROWID""",
    # received: somebody sent it to us, so the disk has to follow it; count, bytes: live records
    """CREATE TABLE manifest (
        id INTEGER PRIMARY KEY, owner BLOB NOT NULL, folder TEXT NOT NULL, head BLOB,
        received INTEGER NOT NULL DEFAULT 0, floor INTEGER NOT NULL DEFAULT 0,
        count INTEGER NOT NULL DEFAULT 0, bytes TEXT NOT NULL DEFAULT '0',
        UNIQUE (owner, folder))""",
    f"CREATE TABLE record ({_RECORD_COLUMNS}) WITHOUT ROWID",
    "CREATE INDEX record_seq ON record (manifest, seq)",
    # the delete log; a path is never both here and in record
    """CREATE TABLE deleted (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (manifest, path)) WITHOUT ROWID""",
    "CREATE INDEX deleted_seq ON deleted (manifest, seq)",
    # pages of a manifest that do not count yet; a deleted path has no digest
    f"CREATE TABLE staged ({_RECORD_COLUMNS}) WITHOUT ROWID",
    """CREATE TABLE place (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, is_folder INTEGER NOT NULL,
        root BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, executable INTEGER NOT NULL,
        UNIQUE (manifest, path))""",
    "CREATE INDEX place_root ON place (substr(root, 1, 8)) WHERE size > 0",
    "CREATE INDEX place_inode ON place (inode) WHERE size > 0",
    # paths of received manifests whose place differs from the record
    """CREATE TABLE need (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL,
        PRIMARY KEY (manifest, path)) WITHOUT ROWID""",
    """CREATE TABLE content (
        root BLOB PRIMARY KEY, size INTEGER NOT NULL, piece_size INTEGER NOT NULL,
        hashes BLOB NOT NULL)""",
    "CREATE TABLE intent (batch INTEGER PRIMARY KEY, items BLOB NOT NULL)",
)
"""Version 1: an index from nothing."""

FOLDERS_COUNTED: Final = (
    "ALTER TABLE manifest ADD COLUMN folders INTEGER NOT NULL DEFAULT 0",
    """UPDATE manifest SET folders =
        (SELECT count(*) FROM record WHERE record.manifest = manifest.id AND is_folder = 1)""",
    "ALTER TABLE need ADD COLUMN is_folder INTEGER NOT NULL DEFAULT 0",
    """UPDATE need SET is_folder = 1 WHERE EXISTS (SELECT 1 FROM record AS r
        WHERE r.manifest = need.manifest AND r.path = need.path AND r.is_folder = 1)""",
)
"""Version 2: files are counted as files and folders as folders."""

SKIPPED_MARKED: Final = ("ALTER TABLE need ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0",)
"""Version 3: what lacks because a person does not want it here is told from the rest."""

FORMER_KEPT: Final = (
    # what was shared, or stood, at a path before; top: the folder of the trash it lies in
    """CREATE TABLE former (
        id INTEGER PRIMARY KEY, manifest INTEGER NOT NULL, path BLOB NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, executable INTEGER NOT NULL,
        piece_size INTEGER NOT NULL, root BLOB NOT NULL, burst INTEGER NOT NULL,
        gone INTEGER NOT NULL, top TEXT NOT NULL, UNIQUE (manifest, path, root))""",
    # a row number is the last column of every index, so this one has those of a manifest in order
    "CREATE INDEX former_order ON former (manifest)",
    "CREATE INDEX former_burst ON former (manifest, burst)",
    # of one folder: what the others threw away costs its owner's records nothing
    "CREATE INDEX former_root ON former (manifest, substr(root, 1, 8), size)",
)
"""Version 4: what ended can be had back."""

REMOVED_HERE: Final = (
    """CREATE TABLE unwanted (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, PRIMARY KEY (manifest, path))
        WITHOUT ROWID""",
)
"""Version 5: what a person removed of other people's folders."""

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {
    0: TABLES,
    1: FOLDERS_COUNTED,
    2: SKIPPED_MARKED,
    3: FORMER_KEPT,
    4: REMOVED_HERE,
}
"""From each older version, the statements that lead to the next one."""
