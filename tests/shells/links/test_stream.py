"""A blocking stream: exact reads, bounded frames, silence, and being called off.

Strategy: both ends are real TLS over loopback; time-outs are shortened on the object, not waited
for.
"""

import socket
import threading
import time
from contextlib import suppress

import pytest

from potluck.core import limits
from potluck.core.content.swarm.windows import ReceiveWindow
from potluck.core.errors import FrameTooLong, Malformed
from potluck.core.wire.catalogue import BULK_REPLY, Done, PieceHeader, encode_frame
from potluck.shells.links import stream as stream_module
from potluck.shells.links.stream import Stream, read_to_end, remaining_s
from tests.shells.peers import WAIT_S, at_some_pace, stream_pair


@pytest.fixture
def ends(monkeypatch):
    monkeypatch.setattr(stream_module, "STEP_S", 0.02)
    monkeypatch.setattr("potluck.core.limits.BULK_STALL_S", 0.1)
    near, far = stream_pair()
    yield near, far
    near.close()
    far.close()


def test_a_frame_and_the_raw_bytes_after_it(ends):
    near, far = ends
    near.send_bytes(encode_frame(PieceHeader(3, 5)) + b"hello" + encode_frame(Done()))
    assert far.receive(BULK_REPLY) == PieceHeader(3, 5)
    room = bytearray(5)
    far.receive_into(memoryview(room))
    assert room == b"hello"
    assert far.receive(BULK_REPLY) == Done()
    assert far.heard


def test_a_long_frame_is_refused_by_its_length_alone(ends):
    near, far = ends
    near.send_bytes((2**32 - 1).to_bytes(4, "big"))
    with pytest.raises(FrameTooLong):
        far.receive(BULK_REPLY)


def test_bytes_that_are_no_message(ends):
    near, far = ends
    near.send_bytes((3).to_bytes(4, "big") + b"\xc1\xc1\xc1")
    with pytest.raises(Malformed):
        far.receive(BULK_REPLY)


@pytest.mark.parametrize(
    "sent",
    [b"", b"\0\0", encode_frame(Done())[:-1]],
    ids=["nothing", "half a length", "half a frame"],
)
def test_an_end_is_never_a_short_read(ends, sent):
    near, far = ends
    if sent:
        near.send_bytes(sent)
    near.close()
    with pytest.raises((EOFError, OSError)) as caught:
        far.receive(BULK_REPLY)
    assert not isinstance(caught.value, TimeoutError)


def test_silence_ends_after_the_patience_and_not_before(ends):
    _, far = ends
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        far.receive(BULK_REPLY)
    assert time.monotonic() - begun >= 0.08


def test_a_longer_patience_counts_for_the_first_byte_only(ends):
    near, far = ends
    timer = threading.Timer(0.3, lambda: near.send(Done()))
    timer.start()
    assert far.receive(BULK_REPLY, wait_s=WAIT_S) == Done()
    timer.join()
    near.send_bytes(b"\0\0")
    with pytest.raises(TimeoutError):
        far.receive(BULK_REPLY)


def test_somebody_who_waits_can_be_called_off(ends):
    _, far = ends

    class CalledOff:
        def check(self):
            raise EOFError("called off")

    far.user = CalledOff()
    with pytest.raises(EOFError, match="called off"):
        far.receive(BULK_REPLY, wait_s=WAIT_S)


def test_a_deadline_holds_against_a_dripping_peer(ends):
    near, far = ends
    far.deadline = time.monotonic() + 0.15
    stop = threading.Event()

    def drip():
        while not stop.wait(0.01):
            near.send_bytes(b"\0")

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(TimeoutError):
        far.receive_into(memoryview(bytearray(1000)))
    stop.set()
    thread.join()


def test_a_reader_that_stalls_is_given_up(ends):
    near, _ = ends
    with pytest.raises(TimeoutError):
        near.send_bytes(bytes(64 << 20))


def test_a_reader_that_is_only_slow_is_not_given_up(monkeypatch):
    sent = bytes(4 << 20)

    def reads_slowly(stall_s):
        monkeypatch.setattr(limits, "BULK_STALL_S", stall_s)
        near, far = stream_pair()
        took = []

        def send():
            begun = time.monotonic()
            with suppress(OSError):  # we were stopped for so long that this was a stall
                near.send_bytes(sent)
                took.append(time.monotonic() - begun)
            near.close()

        for end in (near, far):
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        thread = threading.Thread(target=send)
        thread.start()
        room = memoryview(bytearray(128 << 10))
        pause = threading.Event()
        with suppress(EOFError, OSError):
            for _ in range(len(sent) // len(room)):
                far.receive_into(room, WAIT_S)
                pause.wait(stall_s / 16)
        thread.join()
        far.close()
        return bool(took) and took[0] > stall_s

    at_some_pace(reads_slowly)


@pytest.mark.skipif(not hasattr(socket, "TCP_WINDOW_CLAMP"), reason="the kernel decides here")
def test_what_may_be_on_its_way_is_what_the_window_says(ends):
    near, far = ends

    class Window(ReceiveWindow):
        says, counted = None, 0

        def on_bytes(self, count, now):
            self.counted += count
            return self.says

    def hear(says):
        far.window.says = says
        near.send_bytes(bytes(1000))
        far.receive_into(memoryview(bytearray(1000)))
        return far.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP)

    far.window = Window(0.0, limits.QUEUE_S)
    as_the_kernel_chose = hear(None)
    assert as_the_kernel_chose > 30_000
    assert [hear(10_000), hear(None), hear(30_000)] == [10_000, 10_000, 30_000]
    assert far.window.counted == 4000
    far.gives_way = lambda: True
    assert [hear(None), hear(30_000)] == [30_000, limits.WINDOW_MIN_BYTES]
    far.gives_way = lambda: False
    assert hear(30_000) == 30_000


