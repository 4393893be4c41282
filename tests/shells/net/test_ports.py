"""Claiming a port on the real system: free, taken by ourselves, by a stranger, by a shared or
selfish UDP socket.

Strategy: ports come from the system, so tests never collide; /proc is read for real, with sample
tables for what this machine cannot show.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from potluck.core import limits
from potluck.core.errors import Refused, UsageError
from potluck.core.wire.catalogue import Address
from potluck.shells.net import ports
from potluck.shells.net.ports import claim_port, holder, parse_listening, plain_address
from tests.shells.peers import WAIT_S


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def taken(stack, host=""):
    """A port that this process listens on."""
    sock = stack.enter_context(socket.create_server((host, 0)))
    return sock.getsockname()[1]


def claimed(stack, *arguments, **options):
    sock, port = claim_port(*arguments, **options)
    stack.callback(sock.close)
    return sock, port


def test_the_claimed_port_listens_for_both_families(stack):
    sock, port = claimed(stack, 0, given=True)
    families = [("127.0.0.1", socket.AF_INET)]
    if sock.family == socket.AF_INET6:
        families.append(("::1", socket.AF_INET6))
    for host, family in families:
        with socket.socket(family) as client:
            client.settimeout(WAIT_S)
            client.connect((host, port))
    assert not sock.getblocking()


def test_mapped_addresses_read_as_ipv4(stack):
    sock, port = claimed(stack, 0, given=True)
    sock.settimeout(WAIT_S)
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        link, name = sock.accept()
        link.close()
        assert plain_address(name) == Address("127.0.0.1", client.getsockname()[1])
    assert plain_address(("fe80::1", 5, 0, 2)) == Address("fe80::1", 5)


def test_without_ipv6_it_is_ipv4(stack, monkeypatch):
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    sock, _ = claimed(stack, 0, given=True)
    assert sock.family == socket.AF_INET


def test_ipv6_that_is_switched_off_is_noticed(stack, monkeypatch):
    class Off(socket.socket):
        def bind(self, address):
            if self.family == socket.AF_INET6:
                raise OSError(99, "Cannot assign requested address")
            super().bind(address)

    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: True)
    monkeypatch.setattr(socket, "socket", Off)
    sock, _ = claimed(stack, 0, given=True)
    assert sock.family == socket.AF_INET


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_one_host_only(stack, host):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    sock, _ = claimed(stack, 0, given=True, host=host)
    assert sock.getsockname()[0] == host


def test_the_next_port_is_taken_if_nobody_asked_for_this_one(stack):
    port = taken(stack)
    _, found = claimed(stack, port, given=False)
    assert port < found < port + limits.PORT_TRIES


def test_the_default_port_is_the_one_of_the_limits(stack, monkeypatch):
    port = taken(stack)
    monkeypatch.setattr(limits, "PORT", port)
    _, found = claimed(stack, None, given=False)
    assert port < found < port + limits.PORT_TRIES


def test_a_port_whose_udp_half_is_held_is_not_taken(stack):
    selfish = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    selfish.bind(("", 0))
    port = selfish.getsockname()[1]
    _, found = claimed(stack, port, given=False)
    assert found != port


def test_a_port_whose_udp_half_is_shared_is_taken(stack):
    shared = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.bind(("", 0))
    port = shared.getsockname()[1]
    assert claimed(stack, port, given=True)[1] == port


def test_a_given_port_in_use_names_the_culprit(stack):
    port = taken(stack)
    with pytest.raises(Refused) as caught:
        claim_port(port, given=True)
    assert str(port) in caught.value.what
    assert str(os.getpid()) in caught.value.cause
    assert caught.value.fix == f"potluck up --port {port + 1}"


@pytest.mark.parametrize(
    ("name", "who"), [("pot.py", "another potluck"), ("server.py", "another program")]
)
def test_another_potluck_and_another_program_are_told_apart(tmp_path, name, who):
    script = tmp_path / name
    script.write_text(
        "import socket, sys\n"
        "s = socket.create_server(('', 0))\n"
        "print(s.getsockname()[1], flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        port = int(process.stdout.readline())
        with pytest.raises(Refused) as caught:
            claim_port(port, given=True)
        process.stdin.close()
    assert who in caught.value.cause
    assert str(process.pid) in caught.value.cause


def test_a_culprit_that_cannot_be_seen_is_another_program(stack, monkeypatch):
    port = taken(stack)
    monkeypatch.setattr(ports, "_names", lambda folder: [])
    with pytest.raises(Refused, match="in use") as caught:
        claim_port(port, given=True)
    assert caught.value.cause == "another program uses it"


def test_nobody_holds_a_free_port(stack):
    with socket.socket() as probe:
        probe.bind(("", 0))
        assert holder(probe.getsockname()[1]) is None


def test_all_ports_in_use(stack, monkeypatch):
    port = taken(stack)
    monkeypatch.setattr(ports, "_listen", _always_in_use)
    with pytest.raises(Refused, match="all in use") as caught:
        claim_port(port, given=False)
    assert caught.value.fix == "potluck up --port 0"


def _always_in_use(host, port):
    raise OSError(98, "Address already in use")


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port(port):
    with pytest.raises(UsageError, match="no port"):
        claim_port(port, given=True)


@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid"])
def test_what_is_no_address_of_this_machine(host):
    with pytest.raises(UsageError, match="no address of this machine"):
        claim_port(0, given=True, host=host)


@pytest.mark.parametrize(
    ("number", "words"), [(13, "may not listen"), (1, "may not listen"), (24, "cannot listen")]
)
def test_other_refusals_have_three_parts(monkeypatch, number, words):
    def refuse(host, port):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(ports, "_listen", refuse)
    with pytest.raises(Refused, match=words) as caught:
        claim_port(80, given=True)
    assert caught.value.cause
    assert caught.value.fix


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1E05 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5001 1 0
   1: 0100007F:1E05 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 5002 1 0
   2: 00000000:1E06 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5003 1 0
   3: short line
"""


def test_only_listening_sockets_of_that_port_count():
    assert parse_listening(TABLE, 7685) == {"5001"}
    assert parse_listening("", 7685) == set()


def test_a_command_line_cannot_act_on_the_terminal():
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()", "\x1b[31mred"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        assert ports._command(str(process.pid)).endswith("?[31mred")
        process.stdin.close()
    assert ports._command("0") == ""
    assert ports._target("/proc/self/none") == ""
    assert ports._names("/proc/none") == []
