"""The first minute: two fresh machines, two `up`, three words, two yeses, and the first file.

Strategy: `up` runs with a pipe for its prompt, so what a person would type is typed, and what a
person would read is read from what it printed. Nothing is opened, named or restarted. A third
machine is answered for by a member that does not talk to it, in a shell.
"""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack

import pytest

from tests.lan.potluck import START_S, wait_for, wait_ring

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(600)]

ASKED_S = 10.0 * 2  # the words stand on both screens
IN_S = 4.0 * 2  # from the second yes on
LATER_S = 30.0
WORDS = re.compile(r"^ {6}([A-Z]+  [A-Z]+  [A-Z]+)$", re.MULTILINE)


@pytest.fixture
def up():
    """`up(node)` starts it as a person does, with a prompt."""
    with ExitStack() as pipes:

        def start(node):
            with node.log.open("ab") as log:
                node.process = node.hosts.popen(
                    node.i,
                    node._command("up", node.folder, "--name", node.label),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=node._environment(),
                )
            pipes.callback(node.process.stdin.close)
            node.wait(node.listens, START_S)
            return node

        yield start


def words_of(node):
    """The words on its screen, "" while there are none."""
    found = WORDS.findall(node.log.read_text())
    return found[-1] if found else ""


def has_said(node, part):
    return part in node.log.read_text()


def requests_at(node):
    """All requests on a screen; one that cannot be seen has an answer that is needed."""
    return node.status().get("requests", [{"answer": "needed"}])


def types(node, line):
    node.process.stdin.write(f"{line}\n".encode())
    node.process.stdin.flush()


def greeted_at(one, other):
    """Wait until both screens tell of the group of two.

    Who had said already that it is a group by itself does not welcome: it says whom it let in.
    """
    pair = ((one, f"admitted {other.label} because you said yes"),
            (other, f"admitted {one.label} because you said yes"))  # fmt: skip
    wait_for(lambda: any(has_said(node, "Welcome to “") for node, _ in pair), LATER_S, [one, other])
    wait_for(
        lambda: all(has_said(node, "Welcome to “") or has_said(node, came) for node, came in pair),
        LATER_S,
        [one, other],
    )


def test_two_machines_two_yeses_and_the_first_file(devices, up):
    anna, bert = nodes = [up(node) for node in devices(2)]
    wait_for(lambda: words_of(anna) and words_of(anna) == words_of(bert), ASKED_S, nodes)
    for node in nodes:
        types(node, "y")
    wait_ring(nodes, IN_S)
    (anna.own / "first.txt").write_text("hello")
    wait_for((bert.shared / "anna" / "first.txt").is_file, LATER_S, nodes)
    greeted_at(anna, bert)


@pytest.mark.parametrize("first", ["anna", "bert"])
def test_who_waited_alone_before_is_told_whom_it_let_in(devices, up, first):
    nodes = devices(2)
    waited, came = nodes if first == "anna" else nodes[::-1]
    up(waited)
    wait_for(lambda: has_said(waited, "this device is the group"), LATER_S, nodes)
    up(came)
    wait_for(lambda: words_of(waited) and words_of(waited) == words_of(came), LATER_S, nodes)
    for node in nodes:
        types(node, "y")
    wait_ring(nodes, IN_S)
    greeted_at(waited, came)


def test_the_same_words_stand_on_every_member_and_one_answers_in_a_shell(devices, up):
    anna, bert, cora = devices(3)
    pair = [anna.start(), bert.start()]
    wait_ring(pair, LATER_S)
    for node in pair:
        assert node.run("close").returncode == 0
    up(cora)
    nodes = [*pair, cora]
    wait_for(lambda: words_of(cora) and {words_of(node) for node in nodes} == {words_of(cora)},
             ASKED_S, nodes)  # fmt: skip
    given = words_of(cora).lower()
    wrong = bert.run("approve", "cora", "--words", "amber tiger violin")
    assert wrong.returncode == 5, wrong.stderr
    done = bert.run("approve", "cora", "--words", given)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not any(one["answer"] == "needed" for one in requests_at(anna)),
             LATER_S, nodes)  # fmt: skip
    types(cora, "yes")
    wait_ring(nodes, IN_S)
    assert anna.run("approve").returncode == 7, "nobody waits any more"


def test_a_no_leaves_everybody_where_they_were(devices, up):
    anna, bert = nodes = [up(node) for node in devices(2)]
    wait_for(lambda: words_of(anna) and words_of(anna) == words_of(bert), ASKED_S, nodes)
    types(bert, "n")
    wait_for(lambda: not (requests_at(anna) or requests_at(bert)), LATER_S, nodes)
    wait_for(lambda: has_said(anna, " is over: "), LATER_S, nodes)
    assert len(anna.status()["devices"]) == len(bert.status()["devices"]) == 1
