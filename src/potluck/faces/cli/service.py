"""The command `service`: this device as a unit of its user's systemd, so that it starts and
runs by itself.

Strategy: `unit_text` is a pure function from what is to be run to a unit file; the rest asks the
tools of systemd (cli/systemd.py), and shows what they say. The unit starts exactly this
installation or checkout, with the home and the folder that were meant when it was installed, each
as an absolute path. It is of the kind `notify`: systemd hears when potluck is ready, that its loop
still turns, and that it ends (shells/state/supervision.py).

Guarantees: a path may hold any character but a line break; blanks, quotes, % and $ are escaped. A
home has one unit, and each home one of its own. Nothing needs root. Installing does not touch a
potluck that runs already; removing leaves files, folder and membership as they are. What systemd
does not answer is said to be not known, in its own words, and whoever removes a service that could
not be ended is told the process. Limits: Linux with systemd; elsewhere it is said what to do
instead. Without lingering a user's services end with the last session, which is explained and
never changed.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import Any

import click

from potluck.config.settings import Flags, resolve_settings
from potluck.core.errors import DiskTrouble, NotFound, PotluckError, Refused, UsageError
from potluck.faces.advice import Advice
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.output import command, program, say, say_json
from potluck.faces.cli.systemd import (
    SystemdSilentError,
    failure_of,
    linger_lines,
    lingers,
    run_tool,
    systemctl,
)
from potluck.faces.text import shown
from potluck.shells.state.home import HomePaths, holder_of, home_paths
from potluck.shells.state.last_folder import last_folder

STOP_S = 30  # twice what `down` waits; then systemd ends it the hard way
STARTING_S = 300  # the first start of a checkout fetches its packages
WATCHDOG_S = 120  # a call of the loop takes a second at most, a slow disk some more
AGAIN_S = 5  # before a potluck that failed is started again
USAGE, REFUSED = UsageError.exit_code, Refused.exit_code  # trying again would not help
HOME_DIGITS = 10  # of the hash that names the unit of a home of one's own
_NOT_IN_PROGRAM = "'\"\\"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%", "$": "$$"}


# -- the unit --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Unit:
    """What is installed: a file, and the words of the program it starts."""

    name: str  # potluck.service
    path: Path
    words: tuple[str, ...]


def unit_text(words: Sequence[str]) -> str:
    """Return the unit file that starts these words."""
    line = " ".join([quoted_program(words[0]), *map(quoted, words[1:])])
    return f"""\
# Written by `potluck service install`; it is removed by `potluck service uninstall`.
[Unit]
Description=potluck: keeps a folder the same on every computer here
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=main
ExecStart={line}
Restart=on-failure
RestartSec={AGAIN_S}
RestartPreventExitStatus={USAGE} {REFUSED}
TimeoutStartSec={STARTING_S}
TimeoutStopSec={STOP_S}
WatchdogSec={WATCHDOG_S}

[Install]
WantedBy=default.target
"""


def quoted_program(path: str) -> str:
    """Return the first word of ExecStart=: systemd puts no variables in, and refuses quotes."""
    if any(letter in _NOT_IN_PROGRAM for letter in path):
        raise UsageError(
            "The service cannot be installed.",
            f"systemd starts no program with a quote or a backslash in its path: {shown(path)}",
            "move it elsewhere, then: potluck service install",
        )
    return quoted(path).replace("$$", "$")


def quoted(word: str) -> str:
    """Return a word as it stands in ExecStart= (systemd.service(5), systemd.unit(5))."""
    if any(letter < " " or letter == "\x7f" for letter in word):
        raise UsageError(
            "The service cannot be installed.",
            f"a path with a line break or another control character: {shown(word)}",
            "rename it, then: potluck service install",
        )
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in word) + '"'


def program_words() -> tuple[str, ...]:
    """Return what starts exactly this program: its checkout's pot.py, or this interpreter."""
    if program() == "potluck":
        return (sys.executable, "-P", "-m", "potluck")
    return str(Path(sys.executable).resolve()), str(Path(__file__).resolve().parents[4] / "pot.py")


