"""The command `up`: settings and checks first, then the daemon in this thread, watched through its
own local API.

Strategy: everything that can be wrong with what was typed is found before anything starts, and said
in three parts. The daemon runs in the main thread, which owns the signals; the view and the prompt
are threads that know it only as a client of its socket, exactly as another terminal would.
Guarantees: whatever ends the daemon, the terminal is put back. Limits: one device per process.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import click

from potluck.config.settings import Flags, Settings, resolve_settings
from potluck.config.values import parse_open
from potluck.core.errors import NotFound, PotluckError, Refused, UsageError
from potluck.core.wording import set_off
from potluck.faces.advice import Advice
from potluck.faces.cli.client import Client
from potluck.faces.cli.code_at_start import CodeAtStart
from potluck.faces.cli.interrupts import Interrupts
from potluck.faces.cli.layout import Words
from potluck.faces.cli.leaving import UpLeaving
from potluck.faces.cli.output import Json, command, is_terminal, laid, program
from potluck.faces.cli.slow_disk import said_if_slow
from potluck.faces.cli.streams import write_or_go_on
from potluck.faces.cli.up_face import UpFace
from potluck.faces.prompt import is_background, job_control, usable
from potluck.faces.screen import PlainScreen, Screen, ViewThreads
from potluck.faces.text import shown
from potluck.shells.state import home
from potluck.shells.state.away import NO_FOLDER, is_another, is_away, seen_instead
from potluck.shells.state.last_folder import last_folder
from potluck.shells.state.shared_place import check_no_part
from potluck.shells.state.starting_anew import STARTS_ANEW, STARTS_MENDED, NewStart

NO_PICTURE = {"", "dumb", "unknown"}  # terminals that cannot move their cursor
UNNAMED = {"default", "last"}  # origins of a FOLDER that nobody named
TIME = re.compile(r"\d+(\.\d+)?\s*(m|min|mins|minutes?|h|hours?|s)?|always|forever")
"""What people write behind --open when they mean a time."""


class UpCommand(click.Command):
    """A command whose --open may stand alone and then leaves the next word to FOLDER."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write a lone --open as --open=; a time behind it is no folder, whatever click thinks."""
        for word, following in pairwise(args):
            if word == "--open" and TIME.fullmatch(following.casefold()):
                raise UsageError(
                    f"“{shown(following)}” would be the folder to share.",
                    "--open may stand alone, so its minutes are written behind a =",
                    f"{command('up')} --open={_minutes(following)}"
                    f"\nfor a folder of that name: {command('up')} --open ./{shown(following)}",
                )
        return super().parse_args(ctx, ["--open=" if word == "--open" else word for word in args])


def _minutes(time: str) -> str:
    """Return a time that TIME knows, as --open= takes it."""
    number = re.sub(r"[^0-9.]", "", time)
    if not number:
        return "always"
    unit = time.strip("0123456789. ").casefold()[:1]
    return f"{float(number) * {'h': 60, 's': 1 / 60}.get(unit, 1):g}"


