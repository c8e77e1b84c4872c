"""`scenrun coverage`: which steps of a file a search, or the runs of a log, came to, and in how many."""

from __future__ import annotations

import json
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import kind_of, log_of, say_notes
from scenrun.interface.cli.options import load, overrides_of
from scenrun.interface.cli.shared_options import quiet_option, seed_option, set_option
from scenrun.interface.cli.streams import say, tell
from scenrun.language.sweep import MAX_SEEDS, plain
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.reached import Reached
from scenrun.report.heat import headline, heat, missed

SCHEDULES = 200
"""How many schedules are drawn unless told otherwise."""
_OF_SEARCHES = ("schedules", "max_states", "time_limit")


@click.command("coverage")
@click.argument("file", metavar="FILE|LOG", type=click.Path(allow_dash=True))
@click.option("--schedules", type=click.IntRange(1), metavar="N",
              help=f"How many schedules to draw for the counts; {SCHEDULES} unless given.")  # fmt: skip
@click.option(
    "--over",
    multiple=True,
    metavar="PATH=VALUES",
    help="Count simulations with these values instead, as `scenrun sweep` makes them.",
)
@click.option(
    "--seeds", type=click.IntRange(1, MAX_SEEDS), metavar="N", help="Count simulations with so many seeds instead."
)
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="States to search at most; 50,000,000.")
@click.option("--time-limit", metavar="DURATION", help="End the search after so much time; 30s unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the text with its counts.")
@seed_option
@set_option
@quiet_option
def coverage_command(file: str, as_json: bool, quiet: bool, **options: Any) -> int:
    """Show which steps of a scenario are reached, beside its text.

    Of FILE all states are searched, and schedules are drawn: the counts say in how many of these a thread came to a step,
    `never` that it comes in none at all. With --over or --seeds, the cells of a sweep are simulated and counted. Of LOG,
    written with --level debug, its runs are counted (--repeat makes many).
    """
    reached, text = _asked_of(file, options)
    tell(json.dumps(reached.as_dict()) if as_json else heat(reached, text))
    if not quiet:
        say(headline(reached))
        for line in missed(reached):
            say(f"  {line}")
    return 0


def _asked_of(file: str, options: dict[str, Any]) -> tuple[Reached, str]:
    """What was reached of a file, or by the runs of a log, and the file's text."""
    kind = kind_of(file)
    is_swept = kind == "scenario" and bool(options["over"] or options["seeds"])
    others = {"scenario": (*_OF_SEARCHES, "sets", "seed", "over", "seeds")}.get(kind, ())
    allowed = ("sets", "seed", "over", "seeds") if is_swept else others
    for name, given in options.items():
        if given not in (None, ()) and name not in allowed:
            raise UsageError(f"{_shown(name)} has no effect: {_why(file, kind)}")
    if is_swept:
        return _of_cells(file, options)
    return _of_scenario(file, options) if kind == "scenario" else _of_log(file)


def _why(file: str, kind: str) -> str:
    return "simulations are counted here" if kind == "scenario" else f"{file} is a {kind}, whose runs are counted"


def _shown(name: str) -> str:
    return "--set" if name == "sets" else f"--{name.replace('_', '-')}"


def _of_scenario(file: str, options: dict[str, Any]) -> tuple[Reached, str]:
    from scenrun.search.options import SearchRequest
    from scenrun.search.reached import reached

    loaded = load(file, overrides_of(options["sets"]))
    limit = time_limit_ns(options["time_limit"] or "30s", "--time-limit")
    request = SearchRequest(max_states=options["max_states"], time_limit_ns=limit)
    seed = loaded.program.seed if options["seed"] is None else options["seed"]
    found = reached(loaded.program, seed, request.options(), options["schedules"] or SCHEDULES)
    return found, loaded.program.source.text


def _of_cells(file: str, options: dict[str, Any]) -> tuple[Reached, str]:
    from scenrun.batch.sweep.cell import Job
    from scenrun.batch.sweep.covered import reached_by_cells
    from scenrun.batch.sweep.plan import SweepRequest, plan
    from scenrun.interface.cli.options import source_of
    from scenrun.interface.cli.sweep import over_of

    source = source_of(file)
    overrides = {path: plain(value) for path, value in overrides_of(options["sets"]).items()}
    job = Job(source.text, file, "simulate", {}, overrides)
    found = reached_by_cells(plan(job, SweepRequest(over_of(options["over"]), options["seed"], options["seeds"])))
    return found, source.text


def _of_log(file: str) -> tuple[Reached, str]:
    from scenrun.trace.analysis.steps_seen import seen_in

    with log_of(file, every=True) as reading:
        found = seen_in(reading)
    say_notes(reading)
    return found, found.text
