"""Firewalls: which one is on here, as far as anybody may see it.

Strategy: the rules themselves are for root's eyes; that a firewall is on can be read by everybody:
ufw says so in its settings, firewalld and the services that load rules are among the running units
of systemd, and the kernel names the modules that filter. The first of these that is found is named,
the one people know best first. Which commands would show more is looked up besides, since only what
is installed can be advised. Guarantees: what cannot be read is not there; never raises; less than a
millisecond. Limits: that a firewall is on does not say what it lets in; one that was started in
another way is not seen.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# what people type that is not here on every machine
TOOLS = ("nft", "iptables", "ping")
# root's commands are not on everybody's PATH, and sudo finds them all the same
_SYSTEM_PATHS = ("/usr/sbin", "/sbin", "/usr/local/sbin")
_UNITS = "run/systemd/units"  # a link named after each unit that runs
_BY_UNIT = (
    ("firewalld", "firewalld"),
    ("nftables", "nftables"),
    ("netfilter-persistent", "iptables"),
    ("iptables", "iptables"),
)
_BY_MODULE = (("nft_ct", "nftables"), ("nft_reject", "nftables"), ("iptable_filter", "iptables"))


def firewall_here(root: str = "/") -> str:
    """Return "ufw", "firewalld", "nftables", "iptables", or "" if none can be seen below `root`."""
    if _ufw_is_on(Path(root, "etc/ufw/ufw.conf")):
        return "ufw"
    units = Path(root, _UNITS)
    for unit, firewall in _BY_UNIT:
        if _stands(units / f"invocation:{unit}.service"):
            return firewall
    modules = Path(root, "sys/module")
    for module, firewall in _BY_MODULE:
        if _stands(modules / module):
            return firewall
    return ""


def tools_here(paths: str | None = None) -> tuple[str, ...]:
    """Return which of TOOLS are installed; `paths` as in PATH, else that and those of root."""
    if paths is None:
        paths = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PATHS])
    return tuple(tool for tool in TOOLS if shutil.which(tool, path=paths))


def _stands(path: Path) -> bool:
    """Say whether something is at a path; what it points to, if it is a link, does not matter."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _ufw_is_on(settings: Path) -> bool:
    try:
        lines = settings.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip().lower() == "enabled=yes" for line in lines)
