"""Answers: one answer to every request, only what is shared and stands here, pages that fit."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.content.manifest import sign_head
from potluck.core.content.pieces import EMPTY_ROOT, HASH_BYTES, PieceList, Root, file_root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    BULK_REQUEST,
    Busy,
    Bye,
    DeletedPath,
    FileAsk,
    FileRecord,
    FilesAsk,
    Folder,
    Gone,
    Head,
    Holding,
    Kind,
    ManifestAsk,
    ManifestPage,
    PiecesAsk,
    PiecesPage,
    encode,
)
from potluck.engine.effects import Answer, MakeDurable, ServeFiles, ServePieces
from potluck.engine.events import RequestHeard, RequestId
from potluck.engine.node import Node
from potluck.engine.others.answers import HASHES_PER_PAGE, Answers
from tests.engine.builders import group, key, node, taken

ANN, BEN = key(1), key(2)
OWN = Folder.OWN
ANNS = ManifestName.own(ANN.device)
SMALL = limits.PIECE_MIN_BYTES


@pytest.fixture
def made() -> Node:
    """d1, in a group with d2."""
    made = node(1)
    made.roster = group(1, 2)
    return made


def root_of(number: int) -> Root:
    return Root(number.to_bytes(8, "big") * 4)


def share(
    made: Node,
    names: dict[str, tuple[Root, int]],
    owner: DeviceId = ANN.device,
    *,
    stands: bool = True,
) -> None:
    """Let files be in a manifest, and stand here."""
    records = [
        FileRecord(
            name.encode(),
            Kind.FILE,
            size,
            1,
            executable=False,
            piece_size=SMALL,
            root=root,
            seq=number,
        )
        for number, (name, (root, size)) in enumerate(names.items(), 1)
    ]
    name = ManifestName.own(owner)
    made.index.manifests.put(name, records)
    if stands:
        rows = [
            PlaceRow(r.path, r.kind, r.root, r.size, 1, 1, r.seq, executable=False) for r in records
        ]
        made.index.places.put(name, rows)
    signer = ANN if owner == ANN.device else BEN
    root, count = made.index.manifests.root(name), made.index.manifests.count(name)
    made.index.manifests.set_head(
        sign_head(Head(*name, 1, len(records), count, root, b"run"), signer)
    )


def ask(
    made: Node, message: object, peer: DeviceId = BEN.device, service: Answers | None = None
) -> object:
    """Ask, as it comes off the wire, and return the one answer."""
    heard = BULK_REQUEST.decode(encode(message))
    (service or Answers(made)).on_request(RequestHeard(RequestId(3), peer, heard))  # type: ignore[arg-type]
    (answer,) = taken(made, Answer)
    assert answer.request == 3
    return answer.reply


# -- who may ask -----------------------------------------------------------------------------------
def test_strangers_are_busy_signalled(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    assert ask(made, FilesAsk([root_of(1)]), key(9).device) == Busy()
    made.roster = None
    assert ask(made, FilesAsk([root_of(1)])) == Busy()


def test_whoever_leaves_serves_nobody(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    made.leaving = True
    assert ask(made, ManifestAsk(ANN.device, OWN, 0, 0)) == Busy()


def test_a_word_that_is_no_request_is_answered_too(made: Node) -> None:
    assert ask(made, Bye("so long")) == Gone()


def test_while_a_folder_is_renamed_nothing_is_served_from_it(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    made.moving = True
    assert ask(made, FilesAsk([root_of(1)])) == ask(made, FileAsk(root_of(1), [0])) == Busy()
    assert isinstance(ask(made, PiecesAsk(root_of(1), 0)), Gone)


# -- small files -----------------------------------------------------------------------------------
def test_small_files_come_in_the_order_asked(made: Node) -> None:
    share(made, {"a": (root_of(1), 5), "b": (root_of(3), 7)})
    service = Answers(made)
    reply = ask(made, FilesAsk([root_of(3), root_of(9), root_of(1)]), service=service)
    assert isinstance(reply, ServeFiles)
    assert [(root, str(path), size) for root, path, size, _ in reply.files] == [
        (root_of(3), "d1/b", 7),
        (root_of(9), "None", 0),
        (root_of(1), "d1/a", 5),
    ]
    assert service.sent_bytes == 0, "nothing is known to have come"
    made.peer(BEN.device).kept[ANNS] = Holding(*ANNS, 1, 1, 1, 9)
    service.on_came(BEN.device, 8)
    service.on_came(BEN.device, 8)
    assert service.sent_bytes == 12


def test_others_folders_are_served_as_well(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)}, BEN.device)
    reply = ask(made, FilesAsk([root_of(1)]))
    assert isinstance(reply, ServeFiles)
    assert str(reply.files[0][1]) == "d2/a"


def test_one_of_several_is_always_the_same_one(made: Node) -> None:
    share(made, {"z": (root_of(1), 5), "a": (root_of(1), 5)})
    reply = ask(made, FilesAsk([root_of(1), root_of(1)]))
    assert isinstance(reply, ServeFiles)
    assert [str(path) for _, path, _, _ in reply.files] == ["d1/a", "d1/a"]


def test_what_is_gone_from_the_manifest_is_not_served_any_more(made: Node) -> None:
    share(made, {"a": (root_of(1), 5), "b": (root_of(3), 5)})
    made.index.contents.put(PieceList(root_of(3), 5, SMALL, bytes(32)))
    made.index.manifests.delete(ANNS, [b"a", b"b"], 3)
    reply = ask(made, FilesAsk([root_of(1)]))
    assert isinstance(reply, ServeFiles)
    assert reply.files[0][1] is None
    assert ask(made, FileAsk(root_of(3), [0])) == Gone()


def test_what_changed_since_is_not_served_as_what_it_was(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    share(made, {"a": (root_of(3), 5)}, stands=False)
    reply = ask(made, FilesAsk([root_of(1), root_of(3), EMPTY_ROOT]))
    assert isinstance(reply, ServeFiles)
    assert [path for _, path, _, _ in reply.files] == [None, None, None]


def test_nobody_gets_more_than_a_pack(made: Node) -> None:
    share(
        made,
        {
            "huge": (root_of(1), 2**40),
            "most": (root_of(3), limits.PACK_BYTES - 1),
            "rest": (root_of(5), 2),
        },
    )
    service = Answers(made)
    reply = ask(made, FilesAsk([root_of(1), root_of(3), root_of(5)]), service=service)
    assert isinstance(reply, ServeFiles)
    assert [path is not None for _, path, _, _ in reply.files] == [False, True, False]
    service.on_came(BEN.device, 2**50)
    assert service.sent_bytes == limits.PACK_BYTES - 1


def test_no_roots_are_an_answer_of_nothing(made: Node) -> None:
    assert ask(made, FilesAsk([])) == ServeFiles(())


def steps_of_a_pack(among: int) -> int:
    """How many steps of SQLite's machine it takes to find 64 files in a folder of so many."""
    made = node(1)
    made.roster = group(1, 2)
    share(made, {f"{number}": (root_of(number), 5) for number in range(1, among + 1)})
    request = RequestHeard(
        RequestId(1), BEN.device, FilesAsk([root_of(number * 9 + 1) for number in range(64)])
    )
    connection, steps = made.index._database._connection, list[None]()
    connection.set_progress_handler(lambda: steps.append(None), 1)
    Answers(made).on_request(request)
    connection.set_progress_handler(None, 1)
    (answer,) = taken(made, Answer)
    assert isinstance(answer.reply, ServeFiles)
    assert all(path is not None for _, path, _, _ in answer.reply.files)
    return len(steps)


