"""Segments: a connection agrees on small packets if either side wants them."""

from __future__ import annotations

import socket

import pytest

from potluck.core import limits
from potluck.engine.effects import Narrow
from potluck.shells.links.segments import Segments

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_MAXSEG"), reason="no TCP_MAXSEG here")


def sizes(segments, listener):
    """Return what both ends of a new connection take for the longest segment."""
    with socket.socket() as near:
        segments.prepare(near, "127.0.0.1")
        near.connect(listener.getsockname())
        far, _ = listener.accept()
        with far:
            both = (near, far)
            return [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) for sock in both]


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_packets_are_large_before_anybody_needs_small_ones(listener):
    segments = Segments()
    assert min(sizes(segments, listener)) > limits.SMALL_SEGMENT_BYTES
    segments.narrow(Narrow("10.0.0.9"))
    assert min(sizes(segments, listener)) > limits.SMALL_SEGMENT_BYTES, "another host"


def test_whoever_dials_a_narrow_host_sets_it_for_both_ends(listener):
    segments = Segments()
    segments.narrow(Narrow("127.0.0.1"))
    assert max(sizes(segments, listener)) <= limits.SMALL_SEGMENT_BYTES
    assert repr(segments) == "<Segments: small to 1 hosts>"


def test_and_so_does_whoever_accepts(listener):
    Segments(listener).narrow(Narrow("127.0.0.1"))
    assert max(sizes(Segments(), listener)) <= limits.SMALL_SEGMENT_BYTES
