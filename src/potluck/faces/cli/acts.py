"""Commands that do something to a running potluck: `add`, `wait`, and `version`.

Strategy: one request each, then, where the person expects it, watching until it is done.
Guarantees: `wait` exits 6 on its time-out and says what it still waited for. Limits: `add` names
files of this machine, as absolute paths.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from potluck.core.errors import NotFound, PotluckError, Refused, TimedOut
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import command, say, say_json
from potluck.faces.text import count, shown

POLL_S = 0.1  # between two looks whether it is so by now

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def json_option(callback: Decorated) -> Decorated:
    """Let a command take --json itself, besides the global one."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(callback)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--copy", "mode", flag_value="copy", default=True, help="Keep the originals (the default)."
)
@click.option("--move", "mode", flag_value="move", help="Move them into my folder.")
@click.option(
    "--reflink", "mode", flag_value="reflink", help="Share the disk blocks, where the disk can."
)
@json_option
@click.pass_obj
def add(shared: dict[str, Any], paths: tuple[str, ...], mode: str, as_json: bool) -> None:
    """Put files or folders into my folder, so that everybody gets them."""
    absolute = [str(Path(path).absolute()) for path in paths]
    for path in absolute:
        if not (Path(path).exists() or Path(path).is_symlink()):
            raise NotFound(
                f"There is no {shown(path)}.", "the name was mistyped", "ls shows what is there"
            )
    result = client_of(shared["home"]).post("/api/v1/add", {"paths": absolute, "mode": mode})
    lines = [shown(line) for line in result["text"].splitlines()]
    if not result["ok"]:
        raise Refused("\n".join(lines))
    if as_json or shared["json"]:
        say_json(result)
    else:
        say(*lines)


@click.command()
@click.option("--synced", is_flag=True, help="Until every file is here (the default).")
@click.option(
    "--peers", type=click.IntRange(min=0), metavar="N", help="Until N other devices are online."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Give up after S seconds: exit code 6.",
)
@json_option
@click.pass_obj
def wait(
    shared: dict[str, Any], synced: bool, peers: int | None, timeout: float | None, as_json: bool
) -> None:
    """Block until every file is here, or until enough devices are online."""
    client = client_of(shared["home"])
    deadline = None if timeout is None else time.monotonic() + timeout
    while missing := _missing(state := client.state(), synced or peers is None, peers or 0):
        if deadline is not None and time.monotonic() >= deadline:
            raise TimedOut(f"Not true after {timeout:g} s: {missing}.", "", command("status"))
        time.sleep(POLL_S)
    if as_json or shared["json"]:
        say_json(state)
    else:
        say(
            f"{count(len(state['devices']), 'device')}, {count(state['files'], 'file')}: "
            f"{state['state'].replace('_', ' ')}."
        )


def _missing(state: dict[str, Any], synced: bool, peers: int) -> str:
    """Return what is not true yet, "" if everything is."""
    online = sum(1 for device in state["devices"] if device["online"] and not device["me"])
    if online < peers:
        return f"{count(online, 'other device')} online, {peers} wanted"
    if synced and (state["state"] != "in_sync" or state["need_files"]):
        reason = f" ({shown(state['reason'])})" if state.get("reason") else ""
        word = state["state"].replace("_", " ")
        return f"{word}{reason}, {count(state['need_files'], 'file')} to come"
    return ""


@click.command()
@json_option
@click.pass_obj
def version(shared: dict[str, Any], as_json: bool) -> None:
    """Print the version."""
    number = program_version()
    if as_json or shared["json"]:
        say_json({"version": number})
    else:
        say(f"potluck {number}")


def program_version() -> str:
    """Return the version of the installed package, or of the checkout's pyproject."""
    from importlib import metadata

    try:
        return metadata.version("potluck")
    except metadata.PackageNotFoundError:
        import tomllib
        from pathlib import Path

        project = Path(__file__).resolve().parents[4] / "pyproject.toml"
        try:
            number: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
        except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
            raise PotluckError(
                "The version is unknown.", str(error), "install potluck again"
            ) from error
        return number
