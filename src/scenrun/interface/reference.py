"""Generates docs/reference.md, the reference of the language and the log, from the tables that scenrun itself uses."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

from scenrun.language import behaviours, durations, expect, expressions, model
from scenrun.language.conform import Conform
from scenrun.language.fields import Model
from scenrun.language.primitives import KINDS
from scenrun.language.sweep import Sweep
from scenrun.language.value_ranges import MAX_VALUES
from scenrun.language.verbs.registry import VERBS
from scenrun.language.verbs.step import Step
from scenrun.program import exceptions
from scenrun.program.primitives.registry import KINDS as OBJECT_KINDS
from scenrun.program.values import MAX_BITS, MAX_SIZE
from scenrun.trace.events import COMMON, EVENTS, OF_THREAD

_HEAD = """# Reference

Generated from the program by `python -m scenrun.interface.reference`; the [guide](guide.md) teaches the same things in order.

- [Top-level keys](#top-level-keys)
- [Thread groups](#thread-groups)
- [Behaviours and parameters](#behaviours-and-parameters)
- [Primitives](#primitives)
- [Steps](#steps)
- [Expressions](#expressions)
- [Durations](#durations)
- [Names](#names)
- [Expectations and verdicts](#expectations-and-verdicts)
- [Built-in behaviours](#built-in-behaviours)
- [Events of the log](#events-of-the-log)
"""


_OBJECTS = """\
Each run has objects of its own, made before anything runs. `call: cache.get` calls a method; docs/own_code.md shows it.
"""
_CONFORM = """\
Read by `scenrun conform` alone, whose options are the same and come first; docs/conform.md shows it.
"""
_SWEEP = f"""\
Read by `scenrun sweep` alone: it has no effect on a single run, and none on what schedules are replayed with. A range has
both its ends where they are met: `1..8` counts by 1, `0..100+10` by 10, `1..64*2` doubles; at most {MAX_VALUES:,} values.
Paths are those of `--set`; an object's options may be named without its kind (`sync.pipeline.maxsize`).
"""


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [
        _HEAD,
        "## Top-level keys\n\n"
        + _table(model.Scenario)
        + "\nKeys that begin with `x-` are ignored: a place for anchors.\n",
        "### `stop`\n\n" + _table(model.Stop),
        "### `limits`\n\n" + _table(model.Limits),
        "### `sweep`\n\n" + _table(Sweep) + "\n" + _SWEEP,
        "### `objects`\n\n" + _table(model.PythonObject) + "\n" + _OBJECTS,
        "### `conform`\n\n" + _table(Conform) + "\n" + _CONFORM,
        "### `log`\n\n" + _table(model.LogOptions),
        "## Thread groups\n\n" + _table(model.Group),
        _behaviours_and_parameters(),
        _primitives(),
        "## Steps\n\nA step is a mapping with one verb. Companion keys stand beside the verb, all others inside.\n\n"
        + "\n".join(_step(cls) for cls in VERBS.values()),
        _expressions(),
        _durations(),
        _names(),
        _expectations(),
        _built_in(),
        _events(),
    ]
    return "\n".join(parts)


def _sections() -> dict[str, str]:
    """The parts of the page by the words of their headings, and each row of a table of keys by its key."""
    found: dict[str, str] = {}
    for part in re.split(r"^(?=##+ )", reference(), flags=re.MULTILINE)[1:]:
        heading = part.partition("\n")[0].lstrip("# ").strip("`")
        found.setdefault(heading.lower(), part.strip())
    for part in list(found.values()):
        above = part.partition("\n")[0].lstrip("# ")
        for key, rest in re.findall(r"^\| `([\w.]+)` \| (.*) \|$", part, flags=re.MULTILINE):
            found.setdefault(key, f"{key} ({above}): {rest.replace(' | ', '; ')}".rstrip("; "))
    return found


def entries() -> list[str]:
    """The words that `entry` knows."""
    return list(_sections())


def entry(name: str) -> str | None:
    """What the reference has on a verb, a kind of object, a key or an event; None where it has nothing."""
    if name.lower() == "verbs":
        return f"{', '.join(VERBS)}\n\n`scenrun help VERB` tells of one."
    return _sections().get(name.lower())


def _text(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _table(cls: type[Model], skip: tuple[str, ...] = ()) -> str:
    rows = ["| key | meaning | default |", "|---|---|---|"]
    for name, field in cls.model_fields.items():
        key = field.alias or name
        if key in skip or field.exclude:
            continue
        required = field.is_required()
        default = field.get_default(call_default_factory=False)
        if field.default_factory is not None:
            default = None
        shown = (
            "required"
            if required
            else ""
            if default in (None, {}, (), "")
            else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        )
        rows.append(f"| `{key}` | {_text(field.description or '')} | {shown} |")
    return "\n".join(rows) + "\n" if len(rows) > 2 else ""


def _behaviours_and_parameters() -> str:
    types = [
        ("`int`, `float`, `bool`, `str`", "a literal"),
        ("`duration`", "a duration, or a distribution that is drawn at each use"),
        (
            "`value`",
            "an expression, evaluated once: before the first step of the thread, or by whoever spawns or submits",
        ),
        ("`expression`", "an expression, evaluated at each use, with the names of where it was written"),
        ("`variable`", "a shared variable (with `run`, also a local), read and written under the parameter's name"),
        (", ".join(f"`{kind}`" for kind in KINDS), "an object of `sync`; `lock` takes an rlock too"),
    ]
    rows = ["| type | what it takes |", "|---|---|", *(f"| {a} | {b} |" for a, b in types)]
    return (
        "## Behaviours and parameters\n\n" + _table(model.Behaviour) + "\nA parameter is `name: type` or\n\n"
        + _table(model.Parameter) + "\n" + "\n".join(rows)
        + "\n\nA reference or duration parameter with `default: null` may be left out: `with` of it holds nothing, a time-out"
        " of it is none, and `guard is None` can be asked. The default `stop` of an `event` parameter is the event of the"
        " `stop` key, or none.\n"
    )  # fmt: skip


def _primitives() -> str:
    parts = ["## Primitives\n\nShort form `guard: lock`; long form `slots: {semaphore: {value: 3}}`.\n"]
    for kind, cls in KINDS.items():
        parts.append(f"### `{kind}`\n\n{cleandoc(cls.__doc__ or '')}\n\n{_table(cls)}")
        known = OBJECT_KINDS.get(kind)
        asked = [f"`{q}()`" for q in known.questions] + [f"`{q}`" for q in known.attributes] if known else []
        if asked:
            parts.append(f"Can be asked: {', '.join(asked)}.\n")
    return "\n".join(parts)


def _step(cls: type[Step]) -> str:
    lines = [f"### `{cls.verb}`\n", cleandoc(cls.__doc__ or "") + "\n"]
    if cls.alone:
        lines.append(f"May stand alone: `- {cls.verb}`.\n")
    if cls.short and not cls.whole:
        lines.append(f"Short form: `{cls.verb}: {cls.short.upper()}`.\n")
    if cls.beside:
        lines.append(f"Beside the verb: {', '.join(f'`{k}`' for k in cls.beside)}.\n")
    return "\n".join([*lines, _table(cls)])


def _expressions() -> str:
    questions = [f"`{q}()`" for q in expressions.METHOD_QUESTIONS] + [f"`{q}`" for q in expressions.ATTRIBUTE_QUESTIONS]
    draws = ", ".join(f"`random.{name}`" for name in expressions.DRAWS)
    return f"""## Expressions

Python's syntax: literals, names, arithmetic and bit operations, comparisons, `and`/`or`/`not`, `x if c else y`, indexing,
slices, displays and comprehensions of lists, tuples, sets and mappings, and these calls.

- Functions: {", ".join(f"`{name}`" for name in (*expressions.FUNCTIONS, *expressions.CONVERSIONS))}.
- Methods of values: {", ".join(f"`{name}`" for name in expressions.VALUE_METHODS)}. None changes a value; that is a step.
- Draws, each a function of the seed, the thread's name and how many draws it has made: {draws}. `random.hex(16)` gives 16
  bytes as 32 digits.
- Questions to objects: {", ".join(questions)}, and `inside('section')`.

Integers have at most {MAX_BITS:,} bits, lists and texts at most {MAX_SIZE:,} items. Each read of a shared variable, and each
question, is a step of its own, in Python's order of evaluation. A set is gone through in an order that its members alone decide:
numbers by size, then texts, None, tuples; in the log it is a list.
"""


def _expectations() -> str:
    meanings = {
        "holds": "nothing was found",
        "violated": "an expectation or assertion is broken",
        "deadlock": "some threads can never move again",
        "exception": "one left a thread, or was swallowed by a pool because nobody asked for the result",
        "race": "two accesses to a variable are not ordered (a search says this)",
        "livelock": "the end can never be reached, though threads move (a search says this)",
        "incomplete": "a limit or a signal came first; never expected",
    }
    rows = ["| verdict | meaning |", "|---|---|", *(f"| `{word}` | {text} |" for word, text in meanings.items())]
    return (
        "## Expectations and verdicts\n\n" + _table(expect.Expect) + "\n### `outcomes`\n\n" + _table(expect.Outcomes)
        + "\n### `linearizable`\n\n" + _table(expect.Linearizable)
        + "\nor, of what behaviours make up:\n\n" + _table(expect.LinearizableCalls)
        + "\nAn item of the list is such a mapping, or the name of an object alone; docs/check.md says what is asked.\n"
        + "\n" + "\n".join(rows) + "\n"
    )  # fmt: skip


def _durations() -> str:
    units = ", ".join(f"`{unit}`" for unit in durations.UNITS_NS)
    return f"""## Durations

A number and a unit ({units}), such as `250us`, `100ms`, `2s`, `1.5m`; a bare number is refused. Where a duration is drawn at
each use, it may be a distribution:

| distribution | written |
|---|---|
| evenly between two | `{{uniform: [1ms, 5ms]}}` |
| exponential, as between independent arrivals | `{{exponential: {{mean: 2ms}}}}` |
| normal, cut off at 0 | `{{normal: {{mean: 5ms, sd: 1ms}}}}` |
"""


def _names() -> str:
    known = ", ".join(f"`{name}`" for name in exceptions.KNOWN if name not in ("Exception",) and "Warning" not in name)
    return f"""## Names

Letters, digits and `_`, not beginning with a digit. Names of variables, objects, threads, behaviours and parameters differ
within a file; `main`, `index`, `name`, `error`, Python's keywords and the functions of expressions cannot be names. A name
that nothing uses is warned of, and refused with `--strict`; a local that begins with `_` may go unread.

Exceptions that `raise` and `except` know, beside names of your own, which are plain `Exception`s: {known}.
"""


def _built_in() -> str:
    parts = ["## Built-in behaviours\n\n`scenrun behaviours NAME` prints one as a file to start from.\n"]
    for name in behaviours.names():
        found = behaviours.shipped(name)
        assert found is not None
        rows = ["| parameter | type | default |", "|---|---|---|"]
        for key, parameter in found.params.items():
            default = (
                "required"
                if parameter.is_required
                else f"`{parameter.default}`"
                if parameter.default is not None
                else "none"
            )
            rows.append(f"| `{key}` | {parameter.type} | {default} |")
        parts.append(f"### `{name}`\n\n{found.description}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _events() -> str:
    common = ", ".join(f"`{name}`" for name in COMMON)
    of_thread = ", ".join(f"`{name}`" for name in OF_THREAD)
    rows = ["| event | level | tells | its own fields |", "|---|---|---|---|"]
    for event in EVENTS.values():
        own = ", ".join(f"`{name}`" for name in event.fields)
        rows.append(f"| `{event.name}` | {event.level} | {_text(event.tells)} | {own} |")
    return (
        f"## Events of the log\n\nEvery line has {common}. Lines of a thread add {of_thread}.\n\n"
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    print(reference(), end="")
