"""What is generated is current: the schemas and the reference are what the program would write today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from scenrun.interface.reference import reference
from scenrun.language import behaviours, schema
from scenrun.model import move_schedule
from scenrun.trace import events

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted([*(ROOT / "scenarios").rglob("*.yaml"), *(ROOT / "src/scenrun/behaviours").glob("*.yaml")])


@pytest.mark.parametrize(
    ("file", "made"), [("scenario", schema.schema), ("event", events.schema), ("schedule", move_schedule.schema)]
)
def test_a_published_schema_is_what_the_program_writes(file: str, made: Any) -> None:
    """`schemas/*.json` are current: `scenrun schema NAME > schemas/NAME.schema.json` writes them."""
    published = json.loads((ROOT / "schemas" / f"{file}.schema.json").read_text())
    assert published == made()


def test_the_reference_is_what_the_program_writes() -> None:
    """`docs/reference.md` is current: `python -m scenrun.interface.reference > docs/reference.md` writes it."""
    assert (ROOT / "docs" / "reference.md").read_text() == reference()


@pytest.mark.parametrize("made", [schema.schema, events.schema, move_schedule.schema])
def test_a_schema_is_a_valid_schema(made: Any) -> None:
    """An independent validator accepts the schema itself."""
    jsonschema.Draft202012Validator.check_schema(made())


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_of_the_repository_fits_the_published_schema(path: Path) -> None:
    """What scenrun accepts, editors accept."""
    validator = jsonschema.Draft202012Validator(schema.schema())
    errors = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(yaml.safe_load(path.read_text()))]
    assert errors == []


@pytest.mark.parametrize(
    "step",
    [
        {"aquire": "guard"},
        {"log": "a", "sleep": "1ms"},
        {"then": []},
        {"while": "x"},
        {"put": {"queue": "q"}},
        {"acquire": {"lock": "g", "timout": "1s"}},
        {"sleep": 5},
        "brake",
    ],
)
def test_the_schema_refuses_a_wrong_step(step: Any) -> None:
    """Editors mark what scenrun would refuse."""
    document = {"scenario": "x", "threads": {"a": {"do": [step]}}}
    assert list(jsonschema.Draft202012Validator(schema.schema()).iter_errors(document))


def test_every_shipped_behaviour_is_in_the_reference() -> None:
    """A behaviour that is added is documented by itself."""
    page = reference()
    assert all(f"### `{name}`" in page for name in behaviours.names())
