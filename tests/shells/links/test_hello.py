"""HELLO and its answers, said the same way by whoever dialled.

Strategy: two real streams, one side in a thread where both must speak.
"""

import threading

import pytest

from potluck.core.errors import Malformed, Refused
from potluck.core.wire.catalogue import Bye, Done, Hello, HelloOk, LinkKind
from potluck.shells.links.hello import FIRST_WORDS, accept_hello, hear_hello, say_hello
from tests.shells.peers import stream_pair

OURS, THEIRS = b"o" * 16, b"t" * 16


@pytest.fixture
def ends():
    near, far = stream_pair()
    yield near, far
    near.close()
    far.close()


@pytest.mark.parametrize("kind", list(LinkKind))
def test_both_sides_learn_what_they_must(ends, kind):
    near, far = ends
    box = []
    thread = threading.Thread(target=lambda: box.append(say_hello(near, kind, OURS)))
    thread.start()
    hello = hear_hello(far, pairing=kind is LinkKind.PAIRING)
    accept_hello(far, hello.link, THEIRS)
    thread.join()
    pairing = kind is LinkKind.PAIRING
    assert (hello.link, hello.instance) == (kind, b"" if pairing else OURS), (
        "strangers learn no instance"
    )
    assert box == [b"" if pairing else THEIRS]


def test_a_bye_instead_of_hello_ok_is_a_refusal_with_its_reason(ends):
    near, far = ends
    far.send(Bye("busy"))
    with pytest.raises(Refused) as caught:
        say_hello(near, LinkKind.BULK, OURS)
    assert caught.value.cause == "busy"


@pytest.mark.parametrize(
    "answer", [Hello([1], [], b"", LinkKind.BULK), HelloOk(2, [], b""), Done()]
)
def test_other_answers_break_the_protocol(ends, answer):
    near, far = ends
    far.send(answer)
    with pytest.raises(Malformed):
        say_hello(near, LinkKind.BULK, OURS)


@pytest.mark.parametrize(
    "first",
    [
        Bye("x"),
        HelloOk(1, [], b""),
        Done(),
        Hello([1], [], b"", LinkKind.PAIRING),
        Hello([], [], b"", LinkKind.BULK),
    ],
)
def test_other_first_words_break_the_protocol(ends, first):
    near, far = ends
    near.send(first)
    with pytest.raises(Malformed):
        hear_hello(far, pairing=False)


def test_a_member_kind_does_not_pass_the_pairing_door(ends):
    near, far = ends
    near.send(Hello([1], [], b"", LinkKind.CONTROL))
    with pytest.raises(Malformed):
        hear_hello(far, pairing=True)


def test_without_a_common_version_both_learn_why(ends):
    near, far = ends
    near.send(Hello([2, 3], [], OURS, LinkKind.BULK))
    with pytest.raises(Malformed, match="version"):
        hear_hello(far, pairing=False)
    assert near.receive(FIRST_WORDS) == Bye("no common version: 1"), "and who is older"


def test_newer_versions_may_offer_more(ends):
    near, far = ends
    near.send(Hello([1, 2], ["later"], OURS, LinkKind.BULK))
    assert hear_hello(far, pairing=False).capabilities == ["later"]
