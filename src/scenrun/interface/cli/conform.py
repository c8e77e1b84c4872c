"""`scenrun conform`: whether a class does only what a scenario says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.exit_status import EXIT_INCOMPLETE
from scenrun.interface.cli.options import load, overrides_of
from scenrun.interface.cli.shared_options import quiet_option, seed_option, set_option
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.streams import PROGRESS_ELSEWHERE_S, PROGRESS_S, Progress, say, tell
from scenrun.program.user_python import import_from_here
from scenrun.search.options import STATELESS

if TYPE_CHECKING:
    from scenrun.own_code.conforming.conform import ConformRequest
    from scenrun.program.loaded import Loaded


@click.command("conform")
@click.argument("file", metavar="SCENARIO", type=click.Path(allow_dash=True))
@click.option("--against", metavar="MODULE:CLASS", help="The class; else the one that the file's `conform` names.")
@click.option(
    "--make", metavar="MODULE:FUNCTION", help="Makes the object, without arguments; else the class is called."
)
@click.option("--call", "calls", multiple=True, metavar="THREADS=CALL",
              help="The call that these threads stand for: \"producer=produce(3)\"; else the method of that name.")  # fmt: skip
@click.option("--object", "objects", multiple=True, metavar="NAME=ATTRIBUTE",
              help="The attribute that an object or variable stands for: items=_queue; else the one of that name.")  # fmt: skip
@click.option("--ignore-values", is_flag=True, help="Compare which calls there are, not the items and the results.")
@click.option("--strategy", type=click.Choice(STATELESS), help="How schedules are walked; else all, by dpor.")
@click.option("--schedules", type=click.IntRange(1), metavar="N", help="Schedules to walk at most.")
@click.option(
    "--time",
    "time_limit",
    default="60s",
    show_default=True,
    metavar="DURATION",
    help="How long; none: as long as it takes.",
)
@seed_option
@set_option
@click.option(
    "--trace", multiple=True, metavar="MODULE", help="Search inside of this installed module or package, too."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as one JSON object on stdout.")
@quiet_option
def conform_command(file: str, **options: Any) -> int:
    """Does a class do only what a scenario says? Each execution of its threads must be one of the scenario's.

    The scenario's threads call the methods of an object, in every schedule. What they do to the locks, queues and other shared
    objects, and what is left in the variables, is compared; where it is no run of the scenario, both are shown side by side.

    Exit status: 0 every schedule was walked and none differs, 1 one differs, 2 wrong scenario, class or command line,
    3 incomplete, 4 the output or scenrun failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    from scenrun.own_code.conforming.conform import conform

    import_from_here(True)
    loaded = load(file, overrides_of(options["sets"]))
    request = _request(loaded, options)
    progress = Progress(quiet=options["quiet"], every_s=PROGRESS_S, elsewhere_s=PROGRESS_ELSEWHERE_S)
    with Signals() as signals:
        found = conform(loaded, request, lambda line: progress.show(lambda: line), lambda: signals.name)
        progress.clear()
        if options["as_json"]:
            tell(json.dumps(found.as_dict(), ensure_ascii=False), form="json")
        if not (options["quiet"] and found.verdict == "conforms"):
            say(str(found))
    status = {"conforms": 0, "differs": 1}.get(found.verdict, EXIT_INCOMPLETE)
    return signals.status or status


def _request(loaded: Loaded, options: dict[str, Any]) -> ConformRequest:
    """What is compared: as the options say, and where they do not, as the file does."""
    from scenrun.own_code.conforming.conform import ConformRequest
    from scenrun.own_code.conforming.counterparts import pairs_of

    about = loaded.scenario.conform
    against, make = options["against"] or about.against, options["make"]
    if against is None:
        raise UsageError("which class? give --against package.module:Class, or `conform: {against: ..}` in the file")
    is_files = options["against"] in (None, about.against)  # what the file says is about its own class
    calls, objects = (about.calls, about.objects) if is_files else ({}, {})
    return ConformRequest(
        against, make or (about.make if is_files else None), {**calls, **pairs_of(options["calls"], "--call", may_be_empty=True)},
        {**objects, **pairs_of(options["objects"], "--object")}, not options["ignore_values"], options["strategy"],
        options["schedules"], None if options["time_limit"] == "none" else options["time_limit"],
        loaded.program.seed if options["seed"] is None else options["seed"], options["trace"],
    )  # fmt: skip
