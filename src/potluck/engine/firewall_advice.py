"""Firewall advice: which command lets others in, as far as it can be known what keeps them out.

Strategy: a table from the firewall that the shells saw on this machine (shells/net/firewalls.py) to
the words for it and the command that opens one port for TCP and UDP. Guarantees: pure; a firewall
nobody knows is called "a firewall", and no command is made up for it. Limits: the command is for
this machine; what stands on the other one is not known here.
"""

from __future__ import annotations

_COMMANDS = {
    "ufw": "sudo ufw allow {port}",
    "firewalld": "sudo firewall-cmd --add-port={port}/tcp --add-port={port}/udp",
    "nftables": "sudo nft list ruleset  (then let TCP and UDP {port} in)",
    "iptables": (
        "sudo iptables -I INPUT -p tcp --dport {port} -j ACCEPT; "
        "sudo iptables -I INPUT -p udp --dport {port} -j ACCEPT"
    ),
}


def named(firewall: str) -> str:
    """Return what to call the firewall on this machine, "" if none was seen here."""
    return f"{firewall} is on here" if firewall in _COMMANDS else ""


def opening(firewall: str, port: int) -> str:
    """Return how a person lets others in on this machine."""
    known = _COMMANDS.get(firewall, "let TCP and UDP port {port} in, on both devices")
    return known.format(port=port)