@pytest.mark.skipif(not hasattr(socket, "TCP_WINDOW_CLAMP"), reason="the kernel decides here")
def test_before_anything_is_measured_little_is_on_its_way(ends):
    _, far = ends
    far.measure(limits.QUEUE_S)
    window = far.window
    clamp = far.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP)
    assert clamp == limits.WINDOW_START_BYTES
    far.measure(limits.QUEUE_S)
    assert far.window is window, "a link that is used again goes on as it was measured"


def test_an_idle_link_is_read_only_when_it_ends_or_talks(ends):
    near, far = ends
    assert not far.unread()
    near.send_bytes(b"x")
    deadline = time.monotonic() + WAIT_S
    while not far.unread():
        assert time.monotonic() < deadline
    near.close()
    deadline = time.monotonic() + WAIT_S
    while not far.unread():
        assert time.monotonic() < deadline


def test_no_time_left():
    assert 0 < remaining_s(time.monotonic() + WAIT_S) <= WAIT_S
    with pytest.raises(TimeoutError):
        remaining_s(time.monotonic() - 1)


def test_a_stream_works_in_short_steps(ends):
    near, _ = ends
    assert near.sock.gettimeout() == 0.02
    assert isinstance(near, Stream)


# -- what comes is told ----------------------------------------------------------------------------
def test_what_came_and_how_long_it_was_waited_for_is_told(ends, monkeypatch):
    monkeypatch.setattr("potluck.core.limits.PACE_TOLD_S", 0.05)
    near, far = ends
    told = []
    far.tell(lambda size_bytes, waited_s: told.append((size_bytes, waited_s)))
    near.send_bytes(b"abc")
    far.receive_into(memoryview(bytearray(3)))
    with pytest.raises(TimeoutError):
        far.receive_into(memoryview(bytearray(1)), 0.2)
    assert sum(size_bytes for size_bytes, _ in told) == 3
    assert len(told) > 1, "silence is told, too"
    assert all(0.05 <= waited_s < 0.2 for _, waited_s in told)
    far.tell(None)
    before = len(told)
    with pytest.raises(TimeoutError):
        far.receive_into(memoryview(bytearray(1)), 0.2)
    assert len(told) == before


def test_who_sends_a_byte_now_and_then_is_called_off_all_the_same(ends, monkeypatch):
    monkeypatch.setattr("potluck.core.limits.PACE_TOLD_S", 0.0)
    near, far = ends

    class CalledOff(Exception):
        """By its user."""

    class User:
        def check(self):
            raise CalledOff

    far.tell(lambda _size_bytes, _waited_s: None)
    far.user = User()
    near.send_bytes(b"a")
    with pytest.raises(CalledOff):
        far.receive_into(memoryview(bytearray(2)))


def test_a_pause_of_this_device_is_not_waited_for(ends, monkeypatch):
    near, far = ends
    monkeypatch.setattr("potluck.core.limits.PACE_TOLD_S", 0.0)
    told = []
    far.tell(lambda size_bytes, waited_s: told.append(waited_s))
    slept = iter([0.0, 5.0])  # before and after a read in which the laptop slept
    monkeypatch.setattr(stream_module, "time", Clock(lambda: next(slept, 5.0)))
    near.send_bytes(b"a")
    far.receive_into(memoryview(bytearray(1)))
    assert max(told) == 2 * stream_module.STEP_S


class Clock:
    """Stands for the module time."""

    def __init__(self, monotonic):
        self.monotonic = monotonic


def test_what_comes_until_the_end_is_read_so_far_and_so_long():
    for sent, most, got in ((b"", 9, b""), (b"hello", 9, b"hello"), (b"hello", 3, b"hel")):
        near, far = socket.socketpair()
        with near, far:
            far.sendall(sent)
            far.shutdown(socket.SHUT_WR)
            assert read_to_end(near, most, time.monotonic() + WAIT_S) == got
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"h")
        with pytest.raises(TimeoutError):
            read_to_end(near, 9, time.monotonic() + 0.05)