def test_a_pack_costs_the_same_among_few_and_among_many() -> None:
    few, many = steps_of_a_pack(600), steps_of_a_pack(4_800)
    assert many < 2 * few, "without an index it would be eight times as much"


# -- pieces ----------------------------------------------------------------------------------------
def large(made: Node, pieces: int) -> PieceList:
    """A content of so many pieces that stands here."""
    size, hashes = pieces * SMALL - 1, bytes(range(32)) * pieces
    content = PieceList(file_root(size, SMALL, hashes), size, SMALL, hashes)
    made.index.contents.put(content)
    share(made, {"film": (content.root, size)})
    return content


def test_pieces_of_a_file_that_stands_here(made: Node) -> None:
    content, service = large(made, 3), Answers(made)
    reply = ask(made, FileAsk(content.root, [0, 2]), service=service)
    assert isinstance(reply, ServePieces)
    assert (str(reply.path), reply.content, reply.pieces) == ("d1/film", content, (0, 2))
    service.on_came(BEN.device, 2**50)
    assert service.sent_bytes == 2 * SMALL - 1


def test_pieces_that_are_not(made: Node) -> None:
    content = large(made, 3)
    assert ask(made, FileAsk(content.root, [0, 3])) == Gone()
    assert ask(made, FileAsk(content.root, [limits.PIECES_MAX])) == Gone()
    assert ask(made, FileAsk(root_of(9), [0])) == Gone()
    made.index.places.remove(ANNS, [b"film"])
    assert ask(made, FileAsk(content.root, [0])) == Gone()


