"""The representations of results in notebooks: text in HTML blocks, escaped so that no text of a scenario acts as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from html import escape
from typing import Any

from scenrun.errors import UsageError
from scenrun.printable import clean, harmless
from scenrun.program.results import RunRecord
from scenrun.report.outcome import describe
from scenrun.report.run_summary import figure_lines
from scenrun.report.timeline.axis import Axis
from scenrun.report.timeline.cells import Cells
from scenrun.report.timeline.choosing import chosen_of
from scenrun.report.timeline.drawing import Drawing, frame_of
from scenrun.report.timeline.signs import BLOCKS
from scenrun.report.timeline.spool import Spool
from scenrun.report.timeline.survey import Survey
from scenrun.report.width import short

WIDE = 100
"""Columns of the text."""
NARROWEST = 40
MOST_THREADS = 40
MOST_TEXT = 40_000
"""Characters of a block."""
_LONGEST_REPR = 200
_GOOD, _BAD = "#1a7f37", "#cf222e"
_PRE = "line-height:1.25;overflow-x:auto;white-space:pre;font-family:monospace"


def one_line(how: str, scenario: str, verdict: str, findings: Iterable[str] = ()) -> str:
    """A result in one line: how it was obtained, the verdict, and the findings."""
    found = "; ".join(findings)
    return short(clean(f"<{how} of {scenario}: {verdict}{f' ({found})' if found else ''}") + ">", _LONGEST_REPR)


def lines_of_run(result: RunRecord) -> list[str]:
    """The verdict and findings of a run, and the figures of its threads and objects."""
    said = describe(result, "", "debug").split("\n")
    return [*map(clean, said), *figure_lines(result.figures, WIDE)]


def page_of_run(result: RunRecord) -> str:
    """A run as HTML; with its timeline if its lines were kept at level debug."""
    blocks = [lines_of_run(result)]
    if result.lines and _level(result.lines) == "debug":
        blocks.append(timeline_of(result.lines, WIDE).split("\n"))
    return html(blocks, result.ok)


def html(blocks: Iterable[Sequence[str]], ok: bool) -> str:
    """Blocks of lines as HTML; the very first line is bold, green if `ok` and else red."""
    first, *more = ("\n".join(block) for block in blocks)
    head, _, rest = first.partition("\n")
    colour = _GOOD if ok else _BAD
    parts = [f'<div style="font-family:monospace;font-weight:bold;color:{colour}">{_harmless(head)}</div>']
    parts += [f'<pre style="{_PRE}">{_harmless(text)}</pre>' for text in (rest, *more) if text.strip()]
    return f"<div>{''.join(parts)}</div>"


def _harmless(text: str) -> str:
    """Text escaped for HTML, without control characters or changes of the reading direction; cut at `MOST_TEXT`."""
    left_out = len(text) - MOST_TEXT
    if left_out > 0:
        text = f"{text[:MOST_TEXT]}\n… and {left_out:,} more characters"
    return escape(harmless(text))


def timeline_of(lines: Sequence[dict[str, Any]], width: int) -> str:
    """The timeline of a run's lines: over time, or over lines for a replayed schedule and for a run that took no time."""

    _check(lines, width)
    with closing(Spool()) as spool:
        survey = Survey(spool)
        survey.read(lines)
        chosen = chosen_of(survey, (), MOST_THREADS)
        frame = frame_of(chosen, width)
        by_event = survey.is_replay or survey.ended_ns == 0
        axis = Axis(0, survey.last_seq if by_event else survey.ended_ns, frame.columns, by_event)
        lanes = {survey.threads[name]: at for at, name in enumerate(chosen.threads)}
        locks, queues = (survey.locks[name] for name in chosen.locks), (survey.queues[name] for name in chosen.queues)
        cells = Cells(axis, lanes, list(locks), list(queues))
        cells.take(spool)
        return "\n".join(Drawing(survey, chosen, cells, frame, BLOCKS, colour=False).lines())


def _check(lines: Sequence[dict[str, Any]], width: int) -> None:
    if not lines:
        raise UsageError("the lines of this run were not kept; run it with keep=True")
    if _level(lines) != "debug":
        raise UsageError(f"the lines of this run were kept at level `{_level(lines)}`; a timeline needs level `debug`")
    if width < NARROWEST:
        raise UsageError(f"a timeline is at least {NARROWEST} columns wide, not {width}")


def _level(lines: Sequence[dict[str, Any]]) -> str:
    """The log level in the first line."""
    return str(lines[0].get("log_level"))
