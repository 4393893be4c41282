"""Laws of manifests: the root is a function of the live records and of nothing else, on both ends
of a link.

Strategy: histories of puts and deletes are played on a real index in memory and on a dict beside
it; a receiver that follows by pages, from any point and in any page size, must end with the same
records, log and root.
"""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import record_digest
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Head, Kind
from potluck.engine.index import Index
from tests.engine.index.builders import manifest_root
from tests.laws.strategies import file_records, paths

OWNER = DeviceId(b"o" * 32)
OWNERS = ManifestName.own(OWNER)
steps = st.lists(
    st.one_of(
        st.lists(file_records(), min_size=1, max_size=5),
        st.lists(paths, min_size=1, max_size=3).map(tuple),
    ),
    max_size=8,
)


def root_of(live: dict[bytes, FileRecord]) -> bytes:
    return manifest_root(live.values())


class Owner:
    """An index with one manifest, and the dict it must agree with."""

    def __init__(self) -> None:
        self.index = Index.open(":memory:")
        self.live: dict[bytes, FileRecord] = {}
        self.seq = 0

    def play(self, history) -> None:
        for step in history:
            if isinstance(step, tuple):
                self.seq = self.index.manifests.delete(OWNERS, step, self.seq + 1)
                for path in step:
                    self.live.pop(path, None)
                continue
            numbered = [
                msgspec.structs.replace(one, seq=self.seq + at) for at, one in enumerate(step, 1)
            ]
            self.seq += len(numbered)
            self.index.manifests.put(OWNERS, numbered)
            self.live |= {record.path: record for record in numbered}


def follow(far: Index, owner: Owner, since: int, limit: int) -> None:
    complete = False
    while not complete:
        live, gone, since, complete = owner.index.manifests.page(OWNERS, since, limit)
        far.manifests.stage(OWNERS, live, gone)
    root, count = far.manifests.staged_root(OWNERS)
    assert (root, count) == (root_of(owner.live), len(owner.live))
    far.manifests.apply_staged(Head(*OWNERS, 1, owner.seq, count, root, b""))


@given(file_records(), file_records())
def test_equal_digests_are_equal_records(one, two) -> None:
    assert (record_digest(one) == record_digest(two)) == (one == two)


@given(steps)
def test_root_count_and_size_are_those_of_the_live_records(history) -> None:
    owner = Owner()
    owner.play(history)
    manifests = owner.index.manifests
    assert manifests.root(OWNERS) == root_of(owner.live)
    assert manifests.count(OWNERS) == len(owner.live)
    folders = sum(record.kind is Kind.FOLDER for record in owner.live.values())
    size_bytes = sum(record.size for record in owner.live.values())
    assert manifests.amount(OWNERS) == (len(owner.live) - folders, folders, size_bytes)
    assert [one.path for one in manifests.listing(OWNERS, b"", 99)] == sorted(owner.live)
    owner.index.close()


@given(steps, steps, st.integers(1, 7))
def test_a_receiver_that_follows_ends_where_the_owner_is(before, after, limit) -> None:
    owner, far = Owner(), Index.open(":memory:")
    owner.play(before)
    follow(far, owner, 0, limit)
    since = owner.seq
    owner.play(after)
    follow(far, owner, since, limit)
    assert far.manifests.page(OWNERS, 0, 10_000) == owner.index.manifests.page(OWNERS, 0, 10_000)
    assert far.manifests.root(OWNERS) == root_of(owner.live)
    far.close()
    owner.index.close()


@given(steps, steps)
def test_a_rollback_is_as_if_nothing_had_been(before, undone) -> None:
    owner = Owner()
    owner.play(before)
    seq, live = owner.seq, dict(owner.live)
    owner.index.begin()
    owner.play(undone)
    owner.index.rollback()
    assert owner.index.manifests.root(OWNERS) == root_of(live)
    assert owner.index.manifests.count(OWNERS) == len(live)
    owner.seq, owner.live = seq, live
    owner.play(undone)
    assert owner.index.manifests.root(OWNERS) == root_of(owner.live)
    owner.index.close()
