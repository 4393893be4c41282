"""Which commands there are: where the code of each is, and what it is for in one line.

Strategy: a table without any code, so that whoever only wants to know whether a word is a command,
or which module runs it, imports neither. Guarantee: what `--help` lists and what the prompt knows
is this table. Limits: options are known to the commands themselves.
"""

from __future__ import annotations

EVERYDAY = ("up", "down", "status", "add")
COMMANDS: dict[str, tuple[str, str, str]] = {
    "up": ("up", "up", "start: join or found a group, show what happens"),
    "down": ("leaving", "down", "leave the group gracefully and end"),
    "status": ("views", "status", "this device, its group, and who has what"),
    "add": ("acts", "add", "put files into my folder, so that everybody gets them"),
    "ls": ("views", "ls", "what is shared, and what of it is here"),
    "peers": ("views", "peers", "the devices, where they are, how they were found"),
    "ring": ("views", "ring", "the circle of nodes, each with its last and its next"),
    "open": ("door", "open_door", "admit anyone and join any open group, for a while"),
    "close": ("door", "close_door", "admit nobody any more without asking"),
    "rescan": ("acts", "rescan", "look at my folder now"),
    "wait": ("views", "wait", "block until something is true (for scripts)"),
    "watch": ("watch", "watch", "the live view of a potluck that runs already"),
    "service": ("service", "service", "let potluck start and run by itself (systemd)"),
    "demo": ("demo", "demo", "watch several real devices work on this machine"),
    "exit": ("leaving", "down", "the same as down"),
    "quit": ("leaving", "down", "the same as down"),
    "stop": ("leaving", "down", "the same as down"),
    "version": ("acts", "version", "print the version"),
    "help": ("acts", "explain", "what a command does"),
}
ELSEWHERE = {
    "up": "this potluck runs already",
    "demo": "it would draw over this view",
    "wait": "it would keep this prompt from you",
    "service": "it is about how potluck is started",
    "watch": "this is it",
}
"""Commands that the prompt does not run, and why."""
