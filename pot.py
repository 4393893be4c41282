#!/usr/bin/env python3
"""Runs potluck from a fresh checkout: `python3 pot.py up`, `python3 pot.py test`, and so on.

Strategy: the first run makes `.venv` beside this file from the hash-pinned lock and writes a stamp
last; a run that finds the stamp it expects starts potluck at once, without asking pip. A `.venv`
that says `incomplete` was interrupted and is made again. Two first runs at once are serialised by a
lock that pip's process shares, so an orphaned pip keeps the next run waiting instead of being
overtaken.

Guarantees: nothing outside the checkout is written; every package matches a hash in
requirements/*.lock; every failure says what failed, the probable cause and the next command.
Assumptions: only the standard library; this file must still *parse* on Python 3.6, to be able to
say that Python is too old (hence quoted annotations, no walrus, no match).
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
# commands of developers, and their modules
TOOLS = {"test": "tests", "fuzz": "tests.fuzz", "torture": "tests.torture"}
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
INCOMPLETE = os.path.join(VENV, "incomplete")
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
PIP += ["--retries", "2", "--require-hashes", "--no-deps"]
PIP += ["--only-binary", ":all:", "--requirement"]
AGAIN = "python3 pot.py " + (" ".join(sys.argv[1:2]) or "up")

# What a failing tool prints -> (what failed, probable cause, next command). The first match speaks.
DIAGNOSES = [
    (
        ("No space left on device", "Errno 28", "Disk quota exceeded"),
        "The packages could not be written to .venv.",
        "The disk is full (about 200 MB are needed).",
        "free some space, then: " + AGAIN,
    ),
    (
        ("Read-only file system", "Permission denied", "Errno 30", "Errno 13"),
        "The folder .venv could not be written.",
        "This checkout is read-only or belongs to somebody else: " + ROOT,
        "copy it to a folder of yours (cp -r), then there: " + AGAIN,
    ),
    (
        ("ensurepip",),
        "Python could not make a virtual environment.",
        "This Python comes without ensurepip; Debian and Ubuntu ship it apart.",
        "sudo apt install python3-venv   (elsewhere: install Python's venv package), then: "
        + AGAIN,
    ),
    (
        ("DO NOT MATCH THE HASHES", "BadZipFile"),
        "A downloaded package is not the one this version of potluck was made with.",
        "A damaged download, or a proxy that serves something else. Nothing was installed from it.",
        "try again, on another network if it stays: " + AGAIN,
    ),
    (
        ("Connection", "timed out", "Temporary failure in name", "ProxyError", "SSLError"),
        "The package registry could not be reached.",
        "No network, or a proxy that pip has not been told of. Only the first run needs it.",
        "connect (or set HTTPS_PROXY), then: " + AGAIN,
    ),
    (
        ("No matching distribution", "Could not find a version"),
        "A package is not to be had for this machine.",
        "No ready-made wheel for this Python, processor or C library, or no registry in reach.",
        "try another Python (3.11 to 3.14), then: " + AGAIN,
    ),
]


def fail(what: str, cause: str, command: str, detail: str = "") -> "SystemExit":
    """The exception that ends the program with a three-part message and exit code 1."""
    if detail:
        sys.stderr.write(detail.rstrip() + "\n\n")
    sys.stderr.write("potluck: {}\n  why:  {}\n  next: {}\n".format(what, cause, command))
    return SystemExit(1)


def diagnose(output: str) -> "SystemExit":
    """Turn what a failed `venv` or `pip` printed into the message for a person."""
    tail = "\n".join(output.strip().splitlines()[-12:])
    for signs, what, cause, command in DIAGNOSES:
        if any(sign in output for sign in signs):
            return fail(what, cause, command, "" if "ensurepip" in signs else tail)
    return fail(
        "Setting up .venv failed.", "Unknown; the tool's own words stand above.", AGAIN, tail
    )


def check_platform() -> None:
    """Refuse, with the way out, what potluck cannot run on."""
    if os.name == "nt":
        raise fail(
            "potluck does not run on Windows itself yet.",
            "Its promise that no file is lost rests on file operations "
            "that are written for Linux and macOS.",
            "wsl --install   and then, inside WSL: " + AGAIN,
        )
    if sys.version_info[:2] < OLDEST:
        newer = ["python3.{}".format(minor) for minor in range(OLDEST[1], 20)]
        found = [name for name in newer if shutil.which(name)]
        raise fail(
            "Python {}.{} is too old.".format(*sys.version_info[:2]),
            "potluck needs Python {}.{} or newer.".format(*OLDEST),
            AGAIN.replace("python3", found[-1])
            if found
            else "install Python 3.11 or newer, then: " + AGAIN.replace("python3", "python3.11"),
        )


def read(path: str) -> str:
    """The text of a small file; empty when it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def wanted_stamp(name: str) -> str:
    """What the stamp of lock `name` must say: its hash, and the Python the packages are for."""
    with open(os.path.join(ROOT, "requirements", name + ".lock"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return "{} {} {}.{}\n".format(digest, sys.implementation.name, *sys.version_info[:2])


def stamp_path(name: str) -> str:
    """Where the stamp of lock `name` lies."""
    return os.path.join(VENV, name + ".stamp")


def is_ready(name: str) -> bool:
    """Whether `.venv` is whole and holds what lock `name` asks for."""
    whole = os.access(PYTHON, os.X_OK) and not os.path.lexists(INCOMPLETE)
    return whole and read(stamp_path(name)) == wanted_stamp(name)


def run(command: "list[str]", lock_fd: int) -> None:
    """Run a tool of the set-up, quietly; its child keeps our lock even if we are killed."""
    python = ("PYTHONPATH", "PYTHONHOME")
    unwanted = (*python, "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        pass_fds=(lock_fd,),
        check=False,
    )
    if result.returncode != 0:
        raise diagnose(result.stdout.decode("utf-8", "replace"))


def write(path: str, text: str) -> None:
    """Write a small file and make sure it is on disk before going on."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def install(name: str, lock_fd: int) -> None:
    """Bring `.venv` to what lock `name` asks for; the caller holds the lock file."""
    runtime_ready = is_ready("runtime")
    if not runtime_ready:
        try:
            import ensurepip
        except ImportError:
            raise diagnose("ensurepip") from None
        del ensurepip
        if os.path.lexists(VENV):
            shutil.rmtree(VENV)
        os.mkdir(VENV)
        write(INCOMPLETE, "interrupted while making the environment\n")
        run([sys.executable, "-m", "venv", VENV], lock_fd)
    write(INCOMPLETE, "interrupted while installing " + name + ".lock\n")
    lock = os.path.join(ROOT, "requirements", name + ".lock")
    run([PYTHON, *PIP, lock], lock_fd)
    if name == "dev":  # it holds the runtime packages too, at the same versions
        write(stamp_path("runtime"), wanted_stamp("runtime"))
    write(stamp_path(name), wanted_stamp(name))
    os.unlink(INCOMPLETE)


def prepare(name: str) -> None:
    """Make sure `.venv` matches lock `name`; say so in one line when that takes a while."""
    if is_ready(name):
        return
    import fcntl

    try:
        lock_fd = os.open(
            os.path.join(ROOT, ".pot.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("potluck: another first run is setting up .venv; waiting for it…\n")
            fcntl.flock(lock_fd, fcntl.LOCK_EX)
        if not is_ready(name):
            what = "the test tools" if name == "dev" else "what potluck needs"
            sys.stderr.write(
                "potluck: fetching {} into .venv (only this first time)…\n".format(what)
            )
            install(name, lock_fd)
        os.close(lock_fd)
    except OSError as error:
        raise diagnose("{}: {}".format(error.filename or "", error.strerror)) from None


def main() -> None:
    """Set up what the command needs, then become it."""
    check_platform()
    arguments = sys.argv[1:]
    tool = TOOLS.get(arguments[0] if arguments else "")
    prepare("dev" if tool else "runtime")
    path = [os.path.join(ROOT, "src")]
    if tool:
        arguments = arguments[1:]
        path.append(ROOT)
        os.chdir(ROOT)
    module = tool or "potluck"
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    # -P: a file in the current folder must never be imported instead of ours.
    os.execv(PYTHON, [PYTHON, "-P", "-m", module, *(arguments or ([] if tool else ["--help"]))])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
