"""What the laws draw from: values that are valid on the wire, small enough that coincidences
happen.

Strategy: few paths and few contents, so that two drawn sets overlap, replace and delete each other.
A law that needs larger variety widens the strategy it uses, not the shared one.
"""

from __future__ import annotations

from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.wire.catalogue import FileRecord, Kind

paths = st.lists(st.sampled_from("abcé"), min_size=1, max_size=3).map(
    lambda parts: "/".join(parts).encode()
)
"""Wire paths, 84 of them."""
digests = st.binary(min_size=32, max_size=32)
"""Any 32 bytes."""
roots = st.sampled_from([bytes([number]) * 32 for number in range(4)])
"""One of four contents."""


def file_records(seq: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[FileRecord]:
    """Files and folders at any path, with any numbers the wire allows."""
    return st.builds(
        FileRecord,
        path=paths,
        kind=st.sampled_from(Kind),
        size=st.sampled_from([0, 1, 5000, limits.FILE_MAX_BYTES]),
        mtime_ns=st.sampled_from([-(2**63), 0, 2**63 - 1]),
        executable=st.booleans(),
        piece_size=st.sampled_from([limits.PIECE_MIN_BYTES, limits.PIECE_MAX_BYTES]),
        root=roots,
        seq=seq or st.integers(0, limits.SEQ_MAX),
    )
