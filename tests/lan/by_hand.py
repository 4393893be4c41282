"""Play with potluck on a LAN inside this machine: `python3 -m tests.lan.by_hand 3` (as root; Ctrl-C
ends it).

Strategy: the same hosts the tests use, one potluck on each, each in a window of one tmux session
where there is tmux, else in the background with a log file. What to look at, and how to pull a
cable, is printed. Guarantee: Ctrl-C ends every potluck and removes the hosts; the folders stay
until you remove them. Limits: the doors are open for everybody on this LAN of its own, which nobody
else can reach.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lan.hosts import Hosts, unavailable

if TYPE_CHECKING:
    from tests.lan.potluck import Potluck

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"  # made by pot.py, with everything potluck needs
SESSION = "potluck-lan"
ENDS = [signal.SIGINT, signal.SIGTERM]


def main() -> int:
    """Build the LAN, start, tell, and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.lan.by_hand", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=3, help="how many hosts (3)")
    parser.add_argument(
        "--no-tmux", action="store_true", help="run in the background, with log files"
    )
    parser.add_argument("--rate", help="limit every cable, for example 100mbit")
    wanted = parser.parse_args()
    if reason := unavailable():
        print(f"There can be no LAN here: {reason}.", file=sys.stderr)
        return 1
    from tests.lan.potluck import Potluck  # late: needs what `prepare` found

    base = Path(tempfile.mkdtemp(prefix="potluck-lan-"))
    tmux = None if wanted.no_tmux else shutil.which("tmux")
    with Hosts(wanted.n) as hosts:
        nodes = [Potluck(hosts, i, base, f"host{i}") for i in range(wanted.n)]
        try:
            for node in nodes:
                if wanted.rate:
                    hosts.rate(node.i, wanted.rate)
                if tmux:
                    open_window(tmux, node)
                else:
                    node.start(ready=False)
            print(explain(hosts, nodes, tmux=tmux is not None), flush=True)
            # Blocked only now: what is started inherits the mask, and must still hear its own
            # signals.
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
            signal.sigwait(ENDS)
        finally:
            if tmux:
                subprocess.run(
                    [tmux, "kill-session", "-t", SESSION], capture_output=True, check=False
                )
    print(f"\nEnded. The folders are still in {base}")
    return 0


def open_window(tmux: str, node: Potluck) -> None:
    """Start one potluck, with its prompt, in a window of its own."""
    up = ["up", str(node.folder), "--open=always", "--name", node.label]
    python = [sys.executable, "-m", "potluck", "--home", str(node.home), *up]
    inside = [
        "ip",
        "netns",
        "exec",
        node.hosts.name(node.i),
        "env",
        f"PYTHONPATH={ROOT / 'src'}",
        *python,
    ]
    # The window stays open after the end, so that the last words can be read.
    words = (
        f"cd {shlex.quote(str(ROOT))}; {shlex.join(inside)}; echo; echo ended with $?; read line"
    )
    first = ["new-session", "-d", "-s", SESSION] if node.i == 0 else ["new-window", "-t", SESSION]
    subprocess.run([tmux, *first, "-n", node.label, words], check=True)


def explain(hosts: Hosts, nodes: list[Potluck], *, tmux: bool) -> str:
    """Say where everything is and what can be tried."""
    one, other = nodes[0], nodes[-1]
    command = f"PYTHONPATH={ROOT / 'src'} {sys.executable} -m potluck --home {one.home}"
    lines = ["", f"{len(nodes)} hosts on a LAN of their own:"]
    for node in nodes:
        lines.append(f"  {node.label}  {hosts.address(node.i)}  my files: {node.own}")
        if not tmux:
            lines.append(f"         log: {node.log}")
    lines += [""]
    if tmux:
        lines += [
            f"  see them all       tmux attach -t {SESSION}      (Ctrl-b n: next, Ctrl-b d: leave)"
        ]
    lines += [
        f"  put a file in      cp FILE {one.own}/",
        f"  see it arrive      ls -l {other.shared / one.label}",
        f"  ask {one.label}          {command} status",
        f"  a shell on {other.label}   ip netns exec {hosts.name(other.i)} bash",
        f"  pull its cable     ip -n {hosts.name(other.i)} link set eth0 down     (up plugs it in)",
        "  end                Ctrl-C",
    ]
    return "\n".join(lines)


def prepare() -> None:
    """Make sure that potluck can be imported: from this checkout, with the packages of its own
    environment.
    """
    sys.path.insert(0, str(ROOT / "src"))
    if importlib.util.find_spec("msgspec") is None:
        if not PYTHON.exists():
            sys.exit(
                "potluck's packages are not installed yet.\n  try:      python3 pot.py version"
            )
        os.execv(PYTHON, [str(PYTHON), "-m", "tests.lan.by_hand", *sys.argv[1:]])


if __name__ == "__main__":
    prepare()
    sys.exit(main())
