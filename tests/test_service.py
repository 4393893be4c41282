"""`service` under a systemd that is really there: it starts, starts again, ends and goes away.

Strategy: a user instance of systemd is started in namespaces of its own: a /run of its own, that
says a systemd runs here, and a network that reaches nobody; its control group is removed with
whatever is left in it. The commands are the program's, typed inside of the namespaces. Limits: it
needs root, systemd, unshare and nsenter; without them, and where no instance comes up, the test is
skipped and says so. Lingering belongs to logind, which has no instance per test.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.devices import until

ROOT = Path(__file__).resolve().parent.parent
SYSTEMD = Path("/usr/lib/systemd/systemd")
CONTROL_GROUPS = [Path("/sys/fs/cgroup", part) for part in ("systemd", "unified", "")]
TOOLS = ("systemctl", "unshare", "nsenter", "mount", "ip")
INSIDE = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0
ip link set lo up
exec "$@"
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@dataclass
class UserSystemd:
    """A systemd of one user, and what is typed where it runs."""

    process: int
    home: Path
    environment: dict[str, str]

    def type(self, *words: str) -> tuple[int, str]:
        """Run a command where this systemd runs; its exit code, and all that it printed."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.process), "--mount", "--net", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )
        return done.returncode, done.stdout

    def potluck(self, *words: str) -> tuple[int, str]:
        """Run a command of this checkout."""
        return self.type(sys.executable, "-P", "-m", "potluck", *words)

    def main_process(self) -> int:
        """The process that the service is, or 0."""
        asked = self.type("systemctl", "--user", "show", "potluck", "--property=MainPID", "--value")
        return int(asked[1])

    def answers(self) -> bool:
        """Whether the potluck of this home says that all is well."""
        return self.potluck("status", "--check")[0] == 0


def control_groups(name: str) -> list[Path]:
    """Make a control group in each hierarchy that systemd could use."""
    made = []
    for above in CONTROL_GROUPS:
        if (above / "cgroup.procs").exists():
            (above / name).mkdir()
            made.append(above / name)
    return made


def remove(group: Path) -> None:
    """End what runs in a control group, and remove it; systemd may be removing folders of it."""

    def gone() -> bool:
        inside = [each for path in group.rglob("cgroup.procs") for each in path.read_text().split()]
        for process in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        for path in sorted([group, *group.rglob("*/")], reverse=True):
            path.rmdir()
        return True

    def tried() -> bool:
        try:
            return gone()
        except OSError:  # not empty yet, or gone while we looked
            return not group.exists()

    assert until(tried)


def comes_up(one: UserSystemd) -> bool:
    """Whether a systemd answers before it is too late."""
    try:
        return bool(until(lambda: one.type("systemctl", "--user", "show-environment")[0] == 0))
    except AssertionError:
        return False


@pytest.fixture
def user_systemd(tmp_path: Path) -> Iterator[UserSystemd]:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() or not SYSTEMD.exists() or missing:
        pytest.skip(f"this test needs root, {SYSTEMD} and {', '.join(TOOLS)}")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "src"),
        "XDG_RUNTIME_DIR": "/run/user/0",
    }
    environment.pop("XDG_CONFIG_HOME", None)
    groups = control_groups(f"potluck-test-{os.getpid()}")
    log = tmp_path / "systemd.log"

    def move() -> None:
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    words = ["unshare", "--mount", "--net", "sh", "-c", INSIDE, "sh", str(SYSTEMD), "--user"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*words, "--log-target=console"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=move,  # noqa: PLW1509 - nothing else of this test runs yet
        )
    one = UserSystemd(process.pid, tmp_path, environment)
    try:
        if not comes_up(one):
            last = log.read_text(errors="replace").splitlines()[-1:]
            pytest.skip(f"no user instance of systemd comes up here: {last}")
        yield one
        one.type("systemctl", "--user", "exit")
    finally:
        process.terminate()
        for group in groups:
            remove(group)
        process.wait()


def test_it_starts_starts_again_when_it_was_killed_ends_and_goes_away(
    user_systemd: UserSystemd,
) -> None:
    one, folder = user_systemd, user_systemd.home / "my folder"
    code, said = one.potluck("service", "install", str(folder))
    assert code == 0, said
    assert one.main_process() > 1, "systemd heard that it is ready before install ended"
    assert until(one.answers)
    assert (folder / "Shared").is_dir()

    killed = one.main_process()
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: one.main_process() not in {0, killed})
    assert until(one.answers)
    code, said = one.potluck("service", "status")
    assert (code, ": active, process" in said) == (0, True), said

    assert one.potluck("down")[0] == 0
    assert until(lambda: one.main_process() == 0)
    code, said = one.potluck("service", "status")
    assert (code, "inactive" in said) == (3, True), said

    started = said.partition("To start it: ")[2].splitlines()[0]
    assert one.type(*started.split())[0] == 0
    assert one.main_process() > 1, "what is advised starts it again"
    code, said = one.potluck("service", "uninstall")
    assert (code, "is removed" in said) == (0, True), said
    assert one.main_process() == 0
    assert not [*one.home.rglob("*.service")]
    assert one.potluck("service", "status")[0] == 7
