"""Record digests by bucket, and the tree over them: how a manifest root is kept without reading the
manifest.

Strategy: digests are stored with their records; here they are held once more, sorted and joined,
one bytes object per bucket. A change names the digests that go and come, and only touched buckets
are joined and hashed again. They are in memory and not in a table because buckets are random by
design: 250 new files would touch 250 pages of a table.

Guarantees: `preview` changes nothing; `write` makes exactly what the preview said. All is dropped
at a rollback and read again from the records when next needed. Limits: 32 bytes a record, for
manifests that changed in this run; the first use reads the digests of the manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.content.manifest import DIGEST_BYTES, BucketTree, bucket_hash, bucket_of
from potluck.engine.index.database import Database


class Edits:
    """Digests that leave and enter the buckets of one manifest."""

    __slots__ = ("by_bucket",)

    def __init__(self) -> None:
        """Start with none."""
        self.by_bucket: dict[int, tuple[list[bytes], list[bytes]]] = {}

    def note(self, path: bytes, gone: bytes | None, come: bytes | None) -> None:
        """Note what a path's old and new digests are, None where there is none."""
        bucket = bucket_of(path)
        edit = self.by_bucket.get(bucket)
        if edit is None:
            edit = self.by_bucket[bucket] = ([], [])
        if gone is not None:
            edit[0].append(gone)
        if come is not None:
            edit[1].append(come)


@dataclass(frozen=True, slots=True)
class Preview:
    """What buckets and root will be."""

    packed: dict[int, bytes]  # the digests of each touched bucket, sorted and joined
    tree: BucketTree


class Buckets:
    """The buckets of the manifests that changed in this run."""

    def __init__(self, database: Database) -> None:
        """Read the digests from the records in this database."""
        self._database = database
        self._held: dict[int, Preview] = {}

    def __repr__(self) -> str:
        """Return how many manifests are in memory."""
        return f"<Buckets of {len(self._held)} manifests>"

    def root(self, manifest: int) -> bytes:
        """Return the root of a manifest as it stands."""
        return self._hold(manifest).tree.root()

    def preview(self, manifest: int, edits: Edits) -> Preview:
        """Return what changes in a manifest by these edits, and the tree after them."""
        return _edited(self._hold(manifest), edits)

    def write(self, manifest: int, preview: Preview) -> None:
        """Make a preview true; the caller writes the records."""
        packed = self._hold(manifest).packed
        packed.update(preview.packed)
        self._held[manifest] = Preview(packed, preview.tree)

    def forget_memory(self) -> None:
        """Read the digests again: the transaction was rolled back."""
        self._held.clear()

    def _hold(self, manifest: int) -> Preview:
        held = self._held.get(manifest)
        if held is None:
            edits = Edits()
            sql = "SELECT path, digest FROM record WHERE manifest = ?"
            for path, digest in self._database.each(sql, (manifest,)):
                edits.note(path, None, digest)
            held = self._held[manifest] = _edited(Preview({}, BucketTree()), edits)
        return held


def _edited(before: Preview, edits: Edits) -> Preview:
    after = Preview({}, before.tree.copy())
    for bucket, (gone, come) in edits.by_bucket.items():
        packed = before.packed.get(bucket, b"")
        digests = {packed[at : at + DIGEST_BYTES] for at in range(0, len(packed), DIGEST_BYTES)}
        digests.difference_update(gone)
        digests.update(come)
        after.packed[bucket] = joined = b"".join(sorted(digests))
        after.tree.set(bucket, bucket_hash(joined))
    return after