def unit_of(home: str | None, folder: str) -> Unit:
    """Return the unit of a home (None: the usual place)."""
    name, where = "potluck.service", tuple[str, ...]()
    if home is not None:
        path = home_paths(home).state_dir
        digits = hashlib.sha256(os.fsencode(path)).hexdigest()[:HOME_DIGITS]
        name, where = f"potluck-{digits}.service", ("--home", path)
    words = (*program_words(), *where, "up", "--headless", folder)
    return Unit(name, _units_folder() / name, words)


def _units_folder() -> Path:
    """Return where units of this user stand; raises UsageError if nobody can say where that is."""
    usual = os.path.expanduser("~/.config")  # noqa: PTH111 - Path raises where there is no home
    above = os.environ.get("XDG_CONFIG_HOME") or usual
    if not Path(above).is_absolute():
        raise UsageError(
            "It is not known where the services of this user are.",
            "HOME or XDG_CONFIG_HOME is no path, or HOME is not set and this user "
            f"({os.geteuid()}) has no entry in the list of users",
            "set HOME, then type the same again",
        )
    return Path(above, "systemd", "user")


# -- systemd ---------------------------------------------------------------------------------------
def _asked(unit: Unit, *words: str) -> str:
    """Return what systemctl prints; raises PotluckError, with what starts the same without it."""
    try:
        return systemctl(*words)
    except SystemdSilentError as error:
        raise PotluckError(
            "The service needs systemd with a session for this user.",
            str(error),
            f"have whatever starts programs here run: {shown(join(unit.words))}",
        ) from error


# -- commands --------------------------------------------------------------------------------------
@click.group(invoke_without_command=True)
@click.pass_context
def service(ctx: click.Context) -> None:
    """Let potluck start and run by itself, as a service of this user's systemd."""
    if ctx.invoked_subcommand is None:
        say(*ctx.get_help().splitlines())


