"""Whatever bytes come in, loading gives a scenario or a ScenarioError with a place, and never another exception."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenrun.errors import ScenarioError
from scenrun.language.behaviours import names
from scenrun.language.expressions import FUNCTIONS, ExpressionError, parse
from scenrun.language.model import Scenario
from scenrun.language.primitives import KINDS
from scenrun.language.source import decode
from scenrun.language.templates import parse_template
from scenrun.language.verbs.registry import VERBS
from scenrun.program.loaded import load_source

ROOT = Path(__file__).parents[2]
VALID = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "scenarios").glob("*.yaml"))]
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
WORDS = [
    *sorted({*VERBS, *KINDS, *Scenario.model_fields, *FUNCTIONS, *names()}),
    "target", "do", "then", "else", "in", "except", "finally", "args", "count", "into", "timeout", "params", "default",
    "value", "items", "index", "name", "stop", "0", "-1", "1.5", "100ms", "1e400", "9" * 50, "null", "true", "no", "017",
    "1:30", "''", '"', "'", "{", "}", "[", "]", ":", ": ", ",", "- ", "&a ", "*a", "<<: ", "!", "|", ">", "#", " #", "\n", "\n  ",
    "\t", "{x}", "x[0]", "x.y()", "random.randint(1, 2)", "(", ")", "+", "==", "ä", "\U0001f389", "\\", "\u2028", "---\n", "? ",
]  # fmt: skip
MODEST = settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def check(data: bytes) -> None:
    """Load the bytes; an error must have a place for every problem, and a text that stays readable."""
    try:
        load_source(decode("any.yaml", data))
    except ScenarioError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.place is not None, str(problem)
            assert min(problem.place.line, problem.place.column) >= 1
            assert len(problem.message) < 2_000
        str(error).encode()


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=25,
)


def flow(value: object) -> str:
    """A value as flow YAML, with its texts unquoted, so that they mean whatever they mean."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return "null" if value is None else str(value)


def quoted(value: object) -> str:
    """A value as flow YAML with every text in quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(str(key))}: {quoted(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''").replace("\n", " ") + "'"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@MODEST
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    """Any bytes at all."""
    check(data)


@MODEST
@given(st.text(max_size=300))
def test_random_text(text: str) -> None:
    """Any text, as UTF-8; halves of surrogate pairs as what an encoder makes of them."""
    check(text.encode("utf-8", "surrogatepass"))


@MODEST
@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_words_of_the_language_in_any_order(words: list[str]) -> None:
    """The language's own words and signs, one after another."""
    check(("scenario: any\n" + "".join(words)).encode())
    check(" ".join(words).encode())


@MODEST
@given(st.dictionaries(st.sampled_from([*Scenario.model_fields, "x-a", "thread"]), trees, max_size=6), st.booleans())
def test_any_value_under_any_key(document: dict[str, object], in_quotes: bool) -> None:
    """Well-formed YAML that means nothing."""
    write = quoted if in_quotes else flow
    check(("scenario: any\n" + "".join(f"{key}: {write(value)}\n" for key, value in document.items())).encode())


@MODEST
@given(
    st.lists(
        st.dictionaries(st.sampled_from([*VERBS, "do", "then", "else", "in", "except"]), trees, max_size=2), max_size=5
    )
)
def test_any_value_under_any_verb(steps: list[dict[str, object]]) -> None:
    """Steps with a verb of the language and any value."""
    check(f"scenario: any\nstate: {{value: 0}}\nthreads: {{one: {{do: {quoted(steps)}}}}}\n".encode())


@MODEST
@given(st.data())
def test_valid_scenarios_with_tokens_dropped_doubled_swapped_and_replaced(data: st.DataObject) -> None:
    """The scenarios of this repository, a little broken."""
    tokens = TOKEN.findall(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        how = data.draw(st.sampled_from(("drop", "double", "swap", "replace", "insert")))
        if how == "drop":
            tokens[at] = ""
        elif how == "double":
            tokens[at] *= 2
        elif how == "swap":
            other = data.draw(st.integers(0, len(tokens) - 1))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            word = data.draw(st.sampled_from(WORDS))
            tokens[at] = word if how == "replace" else word + tokens[at]
    check("".join(tokens).encode())


@MODEST
@given(st.data())
def test_valid_scenarios_with_lines_dropped_doubled_moved_and_indented(data: st.DataObject) -> None:
    """The scenarios of this repository, with their lines in disorder."""
    lines = data.draw(st.sampled_from(VALID)).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.sampled_from(("drop", "double", "move", "indent", "dedent", "join")))
        if how == "drop":
            lines[at] = ""
        elif how == "double":
            lines[at] *= 2
        elif how == "move":
            lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif how == "join":
            lines[at] = lines[at].rstrip("\n")
        else:
            lines[at] = "  " + lines[at] if how == "indent" else lines[at].removeprefix("  ")
    check("".join(lines).encode())


@MODEST
@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_as_an_expression_and_as_a_template(text: str) -> None:
    """Expressions and texts are parsed, or refused with a place inside the text."""
    for read in (parse, parse_template):
        try:
            read(text)  # type: ignore[operator]
        except ExpressionError as error:
            assert 0 <= error.offset <= len(text)
