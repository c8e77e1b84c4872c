"""docs/contributing.md shows the house as it is: every room with its own sentence, in the order of imports, and walks that arrive."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from rooms import ROOMS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "scenrun"
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w./]+)` \| (.+) \|$", re.MULTILINE)


def sentence_of(path: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def rooms() -> dict[str, str]:
    """Every folder of the package and every file beside them, with its own sentence."""
    folders = {str(p.parent.relative_to(PACKAGE)) + "/": sentence_of(p) for p in PACKAGE.rglob("*/__init__.py")}
    files = {p.name: sentence_of(p) for p in PACKAGE.glob("*.py") if not p.name.startswith("__")}
    return folders | files


def test_the_map_has_every_room_with_its_sentence() -> None:
    """A room that is added, moved or described anew is so on the map."""
    assert dict(ROW.findall(PAGE)) == rooms()


def test_the_map_is_in_the_order_of_imports() -> None:
    """From below to above, so that nothing imports from further down."""
    drawn = list(dict.fromkeys(re.split(r"[./]", name)[0] for name, _ in ROW.findall(PAGE)))
    assert drawn == list(ROOMS)


def test_the_paths_of_the_page_lead_somewhere() -> None:
    """Each folder or file that the page names is there, and one for each word in capitals that stands for a name."""
    named = set(
        re.findall(r"`((?:src/scenrun|tests|docs|scenarios|benchmarks|schemas|[a-z_]+(?:/[a-z_]+)*)/[\w./*]*)`", PAGE)
    )
    places = (ROOT, PACKAGE)
    patterns = {re.sub("[A-Z]{3,}", "*", name) for name in named}
    missing = {name for name in patterns if not any([*place.glob(name)] for place in places)}
    assert not missing
