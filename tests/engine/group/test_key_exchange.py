"""Key exchange: a new group key reaches every member and nobody else."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.wire.catalogue import GroupKeys, GroupKeysAsk
from potluck.engine.effects import Send
from potluck.engine.events import LinkId
from potluck.engine.group.key_exchange import KeyExchange
from potluck.engine.node import Node
from tests.engine.builders import group, key, node, taken

KEY, OTHER = b"k" * 32, b"o" * 32


def here(*known: bytes) -> tuple[Node, KeyExchange]:
    """Device 2 after device 1 has removed device 4; it is linked to 1 and 3."""
    mine = node(2)
    mine.roster = group(1, 2, 3, 4)
    said = Remove(mine.roster.group, key(4).device, [], b"", None, key_id(KEY), [])
    mine.roster.add(sign_removal(key(1), said, []))
    mine.roster.settle()
    exchange = KeyExchange(mine)
    exchange.start()
    for each in known:
        exchange.make(key_id(each), each)
    for number in (1, 3):
        mine.peer(key(number).device).link = LinkId(number)
    return mine, exchange


def said(mine: Node) -> list[tuple[int, object]]:
    return [(send.link, send.message) for send in taken(mine, Send)]


def test_who_lacks_a_key_asks_and_hands_it_on_to_who_asked_in_vain() -> None:
    mine, exchange = here()
    ask = GroupKeysAsk([key_id(KEY)])
    exchange.on_members()
    assert said(mine) == [(1, ask), (3, ask)]
    exchange.on_linked(key(1).device)
    assert said(mine) == [(1, ask)]
    exchange.on_message(key(3).device, ask)
    assert said(mine) == []
    assert repr(exchange) == "<KeyExchange <KeyRing 0 keys>, 1 wait>"
    exchange.on_message(key(1).device, GroupKeys([OTHER, KEY]))
    assert said(mine) == [(3, GroupKeys([KEY]))]
    assert mine.group_keys.keys == [KEY], "what the roster does not name is nothing"
    exchange.on_message(key(1).device, GroupKeys([KEY]))
    exchange.on_members()
    assert said(mine) == []


def test_who_has_it_says_it_when_a_link_opens_and_when_asked() -> None:
    mine, exchange = here(KEY)
    exchange.on_linked(key(3).device)
    exchange.on_message(key(1).device, GroupKeysAsk([key_id(KEY), key_id(OTHER)]))
    assert said(mine) == [(3, GroupKeys([KEY])), (1, GroupKeys([KEY]))]
    exchange.on_message(key(1).device, GroupKeysAsk([key_id(OTHER)]))
    assert said(mine) == []


def test_keys_outlive_a_restart_but_not_another_group() -> None:
    mine, exchange = here(KEY)
    again = KeyExchange(mine)
    again.start()
    assert mine.group_keys.keys == [KEY]
    exchange.restart()
    again.start()
    assert mine.group_keys.keys == []


def test_without_a_group_there_is_nothing_to_ask_for() -> None:
    mine = node(2)
    exchange = KeyExchange(mine)
    exchange.on_members()
    exchange.on_message(key(1).device, GroupKeys([KEY]))
    assert said(mine) == []


def test_where_no_key_was_kept_another_group_begins_with_nothing_written() -> None:
    mine, exchange = here()
    exchange.on_message(key(3).device, GroupKeysAsk([key_id(KEY)]))
    exchange.restart()
    assert repr(exchange) == "<KeyExchange <KeyRing 0 keys>, 0 wait>"
    assert mine.index.meta.beginning_with("group_keys") == {}


def test_keys_that_no_removal_came_of_put_out_none_that_is_valid() -> None:
    mine, exchange = here(KEY)
    for number in range(2 * limits.GROUP_KEYS):
        made = bytes([number]) * limits.KEY_BYTES
        exchange.make(key_id(made), made)
    assert KEY in mine.group_keys.keys
    assert len(mine.group_keys.keys) <= limits.GROUP_KEYS
