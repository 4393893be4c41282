"""Commands that do something to a running potluck: `add`, `rescan`.

Two more say something of the program: `version`, `help`.

Strategy: one request each. Limits: `add` names files of this machine, as absolute paths.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from potluck.core.errors import DiskTrouble, NotFound, PotluckError, Refused
from potluck.faces.cli.client import client_of, typed_steps
from potluck.faces.cli.output import at_prompt, say, say_json
from potluck.faces.text import shown

UP_WAYS_OUT = ("exit           leave the group gracefully and end (so do quit, stop, and Ctrl-C)",)
WATCH_WAYS_OUT = (
    "exit           end this view; potluck goes on (so do quit, stop, and Ctrl-C)",
    "down           leave the group gracefully and end potluck itself",
)
VIEW_END_WORDS = frozenset({"exit", "quit", "stop"})
"""What ends a view that only watches."""
PROMPT_HELP = (
    "status         this device, its group, and who has what",
    "ring · peers   the circle of nodes · where the devices are",
    "ls [PATH]      what is shared (-r: every file)",
    "add PATH…      put files into my folder (--copy, --move, --reflink)",
    "take PATH [TO]  copy a file or folder of somebody else into my folder",
    "skip PATTERN · get PATTERN   do not fetch what others share so · fetch it after all",
    "keep PATTERN   fetch that though a pattern before is skipped",
    "trash · history [PATH]   what was replaced or deleted and is kept · versions of a file",
    "restore PATH[@N]   bring a version back from the trash",
    "undo           have back what I deleted or replaced last in one go",
    "rescan         look at my folder now",
    "repair         bring back the files of mine that only the others have",
    "verify [PATH]  read what is here again, to find what the disk damaged",
    "confirm [NAME] let deletes go that are held, mine or those of NAME",
    "y · n          yes or no to the request on the screen: are the words the same?",
    "pending        who asks to join (approve NAME, deny NAME)",
    "open [MIN]     let anyone on this network join for MIN minutes (60)",
    "close          let nobody in any more without asking",
    "invite         make a code by which one device joins this group (uninvite)",
    "join WORDS     join the group whose member showed you these three words",
    "remove NAME    put a device out of the group, for good",
    "forget NAME    have the folder of a removed device go, everywhere",
    "adopt NAME     make the folder of a removed device part of mine",
    "admin add NAME make it a steward, which may remove others",
    "leave          leave the group for good",
    "clone keep-here · clone new-identity   which of two machines with one identity it is",
    "rename device NEW · rename group NAME   another name for this device · the group",
    "version        the version; help COMMAND explains a command",
)

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
    absolute = [path for word in paths for path in _meant(word)]
    for path in absolute:
        if not os.path.lexists(path):
            raise NotFound(f"There is no {shown(path)}.", "the name was mistyped", _like(path))
        if not _is_text(path):
            raise NotFound(
                f"{shown(path)} cannot be shared.",
                "its name is not UTF-8",
                "rename it, then add it",
            )
    result = client_of(shared["home"]).post("/api/v1/add", {"paths": absolute, "mode": mode})
    lines = [shown(line) for line in result["text"].splitlines()]
    if not result["ok"]:
        kind = DiskTrouble if result.get("code") == DiskTrouble.code else Refused
        fix = typed_steps(result.get("fix", ""))
        raise kind("\n".join(lines), result.get("cause", ""), fix)
    if as_json or shared["json"]:
        say_json(result)
    else:
        say(*lines)


def _meant(word: str) -> list[str]:
    """Return the absolute paths that a word means; at the prompt no shell has looked at it."""
    if at_prompt():
        word = os.path.expanduser(word)  # noqa: PTH111 - Path raises where there is no home
        if not os.path.lexists(word) and glob.has_magic(word):
            found = sorted(glob.glob(word))  # noqa: PTH207 - as a shell does, relative too
            return [str(Path(path).absolute()) for path in found] or [word]
    return [str(Path(word).absolute())]


def _like(path: str) -> str:
    """Return what to type instead of a path that leads nowhere."""
    above = Path(path).parent
    try:
        names = [entry.name for entry in above.iterdir()]
    except OSError:
        return f"look what is called so; there is no folder {shown(above)}, either"
    close = get_close_matches(Path(path).name, names, 1)
    if close:
        return f"did you mean {shown(above / close[0])}?"
    return f"look what is in {shown(above)}, or write the whole path: add /PATH"


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


@click.command()
@json_option
@click.pass_obj
def rescan(shared: dict[str, Any], as_json: bool) -> None:
    """Look at my folder now, for changes that nobody has noticed."""
    client_of(shared["home"]).post("/api/v1/rescan")
    if as_json or shared["json"]:
        say_json({})
    else:
        say("Looking at my folder now.")


@click.command()
@json_option
@click.pass_obj
def version(shared: dict[str, Any], as_json: bool) -> None:
    """Print the version."""
    say_version(as_json=as_json or shared["json"])


def say_version(*, as_json: bool) -> None:
    """Print the version."""
    number = program_version()
    if as_json:
        say_json({"version": number})
    else:
        say(f"potluck {number}")


@click.command("help")
@click.argument("name", default="", metavar="[COMMAND]")
@click.pass_context
def explain(ctx: click.Context, name: str) -> None:
    """Explain a command, or all of them."""
    root = ctx.find_root()
    watching = ctx.obj.get("watching", False)
    if not name:
        ways_out = WATCH_WAYS_OUT if watching else UP_WAYS_OUT
        say(*([*ways_out, *PROMPT_HELP] if at_prompt() else root.get_help().splitlines()))
        return
    if watching and name in VIEW_END_WORDS:
        say(f"{name} ends this view, and potluck goes on. To end potluck type down.")
        return
    group = root.command
    assert isinstance(group, click.Group)
    _, meant, _ = group.resolve_command(root, [name])
    if meant is not None:
        say(*meant.get_help(click.Context(meant, parent=root, info_name=name)).splitlines())


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