@service.command()
@click.argument("folder", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the unit file and do nothing.")
@json_option
@click.pass_obj
def install(shared: dict[str, Any], folder: str | None, only_print: bool, as_json: bool) -> None:
    """Start potluck now and whenever you log in, with this --home and FOLDER."""
    place = home_paths(shared["home"])
    path = _folder(place, folder)
    unit = unit_of(shared["home"], path)
    text = unit_text(unit.words)
    if only_print:
        say(text.rstrip("\n"))
        return
    _asked(unit, "show-environment")
    running = _process(unit, place)
    if running is not None:
        raise Refused(
            "potluck runs already.",
            f"process {running} holds {place.state_dir}, and did not start as a service",
            f"{command('down')}\nthen: {command('service install')} {quote(path)}",
        )
    _write(unit.path, text)
    for words in (("daemon-reload",), ("enable", unit.name), ("restart", unit.name)):
        try:
            systemctl(*words)
        except SystemdSilentError as error:
            raise PotluckError(
                f"systemctl --user {' '.join(words)} failed.",
                str(error),
                f"{command('service logs')}\n"
                f"it stays installed; to remove it: {command('service uninstall')}",
            ) from error
    if as_json or shared["json"]:
        say_json({"unit": unit.name, "path": str(unit.path), "lingers": lingers()})
        return
    say(
        f"potluck runs as {unit.name} now ({shown(unit.path)}).",
        *linger_lines(lingers()),
        Advice("To see it: ", command("watch")),
        Advice("What it says: ", command("service logs")),
    )


@service.command(name="status")
@json_option
@click.pass_obj
def service_status(shared: dict[str, Any], as_json: bool) -> int:
    """Say whether the service is installed and runs; exit 3 if it does not run."""
    unit = _installed(shared["home"])
    said = _properties(unit)
    active = said["ActiveState"]
    if as_json or shared["json"]:
        say_json({"unit": unit.name, "path": str(unit.path), **said, "lingers": lingers()})
    else:
        process = f", process {said['MainPID']}" if said.get("MainPID", "0") != "0" else ""
        say(
            f"{unit.name}: {active}{process} ({said.get('UnitFileState') or 'not enabled'})",
            f"unit file: {shown(unit.path)}",
            *linger_lines(lingers()),
        )
        if active not in {"active", "activating", "reloading"}:
            why = f" ({said['Result']})" if said.get("Result", "success") != "success" else ""
            say(
                f"It does not run{why}.",
                Advice("To start it: ", f"systemctl --user start {unit.name}"),
                Advice("What it said: ", command("service logs")),
            )
    return 0 if active in {"active", "activating", "reloading"} else 3


@service.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as it says more.")
@click.option("-n", "--lines", type=click.IntRange(min=1), default=100, show_default=True)
@click.pass_obj
def logs(shared: dict[str, Any], follow: bool, lines: int) -> int:
    """Show what the service said."""
    unit = _installed(shared["home"])
    words = ["--user", "--unit", unit.name, "--no-pager", "--lines", str(lines)]
    words += ["--follow"] if follow else []
    try:
        return run_tool("journalctl", *words, shown_live=True).returncode
    except SystemdSilentError as error:
        raise PotluckError(
            f"What {unit.name} said cannot be shown.",
            str(error),
            f"what it does: {command('status')}",
        ) from error


@service.command()
@json_option
@click.pass_obj
def uninstall(shared: dict[str, Any], as_json: bool) -> None:
    """End the service and remove it; files and membership stay."""
    unit = _installed(shared["home"])
    why = failure_of("disable", "--now", unit.name)
    link = unit.path.parent / "default.target.wants" / unit.name  # gone if systemctl did its work
    for path in (link, unit.path):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskTrouble(
                f"{shown(path)} cannot be removed.", str(error), f"rm {quote(shown(path))}"
            ) from error
    failure_of("daemon-reload")
    still = holder_of(home_paths(shared["home"]).state_dir)
    if why and still is not None:
        raise PotluckError(
            f"{unit.name} is removed, but could not be ended: process {still} still runs.",
            why,
            f"to end it: {command('down')}",
        )
    if as_json or shared["json"]:
        say_json({"unit": unit.name, "path": str(unit.path), "said": why.splitlines()})
        return
    say(*[f"! systemctl said: {line}" for line in why.splitlines()])
    say(f"{unit.name} is removed; your files stay.", Advice("To start by hand: ", command("up")))


def _folder(place: HomePaths, folder: str | None) -> str:
    settings = resolve_settings(
        Flags(folder=folder),
        os.environ,
        config_file=place.config_file,
        state_dir=place.state_dir,
        folder=place.folder,
        last_folder=last_folder(place.state_dir),
    )
    return str(Path.cwd() / Path(settings.folder).expanduser())


def _installed(home: str | None) -> Unit:
    unit = unit_of(home, "")
    if not unit.path.is_file():
        raise NotFound(
            f"There is no service {unit.name}.",
            "it was not installed, or with another --home",
            command("service install"),
        )
    return unit


def _properties(unit: Unit) -> dict[str, str]:
    """Return what systemd knows of a unit, ActiveState among it."""
    wanted, why = "--property=ActiveState,UnitFileState,MainPID,Result", "systemctl does not say it"
    try:
        asked = systemctl("show", unit.name, wanted)
    except SystemdSilentError as error:
        asked, why = "", str(error)
    said = dict(line.split("=", 1) for line in asked.splitlines() if "=" in line)
    if "ActiveState" not in said:
        raise PotluckError(
            f"{unit.name} is installed; whether it runs is not known.",
            why,
            f"whether a potluck runs: {command('status')}\n"
            f"log in as this user, not by su or sudo, then: {command('service status')}",
        )
    return said


def _process(unit: Unit, place: HomePaths) -> int | None:
    """Return the process of a potluck of this home that systemd did not start."""
    holder = holder_of(place.state_dir)
    ours = _asked(unit, "show", unit.name, "--property=MainPID", "--value").strip()
    return holder if holder is not None and ours != str(holder) else None


def _write(path: Path, text: str) -> None:
    """Write a unit file so that it stands whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8", errors="surrogateescape")
        fresh.replace(path)
    except OSError as error:
        raise DiskTrouble(
            "The unit file cannot be written.", str(error), f"make {path.parent} writable"
        ) from error
