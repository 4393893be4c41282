"""Firewall advice: the right command for the port that is really used."""

from __future__ import annotations

import pytest

from potluck.engine.firewall_advice import named, opening


@pytest.mark.parametrize(
    ("firewall", "command"),
    [
        ("ufw", "sudo ufw allow 7686"),
        ("firewalld", "sudo firewall-cmd --add-port=7686/tcp --add-port=7686/udp"),
        ("nftables", "sudo nft list ruleset"),
    ],
)
def test_a_firewall_that_was_seen_is_named_with_its_command(firewall: str, command: str) -> None:
    assert named(firewall) == f"{firewall} is on here"
    assert opening(firewall, 7686) == command


def test_iptables_takes_a_command_for_each_protocol() -> None:
    assert opening("iptables", 7685).count("--dport 7685 -j ACCEPT") == 2


def test_nothing_is_made_up_for_one_nobody_knows() -> None:
    assert named("") == named("wall of mine") == ""
    assert opening("", 7685) == ""
