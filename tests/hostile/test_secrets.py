"""Nothing secret stands in what a device writes, says or is called with; its files are its own.

Strategy: two daemons that say all they can (`--verbose`), one of which has a decoder without its
guard, so that a fault of potluck's own is told, with its traceback and the record of the last
events. They found a group, let others in, transfer, hear rubbish on every door and are asked for
everything there is to show. Then all of it is searched for the keys of both devices, the key of the
group and the nonces of a pairing. The oracle is proved by the two files where they must stand: the
device key and the index.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from potluck.core.keys.identity import DeviceKey
from potluck.shells.links.knock import CHALLENGE_BYTES, KnockKind
from tests.devices import ROOT, free_port, one_ring, until
from tests.hostile.daemons import HOST, TRACEBACK, Daemon, Pair
from tests.hostile.rogue import WAIT_S, Rogue
from tests.hostile.searching import PIECE_BYTES, forms_of, found_in, found_in_all
from tests.hostile.test_poison import DATAGRAMS

pytestmark = pytest.mark.full
PLACES = ("device.key", "potluck.sqlite", "potluck.sqlite-wal", "potluck.sqlite-shm", "group.copy")
"""Where secrets are kept."""
SHOWN = (
    ("status",),
    ("status", "--json"),
    ("peers", "--json"),
    ("ls", "--json"),
    ("wait", "--delivered", "--timeout", "1"),
    ("add", "/nowhere"),
    ("up",),
    ("no-such-command",),
)


class Talkative(Daemon):
    """Says all it can, and fails where it should not."""

    program = ("tests.hostile.unguarded", "decoders", "--", "--verbose")


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[Pair]:
    discovery_port = free_port()
    devices = [Talkative(tmp_path / label, label) for label in ("alder", "birch")]
    try:
        for device in devices:
            device.begin(discovery_port)
        until(lambda: one_ring(*devices), devices[0].said)
        yield Pair(tmp_path, discovery_port, *devices)
    finally:
        for device in devices:
            device.close()


def rubbish(pair: Pair, rogue: Rogue) -> None:
    """Bring about errors of every kind, the last ones inside the engine."""
    for device in pair.devices:
        for knock in (KnockKind.MEMBER.value + bytes(48), b"GET / HTTP/1.0\r\n\r\n", b"I" * 300):
            with socket.create_connection((HOST, device.port), WAIT_S) as sock:
                sock.recv(CHALLENGE_BYTES)
                sock.sendall(knock)
        control = rogue.control(device)
        control.body(b"\xff" * 40)
        control.close()
        for body in DATAGRAMS.values():
            rogue.datagram(body, device)
        until(lambda device=device: TRACEBACK in device.said(), device.said)  # type: ignore[misc]


def records(device: Daemon) -> list[Path]:
    """What the flight recorder wrote."""
    return sorted(device.home.glob("flight-*.jsonl"))


def shown(device: Daemon) -> dict[str, bytes]:
    """All that commands and the local API say."""
    found = {
        "state": repr(device.state()).encode(),
        "notices": repr(device.notices()).encode(),
        "keepers": repr(device.client.get("/api/v1/keepers")).encode(),
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(device.home), "PYTHONPATH": "src"}
    for words in SHOWN:
        command = [sys.executable, "-m", "potluck", "--verbose", "--home", str(device.home), *words]
        done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, check=False)
        found[" ".join(words)] = done.stdout + done.stderr
    return found


def written(device: Daemon) -> dict[str, bytes]:
    """All files of a device but those where secrets are kept, and how its process was started."""
    process = Path(f"/proc/{device.process.pid}")
    found = {name: (process / name).read_bytes() for name in ("cmdline", "environ")}
    for path in device.home.rglob("*"):
        if path.name.removesuffix(".new") in PLACES:  # as it is written, it is one of them, too
            continue
        with suppress(FileNotFoundError):  # it got its name meanwhile
            if path.is_file():
                found[str(path.relative_to(device.home))] = path.read_bytes()
    return found


def test_nothing_secret_is_written_or_said(talkative: Pair) -> None:
    for device in talkative.devices:
        device.write("film", os.urandom(2 * 2**20))
    one, other = talkative.devices
    until((other.copy_of(one) / "film").exists, talkative.said)
    rogue = Rogue("rogue", talkative)
    rubbish(talkative, rogue)
    for device in talkative.devices:
        before = len(records(device))
        os.kill(device.process.pid, signal.SIGUSR2)
        until(lambda device=device, before=before: len(records(device)) > before, device.said)  # type: ignore[misc]
    secrets = {"group key": rogue.roster.group_key}
    secrets |= {f"nonce {n}": nonce for n, nonce in enumerate(rogue.nonces)}
    assert len(rogue.nonces) == 2
    for device in talkative.devices:
        key = DeviceKey((device.home / "device.key").read_bytes())
        secrets |= {
            f"{device.label} signs": key.secret[:32],
            f"{device.label} opens": key.secret[32:],
        }
        secrets[f"{device.label} pem"] = b"".join(key.private_pem.splitlines()[1:-1])
    for device in talkative.devices:
        texts = written(device) | shown(device)
        assert any(name.startswith("flight-") for name in texts)
        assert TRACEBACK.encode() in texts["output"]
        assert b"DEBUG" in texts["output"]
        assert found_in_all(texts, secrets) == []
        kept = b"".join((device.home / name).read_bytes() for name in PLACES[:3])
        assert {"group key", f"{device.label} signs"} <= set(found_in(kept, secrets))
    rogue.close()


def test_a_secret_is_found_in_every_form() -> None:
    secret = os.urandom(32)
    for piece in (secret, secret[5:25]):
        for form in (piece, piece.hex().encode(), repr(piece).encode(), repr(list(piece)).encode()):
            assert found_in(b"before " + form + b" after", {"it": secret}) == ["it"]
    forms = forms_of(secret[:PIECE_BYTES])
    assert all(len(form) >= PIECE_BYTES for form in forms)
    for before in range(4):
        assert found_in(base64.b64encode(bytes(before) + secret), {"it": secret}) == ["it"]
    assert found_in(os.urandom(100_000), {"it": secret}) == []


# -- files -----------------------------------------------------------------------------------------
def modes(home: Path) -> dict[str, int]:
    """The rights of everything that potluck keeps in a home."""
    return {
        path.name: stat.S_IMODE(path.lstat().st_mode)
        for path in home.iterdir()
        if path.name not in {"Folder", "output", "__pycache__"}
    }


def test_whatever_rights_the_files_had_they_are_its_owners_alone(talkative: Pair) -> None:
    device = talkative.a
    os.kill(device.process.pid, signal.SIGUSR2)
    until(lambda: records(device), device.said)
    device.process.terminate()
    device.ended()
    (device.home / "config.toml").write_text("")
    kept = modes(device.home)
    for name in kept:
        (device.home / name).chmod(0o777)
    device.home.chmod(0o755)
    before = os.umask(0)
    try:
        device.begin(talkative.discovery_port)
    finally:
        os.umask(before)
    until(lambda: one_ring(*talkative.devices), talkative.said)
    count = len(records(device))
    os.kill(device.process.pid, signal.SIGUSR2)
    until(lambda: len(records(device)) > count, device.said)
    assert stat.S_IMODE(device.home.stat().st_mode) == 0o700
    found = modes(device.home)
    assert {"device.key", "potluck.sqlite", "potluck.sqlite-wal", "control.sock"} <= found.keys()
    assert kept.keys() <= found.keys()
    assert set(found.values()) == {0o600}, found
    private = device.folder / ".potluck"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
