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
    assert opening(firewall, 7686, ["nft", "iptables"]) == command


def test_iptables_takes_a_command_for_each_protocol() -> None:
    assert opening("iptables", 7685, ["nft", "iptables"]).count("--dport 7685 -j ACCEPT") == 2


def test_nothing_is_made_up_for_one_nobody_knows() -> None:
    assert named("") == named("wall of mine") == ""
    assert opening("", 7685, ["ping"]) == opening("nftables", 7685, []) == ""


@pytest.mark.parametrize("firewall", ["", "wall of mine", "nftables", "iptables"])
def test_what_only_shows_is_advised_if_it_is_installed_and_nothing_opens(firewall: str) -> None:
    assert opening(firewall, 7685, ["ping", "nft"]) == "sudo nft list ruleset"


def test_of_two_that_show_the_one_that_shows_both_tables_is_advised() -> None:
    assert opening("", 7685, ["iptables"]) == opening("nftables", 7685, ["iptables"])
    assert opening("", 7685, ["iptables"]) == "sudo iptables -S"
    assert opening("", 7685, ["iptables", "nft"]) == "sudo nft list ruleset"
