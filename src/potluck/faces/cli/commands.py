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
    "take": ("taking", "take", "copy a file or folder of somebody else into mine"),
    "skip": ("skipping", "skip", "what others share is not wanted here: say it, or list it"),
    "keep": ("skipping", "keep", "fetch some of what is skipped here all the same"),
    "get": ("skipping", "get", "fetch again what is skipped, or was removed, here"),
    "trash": ("versions", "show_trash", "what was replaced or deleted and is still kept here"),
    "history": ("versions", "show_history", "the versions of a file, here and of mine elsewhere"),
    "restore": ("versions", "restore_version", "bring a version back from the trash"),
    "undo": ("versions", "undo", "have back what I deleted or replaced last in one go"),
    "info": ("explaining", "info", "what is known of a file, and which devices have it"),
    "why": ("explaining", "say_why", "why a file, or anything, is not in sync"),
    "peers": ("views", "peers", "the devices, where they are, how they were found"),
    "ring": ("views", "ring", "the circle of nodes, each with its last and its next"),
    "pending": ("answering", "pending", "who asks to join, and the words to compare"),
    "approve": ("answering", "approve", "say yes to who asks to join"),
    "deny": ("answering", "deny", "say no to who asks to join"),
    "open": ("door", "open_door", "admit anyone and, if alone, join any open group, for a while"),
    "close": ("door", "close_door", "admit nobody any more without asking"),
    "invite": ("inviting", "invite", "make a code by which one device joins this group"),
    "uninvite": ("inviting", "uninvite", "take back the code that is in force"),
    "join": ("inviting", "join", "join the group whose member showed you a code"),
    "remove": ("removing", "remove", "put a device out of the group, for good"),
    "forget": ("removing", "forget_folder", "have a removed device's folder go, everywhere"),
    "adopt": ("removing", "adopt", "make a removed device's folder part of mine"),
    "leave": ("removing", "leave_group", "leave the group for good (`down` only ends)"),
    "admin": ("removing", "admin", "make a device a steward, which may remove others"),
    "clone": ("cloning", "clone", "say which of two machines with one identity it is"),
    "rename": ("renaming", "rename", "give a device, or the group, another name"),
    "confirm": ("confirming", "confirm", "let deletes go that are held, mine or NAME's"),
    "repair": ("repairing", "repair", "bring back the files of mine that only the others have"),
    "verify": ("verifying", "verify_files", "read all that is here again, to find what is damaged"),
    "rescan": ("acts", "rescan", "look at my folder now"),
    "wait": ("views", "wait", "block until something is true (for scripts)"),
    "watch": ("watch", "watch", "the live view of a potluck that runs already"),
    "service": ("service", "service", "let potluck start and run by itself (systemd)"),
    "backup-identity": (
        "identity",
        "backup_identity",
        "what makes this device itself, locked",
    ),
    "restore-identity": ("identity", "restore_identity", "be that device again, on this machine"),
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
    "backup-identity": "it asks for a passphrase: type it at a shell",
    "restore-identity": "a potluck runs here",
}
"""Commands that the prompt does not run, and why."""
