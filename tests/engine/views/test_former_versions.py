"""Former versions: what this device shared before, by the paths that people see."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.engine.node import Node
from potluck.engine.views import former_versions as module
from potluck.engine.views.former_versions import former_versions
from potluck.engine.views.path_values import FormerPage, FormerVersion
from tests.engine.builders import group, key, node
from tests.engine.index.builders import record


def device() -> Node:
    """One that shared `a` and `d/b` before, and shares `a` again; of another it knows something."""
    made = node(1)
    made.roster = group(1, 2)
    for name in (made.own_manifest, ManifestName.own(key(2).device)):
        made.index.manifests.put(name, [record("a"), record("d/b")])
        made.index.former.note_ended(name, [(b"a", b""), (b"d/b", b"")], 1)
        made.index.manifests.delete(name, [b"d/b"], 9)
    return made


def test_what_is_shared_again_and_what_is_of_others_is_left_out() -> None:
    made = device()
    page = FormerPage([FormerVersion("d1/d/b", 3, 5)], complete=True)
    for text in ("", "d1", "d1/d", "d1/d/b"):
        assert former_versions(made, text) == page
    for text in ("d2", "d2/d/b", "d1/a", "nobody/x", "d1/x"):
        assert former_versions(made, text).versions == []


def test_a_page_that_is_not_all_says_so(monkeypatch) -> None:
    monkeypatch.setattr(module, "ROWS_MAX", 2)
    assert not former_versions(device(), "").complete
