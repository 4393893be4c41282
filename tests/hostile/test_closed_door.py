"""A closed door: who asks learns nothing, and who listens to a whole session neither.

Strategy: with the right to it (root), every frame on the loopback device is captured while a closed pair meets,
exchanges a file and leaves; nothing that names anybody or anything may stand in those bytes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from potluck.core.identity import DeviceKey
from potluck.core.messages import Solicit, encode
from potluck.shells.homes import device_secret
from potluck.shells.knock import CHALLENGE_BYTES, Kind
from tests.devices import Device, free_port, loopback, one_ring, until
from tests.hostile.daemons import HOST, TRACEBACK, Daemon, within

LABELS = ("quillwort", "snowberry")
NAME, CONTENT = "mistletoe-inventory", b"the secret of the mistletoe is that it has none. " * 30
ETH_P_ALL = 3


class Closed(Daemon):
    """A daemon that can be started with its door closed."""

    def again(self, discovery_port: int) -> None:
        """Start it once more, now without --open."""
        words = Device.words
        del words
        self.begin(discovery_port)


def start(daemon: Daemon, discovery_port: int, *, opened: bool) -> None:
    """Start with the door as wished; the last word about --open counts."""
    daemon.begin(discovery_port, *(() if opened else ("--open=0",)))
