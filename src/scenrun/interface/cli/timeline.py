"""`scenrun timeline`: draws the activities of a run's threads, locks and queues as text."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import log_of, log_options, say_notes
from scenrun.interface.cli.streams import has_colour, say, tell
from scenrun.language.durations import DurationError, parse
from scenrun.report.timeline.axis import Axis
from scenrun.report.timeline.cells import Cells
from scenrun.report.timeline.choosing import chosen_of
from scenrun.report.timeline.drawing import Drawing, Frame, frame_of
from scenrun.report.timeline.signs import ASCII, BLOCKS, can_say
from scenrun.report.timeline.spool import Spool
from scenrun.report.timeline.survey import Survey

NARROWEST, WIDEST = 40, 1_000


@click.command("timeline")
@click.argument("log", default="-", metavar="[LOG]", type=click.Path(allow_dash=True))
@click.option("--width", type=click.IntRange(NARROWEST, WIDEST), metavar="N",
              help="Columns of the whole picture; the terminal's, and 80 elsewhere.")  # fmt: skip
@click.option("--by", type=click.Choice(["time", "event"]),
              help="What the columns are: time, or lines of the log; lines for a replayed schedule, else time.")  # fmt: skip
@click.option("--from", "begin", metavar="TIME|LINE", help="Where it begins: 10ms, or the number of a line (its seq).")
@click.option("--to", "end", metavar="TIME|LINE", help="Where it ends.")
@click.option("--threads", "patterns", multiple=True, metavar="PATTERN",
              help="Only threads of this name, group or pool; * is any text. May be given several times.")  # fmt: skip
@click.option("--most", type=click.IntRange(1, 2_000), default=40, show_default=True, metavar="N",
              help="Draw at most N threads, first those that are blocked at the end; the others share one row.")  # fmt: skip
@click.option("--ascii", "ascii_", is_flag=True, help="Plain signs only; automatic where the output has no others.")
@log_options
def timeline_command(log: str, run: str | None, sets: tuple[str, ...], file: str | None, **options: Any) -> int:
    """Draw what every thread did, who had each lock, and how full each queue was.

    LOG is a log at debug level, standard input (-), a scenario (simulated first) or a schedule (replayed first).

    Exit status: 0, or 2 for a wrong log or command line.
    """
    window = _Window(options["begin"], options["end"], options["by"])
    with closing(Spool()) as spool:
        survey = Survey(spool)
        with log_of(log, run=run, sets=sets, file=file) as reading:
            survey.read(reading)
        tell("\n".join(_drawn(survey, window, options)), form="drawn")
        say_notes(reading)
    return 0


def _drawn(survey: Survey, window: _Window, options: dict[str, Any]) -> list[str]:
    chosen = chosen_of(survey, options["patterns"], options["most"])
    frame = frame_of(chosen, options["width"] or _width())
    axis = window.axis(survey, frame)
    lanes = {survey.threads[name]: at for at, name in enumerate(chosen.threads)}
    cells = Cells(
        axis, lanes, [survey.locks[name] for name in chosen.locks], [survey.queues[name] for name in chosen.queues]
    )
    cells.take(survey.spool)
    is_plain = options["ascii_"] or not can_say(sys.stdout.encoding)
    lines = Drawing(survey, chosen, cells, frame, ASCII if is_plain else BLOCKS, colour=has_colour()).lines()
    return [_plain(line) for line in lines] if is_plain else list(lines)


def _plain(line: str) -> str:
    """A line within the output's encoding: cuts are marked by `~`, other missing characters are replaced."""
    encoding = sys.stdout.encoding or "ascii"
    return line.replace("…", "~").encode(encoding, "replace").decode(encoding)


def _width() -> int:
    columns = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
    return max(NARROWEST, min(WIDEST, columns))


class _Window:
    """The part of the run that is drawn, and the kind of its axis."""

    def __init__(self, begin: str | None, end: str | None, by: str | None) -> None:
        self._by = by
        self._begin, self._end = _place(begin, "--from"), _place(end, "--to")
        kinds = {kind for kind, _ in (self._begin, self._end) if kind} | ({by} if by else set())
        if len(kinds) > 1:
            raise UsageError(
                "--from and --to are times (10ms) with --by time, and numbers of lines (10) with --by event"
            )
        self._asked = next(iter(kinds), None)
        if self._begin[0] and self._end[0] and self._begin[1] >= self._end[1]:
            raise UsageError(f"--from {begin} is not before --to {end}")

    def axis(self, survey: Survey, frame: Frame) -> Axis:
        """The axis of a run."""
        by_event = self._asked == "event" if self._asked else self._squeezed(survey)
        last = survey.last_seq if by_event else survey.ended_ns
        begin = self._begin[1] if self._begin[0] else 0
        end = min(self._end[1], last) if self._end[0] else last
        if begin > 0 and begin >= last:
            what = f"line {last:,}" if by_event else f"{last / 1e6:,.6g} ms"
            raise UsageError(f"--from is after the end of the run, {what}")
        return Axis(begin, end, frame.columns, by_event)

    def _squeezed(self, survey: Survey) -> bool:
        """Whether the axis is log lines by default: for a replay, and for a run that took no time."""
        if not survey.is_replay and survey.ended_ns > 0:
            return False
        why = "a replayed schedule is" if survey.is_replay else "no time went by; this is"
        say(f"{why} drawn along the lines of its log; --by time draws it along the time")
        return True


def _place(text: str | None, option: str) -> tuple[str, int]:
    """The kind of a position, `time`, `event` or '' for none, and its value in nanoseconds or as a line number."""
    if text is None:
        return "", 0
    if text.isdecimal():
        return "event", int(text)
    try:
        return "time", parse(text)
    except DurationError as error:
        raise UsageError(f"{option}: {error}; the number of a line is a number alone") from None
