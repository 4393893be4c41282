"""Firewalls: what can be seen of them in a machine made of files."""

from __future__ import annotations

import pytest

from potluck.shells.net import firewalls
from potluck.shells.net.firewalls import TOOLS, firewall_here, tools_here


@pytest.fixture
def machine(tmp_path):
    """`machine("run/systemd/units/…")` makes that file, empty or with the text given."""

    def put(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(tmp_path)

    return put


def test_a_machine_that_shows_nothing_has_none(tmp_path):
    assert firewall_here(str(tmp_path)) == ""


@pytest.mark.parametrize(("line", "seen"), [("ENABLED=yes", "ufw"), ("ENABLED=no", "")])
def test_ufw_says_itself_whether_it_is_on(machine, line, seen):
    assert firewall_here(machine("etc/ufw/ufw.conf", f"# comment\n{line}\n")) == seen


@pytest.mark.parametrize(
    ("unit", "seen"),
    [
        ("firewalld", "firewalld"),
        ("nftables", "nftables"),
        ("netfilter-persistent", "iptables"),
        ("iptables", "iptables"),
        ("cups", ""),
    ],
)
def test_a_unit_that_runs_names_it_though_its_link_leads_nowhere(tmp_path, unit, seen):
    units = tmp_path / "run/systemd/units"
    units.mkdir(parents=True)
    (units / f"invocation:{unit}.service").symlink_to("0123456789abcdef")
    assert firewall_here(str(tmp_path)) == seen


@pytest.mark.parametrize(
    ("module", "seen"),
    [("nft_ct", "nftables"), ("nft_reject", "nftables"), ("iptable_filter", "iptables")],
)
def test_the_kernel_names_what_filters(machine, module, seen):
    assert firewall_here(machine(f"sys/module/{module}/refcnt")) == seen


def test_the_one_people_know_best_is_named_first(machine):
    machine("sys/module/nft_ct/refcnt")
    assert firewall_here(machine("etc/ufw/ufw.conf", "ENABLED=yes\n")) == "ufw"


def test_this_machine_can_be_looked_at():
    assert firewall_here() in {"", "ufw", "firewalld", "nftables", "iptables"}
    assert set(tools_here()) <= set(TOOLS)


def test_only_what_is_installed_and_can_be_run_is_a_tool_here(tmp_path):
    for name, mode in (("nft", 0o755), ("iptables", 0o644)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    assert tools_here(str(tmp_path)) == ("nft",)


def test_a_tool_of_root_is_found_though_it_is_not_on_everybodys_path(tmp_path, monkeypatch):
    (tmp_path / "iptables").write_text("")
    (tmp_path / "iptables").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(firewalls, "_SYSTEM_PATHS", (str(tmp_path),))
    assert tools_here() == ("iptables",)