def test_a_piece_list_comes_in_pages_that_fit(made: Node) -> None:
    content = large(made, HASHES_PER_PAGE + 2)
    first = ask(made, PiecesAsk(content.root))
    assert isinstance(first, PiecesPage)
    assert len(encode(first)) < limits.PAGE_FRAME_BYTES
    rest = ask(made, PiecesAsk(content.root, len(first.hashes) // HASH_BYTES))
    assert isinstance(rest, PiecesPage)
    assert first.hashes + rest.hashes == content.hashes
    assert (rest.size, rest.piece_size, rest.first) == (content.size_bytes, SMALL, HASHES_PER_PAGE)
    assert ask(made, PiecesAsk(content.root, content.count)) == Gone()
    assert ask(made, PiecesAsk(root_of(9))) == Gone()


# -- manifests -------------------------------------------------------------------------------------
def pages(made: Node, owner: DeviceId = ANN.device) -> list[ManifestPage]:
    """A whole manifest, asked page by page."""
    found: list[ManifestPage] = []
    while not found or found[-1].head is None:
        page = ask(made, ManifestAsk(owner, OWN, found[-1].upto if found else 0, 1))
        assert isinstance(page, ManifestPage)
        assert len(encode(page)) <= limits.PAGE_FRAME_BYTES
        found.append(page)
    return found


def test_a_manifest_comes_whole_and_ends_with_its_head(made: Node) -> None:
    share(made, {f"{number:05}": (root_of(number), 5) for number in range(2500)})
    found = pages(made)
    assert [len(page.records) for page in found] == [1000, 1000, 500]
    assert found[-1].head == made.index.manifests.head(ANNS)


def test_pages_of_the_longest_names_still_fit_a_frame(made: Node) -> None:
    folders = "/".join(["n" * 249] * 15)
    share(made, {f"{folders}/{number:0200}": (root_of(number), 5) for number in range(600)})
    found = pages(made)
    assert sum(len(page.records) for page in found) == 600
    assert len(found) > 2


def test_deleted_paths_are_part_of_it(made: Node) -> None:
    share(made, {"a": (root_of(1), 5), "b": (root_of(3), 5)})
    made.index.manifests.delete(ANNS, [b"a"], 3)
    (page,) = pages(made)
    assert [record.path for record in page.records] == [b"b"]
    assert page.deleted == [DeletedPath(b"a", 3)]


def test_what_is_not_held_is_gone(made: Node) -> None:
    assert ask(made, ManifestAsk(BEN.device, OWN, 0, 0)) == Gone()
    assert ask(made, ManifestAsk(ANN.device, Folder.EVERYONE, 0, 0)) == Gone()
    assert ask(made, ManifestAsk(bytes(32), OWN, limits.SEQ_MAX, limits.SEQ_MAX)) == Gone()


def test_a_number_beyond_the_last_change_gets_an_empty_last_page(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    page = ask(made, ManifestAsk(ANN.device, OWN, limits.SEQ_MAX, 1))
    assert isinstance(page, ManifestPage)
    assert not page.records
    assert not page.deleted
    assert page.head is not None


def test_a_head_that_is_not_on_the_disk_yet_is_not_shown(made: Node) -> None:
    share(made, {"a": (root_of(1), 5)})
    made.when_durable([])
    Answers(made).on_request(
        RequestHeard(RequestId(1), BEN.device, ManifestAsk(ANN.device, OWN, 0, 0))
    )
    assert made.take() == [MakeDurable(1)]
    made.on_synced(1)
    assert len(taken(made, Answer)) == 1


def test_it_says_how_much_came(made: Node) -> None:
    assert repr(Answers(made)) == "<Answers: 0 bytes came>"
