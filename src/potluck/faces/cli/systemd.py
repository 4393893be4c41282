"""The tools of systemd, as `service` asks them: systemctl, journalctl, loginctl.

Strategy: a tool is run with words of our own, for this user's services. What it prints is returned;
that it is missing, does not answer or fails is raised in its own words, line by line, and whoever
asked says what is not known then. Guarantees: nothing waits longer than a minute, but what is shown
live; nothing that a tool says is taken for an answer if the tool says that it failed. Limits: what
loginctl does not say of lingering is not guessed.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from potluck.faces.advice import Advice
from potluck.faces.text import shown

SYSTEMCTL_S = 60  # the longest wait for systemctl


class SystemdSilentError(Exception):
    """A tool of systemd is not there, or does not do what it is told; it says why."""


def systemctl(*words: str) -> str:
    """Return what systemctl prints for this user's services; raises SystemdSilentError."""
    answer = run_tool("systemctl", "--user", *words)
    if answer.returncode:
        lines = [shown(line.strip()) for line in answer.stderr.splitlines() if line.strip()]
        mute = f"systemctl ended with {answer.returncode}, and does not say why"
        raise SystemdSilentError("\n".join(lines) or mute)
    return answer.stdout


def failure_of(*words: str) -> str:
    """Run systemctl and return why that failed, "" if it did not."""
    try:
        systemctl(*words)
    except SystemdSilentError as error:
        return str(error)
    return ""


def run_tool(tool: str, *words: str, shown_live: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a tool of systemd; its output is kept, or `shown_live` as long as it runs."""
    found = shutil.which(tool)
    if found is None:
        raise SystemdSilentError(f"there is no {tool} here")
    try:
        return subprocess.run(  # noqa: S603 - a tool of the system, with words of our own
            [found, *words],
            capture_output=not shown_live,
            text=True,
            timeout=None if shown_live else SYSTEMCTL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdSilentError(f"{tool} does not answer: {shown(str(error))}") from error


def lingers() -> bool | None:
    """Say whether this user's services run without a session; None: not known."""
    try:
        answer = run_tool("loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value")
    except SystemdSilentError:
        return None
    return None if answer.returncode else {"yes": True, "no": False}.get(answer.stdout.strip())


def linger_lines(linger: bool | None) -> list[str]:
    """Return what has to be known about sessions."""
    if linger:
        return ["It runs from when the computer starts, also while nobody is logged in."]
    if linger is None:
        return [
            "loginctl does not say whether it also runs while nobody is logged in.",
            Advice("To ask: ", f"loginctl show-user {os.getuid()} --property=Linger"),
            Advice("To have it so: ", "loginctl enable-linger"),
        ]
    return [
        "It starts when you log in, and ends with your last session.",
        "To have it run from when the computer starts, also while nobody is logged in:",
        "  loginctl enable-linger",
    ]
