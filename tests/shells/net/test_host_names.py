"""The names of this host: a table made by hand, the real kernel, a name service that hangs.

Strategy: the name service is replaced, so that no test asks a real one.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from potluck.shells.net import host_names
from potluck.shells.net.host_names import full_name, names_of_host


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom the name service was asked about; it says what is in no table."""
    asked: list[str] = []

    def answer(name: str) -> str:
        asked.append(name)
        return "mate.far.example"

    monkeypatch.setattr("socket.getfqdn", answer)
    return asked


def on_networks(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """This host has these addresses, the last two on networks that are not used."""
    used = [SimpleNamespace(interface=SimpleNamespace(host=host)) for host in addresses[:-2]]
    left_out = [SimpleNamespace(host=host) for host in addresses[-2:]]
    seen = SimpleNamespace(networks=used, left_out=left_out)
    monkeypatch.setattr(host_names, "survey", lambda: seen)
    monkeypatch.setattr(host_names, "IPV6_TABLE", "/dev/null")


def test_names_are_addresses_and_aliases(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[str]
) -> None:
    on_networks(monkeypatch, "10.0.0.2", "172.17.0.1", "127.0.0.1")
    table = tmp_path / "hosts"
    table.write_bytes(b"127.0.1.1 mate.home.arpa mate\n10.0.0.2 \xff travel\n")
    folders = ["10.0.0.2", "photos", "MATE.home.arpa", "x."]
    found = names_of_host("mate", folders, str(table))
    assert found == [
        *("10.0.0.2", "172.17.0.1", "mate.home.arpa", "mate"),
        *("\N{REPLACEMENT CHARACTER}", "travel"),
    ]
    assert asked == [], "no folder could be what the name service says"


def test_ipv6_addresses_and_their_aliases_are_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_networks(monkeypatch, "10.0.0.2", "127.0.0.1")
    addresses, table = tmp_path / "if_inet6", tmp_path / "hosts"
    addresses.write_text(
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fd910007000000000000000000000003 02 40 00 80     eth0\n"
        "fe800000000000000000000000000002 02 40 20 80     eth0\n"
        "fe800000000000000000000000000002 03 40 20 80     eth1\n"
    )
    table.write_text("fd91:7::3 cellar\n::1 nobody\n")
    monkeypatch.setattr(host_names, "IPV6_TABLE", str(addresses))
    found = names_of_host("mate", [], str(table))
    assert found == ["10.0.0.2", "fd91:7::3", "fe80::2", "cellar"]


def test_the_name_service_is_asked_where_a_folder_is_called_like_a_host_with_its_domain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[str]
) -> None:
    on_networks(monkeypatch, "", "127.0.1.1")
    table = str(tmp_path / "there is none")
    assert names_of_host("mate", ["mate.far.example"], table) == ["mate.far.example"]
    assert asked == ["mate"]


def test_a_kernel_that_does_not_say_is_one_source_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def survey() -> object:
        raise OSError(1, "not permitted")

    monkeypatch.setattr(host_names, "survey", survey)
    monkeypatch.setattr(host_names, "IPV6_TABLE", str(tmp_path / "none"))
    assert names_of_host("mate", [], str(tmp_path / "none")) == []


def test_a_name_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()

    def hang(name: str) -> str:
        end.wait(60.0)
        return name

    monkeypatch.setattr("socket.getfqdn", hang)
    assert full_name("mate", 0.01) == []
    end.set()


def test_the_kernel_and_the_table_of_this_machine_can_be_asked() -> None:
    assert "" not in names_of_host("no-such-host", [])
