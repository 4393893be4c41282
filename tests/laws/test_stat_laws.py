"""Laws of dates, sizes and numbers: whatever a file system says of a file can be shared.

Strategy: stat results are drawn, far beyond what any disk says, and go the way a real one goes:
through the conversion of the shells into the engine, its index and its manifest, and as a record to
others and into what they place.
"""

from __future__ import annotations

import os
import stat as modes

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.content.facts import Stat
from potluck.core.wire.catalogue import BULK_REPLY, FileRecord, Folder, Kind, ManifestPage, encode
from potluck.engine.effects import Hash
from potluck.shells.disk.fsops import stat_of
from tests.engine.owntree import Own

S_NS = 10**9
ends = st.sampled_from([-(2**63), -(2**31) * S_NS - 1, -(2**31) * S_NS, -1, 0, 1, 2**63 - 1, 2**63])
times_ns = st.one_of(ends, st.integers(-(2**63) * S_NS, 2**63 * S_NS))
inodes = st.one_of(st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))
sizes = st.integers(0, limits.FILE_MAX_BYTES)


@st.composite
def stat_results(draw: st.DrawFn) -> os.stat_result:
    """What `stat` may say of a regular file."""
    mode = modes.S_IFREG | draw(st.integers(0, 0o7777))
    mtime_ns, ctime_ns = draw(times_ns), draw(times_ns)
    seconds = (mtime_ns // S_NS, mtime_ns // S_NS, ctime_ns // S_NS)
    fields = (mode, draw(inodes), 1, 1, 0, 0, draw(sizes), *seconds)
    return os.stat_result(fields, {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns})


def sent(own: Own) -> FileRecord:
    """The record of the only file as another device reads it."""
    (record,) = own.published().values()
    page = ManifestPage(own.node.me, Folder.OWN, [record], [], 1, record.seq, None)
    heard = BULK_REPLY.decode(encode(page))
    assert isinstance(heard, ManifestPage)
    return heard.records[0]


def standing(own: Own, stat: Stat) -> None:
    """Let one file stand there with this stat; its content is its name."""
    own.write("f", "content")
    own.change("f", mtime_ns=stat.mtime_ns, ctime_ns=stat.ctime_ns, inode=stat.inode)
    own.change("f", executable=stat.executable)


@given(stat_results())
def test_what_stat_says_fits_the_index_and_the_wire(found: os.stat_result) -> None:
    stat = stat_of(found)
    own = Own()
    standing(own, stat)
    own.touch("f")
    own.settle()
    record = sent(own)
    assert (record.mtime_ns, record.executable) == (stat.mtime_ns, stat.executable)
    stands = own.publishing.stands(b"f")
    assert stands is not None
    assert (stands.ctime_ns, stands.inode) == (stat.ctime_ns, stat.inode)


@given(stat_results())
def test_a_clamped_date_is_read_once_and_published_once(found: os.stat_result) -> None:
    own = Own()
    standing(own, stat_of(found))
    own.touch("f")
    own.settle()
    heads, read = len(own.heads), list(own.read)
    for _ in range(2):
        own.change("f", mtime_ns=stat_of(found).mtime_ns)
        own.own_folder.scan()
        own.tick()
        own.touch("f")
        own.settle()
    assert (len(own.heads), own.read) == (heads, read)


@given(stat_results())
def test_a_date_that_travels_is_one_that_common_disks_keep(found: os.stat_result) -> None:
    stat = stat_of(found)
    assert -(2**31) <= stat.mtime_ns // S_NS < 2**34 - 2**31  # what ext4 keeps
    inside = -(2**31) * S_NS <= found.st_mtime_ns <= limits.DATE_MAX_S * S_NS
    assert (stat.mtime_ns == found.st_mtime_ns) is inside
    assert inside or stat.mtime_ns % S_NS == 0, "no twin: a clamped date proves nothing"
    assert -(2**63) <= stat.ctime_ns < 2**63
    assert 0 <= stat.inode < 2**64


@given(stat_results(), stat_results())
def test_files_moved_over_one_another_end_as_they_stand(
    one: os.stat_result, other: os.stat_result
) -> None:
    own = Own()
    for found in (one, other):
        standing(own, stat_of(found))
        own.touch("f")
        own.settle()
    record = sent(own)
    stat = stat_of(other)
    assert (record.mtime_ns, record.executable) == (stat.mtime_ns, stat.executable)
    assert not [effect for effect in own.todo if isinstance(effect, Hash)]


@given(sizes, times_ns)
def test_every_size_that_is_shared_fits_a_record(size: int, mtime_ns: int) -> None:
    stat = Stat.of(size, mtime_ns, 0, 1, executable=False)
    said = stat.size, stat.mtime_ns, stat.executable
    record = FileRecord(b"f", Kind.FILE, *said, limits.PIECE_MAX_BYTES, bytes(32), 1)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=FileRecord) == record