@click.command(cls=UpCommand)
@click.argument("folder", required=False)
@click.option("--name", metavar="LABEL", help="This device's name, also of its folder.")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="P", help="Listen on exactly this port."
)
@click.option("--peer", "peers", multiple=True, metavar="HOST[:PORT]", help="Ask this device, too.")
@click.option(
    "--interface",
    "interfaces",
    multiple=True,
    metavar="IF",
    help="Use only this network interface.",
)
@click.option(
    "--open",
    "open_text",
    metavar="[=MIN]",
    help="Admit and join without asking, 60 or MIN minutes or `always`.",
)
@click.option(
    "--repair",
    "renews",
    is_flag=True,
    help="FOLDER is new and empty: fill it with all that is shared.",
)
@click.option("--headless", is_flag=True, help="No prompt, plain lines.")
@click.option("--code-file", metavar="PATH", help="With --headless: join by the code in that file.")
@click.option("--no-page", is_flag=True, hidden=True)
@click.option("--no-sweep", is_flag=True, hidden=True)
@click.option(
    "--while-stdin", is_flag=True, hidden=True, help="Leave when the standard input ends."
)
@click.pass_obj
def up(shared: dict[str, Any], /, **typed: Json) -> int:
    """Start: join the group found here, or found one, and keep FOLDER the same everywhere."""
    place = home.home_paths(shared["home"])
    code = _code_of(typed["code_file"], place.state_dir, headless=typed["headless"])
    last = last_folder(place.state_dir)
    with said_if_slow(typed["folder"] or last or place.folder or "the folder"):
        settings = resolve_settings(
            _flags(typed),
            os.environ,
            config_file=place.config_file,
            state_dir=place.state_dir,
            folder=place.folder,
            last_folder=last,
        )
        away = _looked_at(settings, last, renews=typed["renews"])
    logging.basicConfig(
        level=logging.DEBUG if shared["verbose"] else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    if away:
        write_or_go_on("\n".join([*laid(_waits_for(settings.folder)), ""]))
    elif settings.origins["node.folder"] == "last":
        another = Advice("  for another one: ", command("up FOLDER"))
        said = laid([f"Sharing {shown(settings.folder)}, as last time.", another, ""])
        write_or_go_on("\n".join(said))
    for warning in settings.warnings:
        write_or_go_on(f"! {warning}\n")
    return _run(settings, while_stdin=typed["while_stdin"], code=code, renews=typed["renews"])


def _looked_at(settings: Settings, last: str | None, *, renews: bool) -> bool:
    """Find what is wrong with FOLDER, and say whether it is away."""
    away = _check_home_of(settings) and not renews
    if renews:
        write_or_go_on("\n".join([*laid(_renews(settings)), ""]))
    else:
        if settings.folder == last and settings.origins["node.folder"] in UNNAMED:
            _check_last(last, waits=away and settings.headless)
        elif last is not None and is_another(settings.folder, settings.state_dir):
            raise _new_folder(settings.folder, last)
        _say_whose(settings)
    _check(settings, away=away)
    return away


def _say_whose(settings: Settings) -> None:
    from potluck.whose_folder import take_over

    if said := take_over(settings.folder, settings.state_dir):
        write_or_go_on("\n".join([*laid(said), ""]))


def _flags(typed: dict[str, Any]) -> Flags:
    open_text = typed["open_text"]
    return Flags(
        folder=typed["folder"],
        name=typed["name"],
        port=typed["port"],
        peers=typed["peers"],
        interfaces=typed["interfaces"],
        open_s=None if open_text is None else parse_open(open_text),
        sweep=not typed["no_sweep"],
        headless=typed["headless"],
        no_page=typed["no_page"],
    )


def _code_of(code_file: str | None, state_dir: str, *, headless: bool) -> str | None:
    """Return the code that stands in a file, read once; raises PotluckError.

    A device that belongs to others already needs none: a unit that names a file starts without it.
    """
    if code_file is None:
        return None
    if not headless:
        raise UsageError(
            "--code-file is for --headless.",
            "with a prompt the code is typed there",
            f"{command('up')}, then type at its prompt: join WORD WORD WORD",
        )
    if group := _group_of(state_dir):
        write_or_go_on(f"--code-file is not read: this device is in {set_off(shown(group))}.\n")
        return None
    from potluck.faces.cli.inviting import code_from

    return code_from(code_file, from_stdin=False)


def _group_of(state_dir: str) -> str:
    """Return the name of the group in which the device of that home has company, "" without."""
    from potluck.shells.state.identity_backup import identity_in

    with suppress(PotluckError):  # what is wrong with the home the start itself finds out
        known = identity_in(state_dir)
        if known is not None and known.devices > 1:
            return known.group
    return ""


def _check_last(folder: str, *, waits: bool) -> None:
    """Find out whether the folder that nobody named is there; who has no prompt waits for it."""
    if waits or seen_instead(folder) != NO_FOLDER:
        return
    raise NotFound(
        f"The folder {shown(folder)}, which was shared last, is not there.",
        "its disk is not plugged in or not mounted, or it was moved or renamed",
        f"plug the disk in or move the folder back, then: {command('up')}\n"
        f"if it is somewhere else now: {command('up FOLDER')}",
    )


def _new_folder(folder: str, last: str) -> PotluckError:
    """Return why a device that shared a folder does not begin with another, empty one by itself."""
    return Refused(
        f"{shown(folder)} is not the folder of this device, and has nothing of it.",
        f"it shared {shown(last)}; what it shared would all be missing here",
        f"to go on with that one: {command('up')} {shlex.quote(shown(last))}\n"
        f"if it was moved: {command('up FOLDER')}, with its new place\n"
        "if it is gone for good, and everything is to come from the others into the new one:\n"
        f"  {command('up')} {shlex.quote(shown(folder))} --repair",
    )


def _renews(settings: Settings) -> list[str | Advice]:
    """Say what a new folder takes the place of; raises PotluckError where it must not."""
    from potluck.renewing import folder_before, is_marked_over
    from potluck.whose_folder import who_marked

    if settings.origins["node.folder"] in UNNAMED:
        raise UsageError(
            "--repair needs the FOLDER that is to be filled.",
            "so that no disk that is only away is taken for lost",
            command("up FOLDER --repair"),
        )
    folder = shown(settings.folder)
    before = folder_before(settings.folder, settings.state_dir)
    if before is None:
        return [
            f"{folder} is the folder of this device already.",
            Advice("  what is held of it comes back with: ", command("repair")),
        ]
    if is_marked_over(settings.folder, settings.state_dir):
        return [
            f"{folder} becomes the folder of this device again, with all that lies in it.",
            f"  {who_marked(settings.folder, settings.state_dir)}",
        ]
    instead = "as before, but empty" if before == settings.folder else f"instead of {shown(before)}"
    return [
        f"{folder} becomes the folder of this device, {instead}.",
        "  All that is shared comes into it from the devices that have it, own files included.",
    ]


def _waits_for(folder: str) -> list[str | Advice]:
    """Say which folder is awaited, what is seen there, and the ways on."""
    return [
        f"! {shown(folder)}, which was shared last, {seen_instead(folder)}: nothing is made there.",
        "  Plug its disk in, or put it back, and nothing else: that is waited for.",
        Advice("  if it is somewhere else now: ", command("up FOLDER")),
        Advice("  if it is gone for good, end this one, then: ", command("up NEW --repair")),
    ]


def _check_home_of(settings: Settings) -> bool:
    """Find out whether the home is free, and say whether its folder is away."""
    if home.holder_of(settings.state_dir) is not None:
        _check_home(settings.state_dir)
    return is_away(settings.folder, settings.state_dir)


def _check(settings: Settings, *, away: bool) -> None:
    """Find what is wrong with what was typed before anything starts."""
    if settings.folder == "/":
        raise UsageError(
            "The whole disk cannot be shared.",
            "FOLDER is /",
            f"name a folder of your own: {command('up FOLDER')}",
        )
    if not away:
        check_no_part(settings.folder)  # before anything is made there
        home.prepare_folder(settings.folder)
        home.claim_folder(
            settings.folder, settings.state_dir
        ).release()  # raises, naming who has it
    home.check_interfaces(settings.interfaces)


def _check_home(state_dir: str) -> None:
    """Find out who is running there; raises AlreadyRunning, naming the process."""
    try:
        home.claim_home(state_dir).release()
    except home.AlreadyRunning as error:
        steps = (
            f"to see it: {command('watch')}",
            f"to end it: {command('down')}",
            f"to start a second device: {program()} --home DIR up",
        )
        raise home.AlreadyRunning(error.what, error.cause, "\n".join(steps)) from error


def _run(
    settings: Settings, *, while_stdin: bool, code: str | None = None, renews: bool = False
) -> int:
    from potluck import daemon

    new_start = NewStart()
    new_start.stand_by()
    client = Client(settings.state_dir)
    at_terminal = not settings.headless and is_terminal()
    live = at_terminal and knows_pictures()
    reads = not settings.headless and not while_stdin and readable()
    words = Words.of_view(prompt=at_terminal and reads)
    screen = screen_of(words, live=live, prompt=reads)
    leaving = UpLeaving(client, asks=at_terminal)
    view = ViewThreads(client, screen, words, leaving=leaving, reads=reads)
    input_thread = threading.Thread(
        target=_leave_at_end_of_input, args=(client,), name="stdin", daemon=True
    )
    interrupts = Interrupts(leaving.interrupted, view.say)
    starts = [view.start, input_thread.start if while_stdin else interrupts.start]
    if code is not None:
        starts.append(CodeAtStart(client, code).start)
    face = UpFace(starts, settings.open_s)
    try:
        with job_control(draws=live):
            exit_code = daemon.run(
                settings,
                face,
                starts_anew=new_start.possible,
                renews=renews,
                interrupted=interrupts.take,
            )
    finally:
        view.stop()
    if exit_code == STARTS_ANEW:
        return _start_anew(
            new_start, f"{shown(settings.folder)} is back", "it is taken hold of by a new start"
        )
    if exit_code == STARTS_MENDED:
        return _start_anew(
            new_start, "The index was damaged", "potluck starts again with a new one"
        )
    write_or_go_on("\n".join([*laid(face.last_words(settings.folder)), ""]))
    return exit_code


def _start_anew(new_start: NewStart, why: str, how: str) -> int:
    """Put the program in the place of itself; raises PotluckError if that fails."""
    write_or_go_on(f"{why}: {how}.\n")
    failed = new_start.go()
    raise PotluckError(
        f"{why}, and potluck could not start again by itself.",
        str(failed),
        command("up"),
    )


def knows_pictures() -> bool:
    """Say whether the terminal, if there is one, can show the live view."""
    return os.environ.get("TERM", "") not in NO_PICTURE


def readable() -> bool:
    """Say whether the standard input can be a prompt: keys of our terminal, or lines of a pipe."""
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return False
    return usable(descriptor) or not os.isatty(descriptor)


def screen_of(
    words: Words, *, live: bool, prompt: bool, write: Callable[[str], object] = write_or_go_on
) -> Screen:
    """Return the live view of a terminal, or plain lines that go to `write`."""
    if not live:
        return PlainScreen(write)
    from potluck.faces.live import LiveScreen

    return LiveScreen(words=words, prompt=prompt, hidden=lambda: is_background(1))


def _leave_at_end_of_input(client: Client) -> None:
    """Wait for the end of the standard input: whoever started this device is gone."""
    while os.read(0, 4096):
        pass
    client.post("/api/v1/leave")
