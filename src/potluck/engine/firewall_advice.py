"""Firewall advice: which command lets others in, as far as it can be known what keeps them out.

Strategy: a table from the firewall that the shells saw on this machine (shells/net/firewalls.py) to
the words for it and the command that opens one port for TCP and UDP. Guarantees: pure; a firewall
nobody knows is called "a firewall", and no command is made up for it. Limits: the command is for
this machine; what stands on the other one is not known here. Tables of nftables have names of their
own, so there the command only shows them.
"""

from __future__ import annotations

_COMMANDS = {
    "ufw": "sudo ufw allow {port}",
    "firewalld": "sudo firewall-cmd --add-port={port}/tcp --add-port={port}/udp",
    "nftables": "sudo nft list ruleset",
    "iptables": (
        "sudo iptables -I INPUT -p tcp --dport {port} -j ACCEPT; "
        "sudo iptables -I INPUT -p udp --dport {port} -j ACCEPT"
    ),
}


def named(firewall: str) -> str:
    """Return what to call the firewall on this machine, "" if none was seen here."""
    return f"{firewall} is on here" if firewall in _COMMANDS else ""


def opening(firewall: str, port: int) -> str:
    """Return what a person types to let others in on this machine, "" if that is not known."""
    return _COMMANDS.get(firewall, "").format(port=port)
