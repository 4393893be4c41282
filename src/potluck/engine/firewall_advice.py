"""Firewall advice: which command lets others in, as far as it can be known what keeps them out.

Strategy: a table from the firewall that the shells saw on this machine (shells/net/firewalls.py) to
the words for it and the command that opens one port for TCP and UDP. Where none was seen, or what
opens it is not installed, a command that is installed and shows the rules is advised. Guarantees:
pure; a firewall nobody knows is called "a firewall", and nothing that opens is made up for it.
Limits: the command is for this machine; what stands on the other one is not known here. Tables of
nftables have names of their own, so there the command only shows them.
"""

from __future__ import annotations

from collections.abc import Collection

_COMMANDS = {
    "ufw": "sudo ufw allow {port}",
    "firewalld": "sudo firewall-cmd --add-port={port}/tcp --add-port={port}/udp",
    "nftables": "",
    "iptables": (
        "sudo iptables -I INPUT -p tcp --dport {port} -j ACCEPT; "
        "sudo iptables -I INPUT -p udp --dport {port} -j ACCEPT"
    ),
}

_OPENED_BY = {"iptables": "iptables"}  # the others are at work here, so they are installed
_SHOWN_BY = {"nft": "sudo nft list ruleset", "iptables": "sudo iptables -S"}


def named(firewall: str) -> str:
    """Return what to call the firewall on this machine, "" if none was seen here."""
    return f"{firewall} is on here" if firewall in _COMMANDS else ""


def opening(firewall: str, port: int, tools: Collection[str]) -> str:
    """Return what a person types to let others in here, or to see what does not; "" if nothing.

    `tools`: the commands that are installed here, as in InterfacesSeen.
    """
    tool = _OPENED_BY.get(firewall)
    command = _COMMANDS.get(firewall, "") if tool is None or tool in tools else ""
    shown = [line for name, line in _SHOWN_BY.items() if name in tools]
    return command.format(port=port) or next(iter(shown), "")
