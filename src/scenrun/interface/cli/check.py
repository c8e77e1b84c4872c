"""`scenrun check`: whether the methods of a class may be called by several threads at the same time."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.exit_status import EXIT_INCOMPLETE
from scenrun.interface.cli.shared_options import quiet_option, seed_option
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.streams import PROGRESS_ELSEWHERE_S, PROGRESS_S, Progress, say, tell
from scenrun.program.user_python import import_from_here

if TYPE_CHECKING:
    from scenrun.own_code.checking.check_class import CheckRequest
    from scenrun.own_code.checking.result import Checked, Failing
    from scenrun.own_code.checking.written import Written


@click.command("check")
@click.argument("what", metavar="MODULE:CLASS")
@click.option(
    "--make", metavar="MODULE:FUNCTION", help="Makes the object, without arguments; else the class is called."
)
@click.option("--op", "operations", multiple=True, metavar="CALL",
              help="A call that is checked: \"put(key: 0..2, value: 1)\"; else the public methods are.")  # fmt: skip
@click.option("--setup", multiple=True, metavar="CALL", help='A call that is made before there are threads: "put(1)".')
@click.option("--spec", metavar="MODULE:CLASS",
              help="Another class with the same methods, which says what is right; else the class itself does.")  # fmt: skip
@click.option("--invariant", "invariants", multiple=True, metavar="EXPRESSION",
              help='What is to hold whenever a thread looks: "len(o) <= 2", where o is the object.')  # fmt: skip
@click.option("--expect-race", "expect_races", multiple=True, metavar="METHOD",
              help="A method that is not for use beside others, by design: where it fails, that is expected.")  # fmt: skip
@click.option(
    "--time",
    "time_limit",
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="How long; none: as long as it takes.",
)
@click.option("--most", type=click.IntRange(1), default=60, show_default=True, metavar="N",
              help="Programs of each shape beyond a call in each thread; where there are more, they are drawn.")  # fmt: skip
@click.option("--stress", is_flag=True, help="Run the calls on real threads that nobody controls; that proves nothing.")
@seed_option
@click.option(
    "--trace", multiple=True, metavar="MODULE", help="Search inside of this installed module or package, too."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(),
              help="Where the scenario that shows a finding goes; check_CLASS.yaml.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as one JSON object on stdout.")
@quiet_option
def check_command(**options: Any) -> int:
    """Is a class thread-safe? Its methods are called by threads at the same time, in every schedule of small programs.

    What the calls return must be what they return one after another, in some order. What fails is written as a scenario.

    Exit status: 0 thread-safe within the bounds that are said, 1 not, 2 wrong class or command line, 3 incomplete, 4 the output
    or scenrun failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    from scenrun.own_code.checking.as_scenario import check_place
    from scenrun.own_code.checking.check_class import CheckRequest, check_class

    import_from_here(True)
    if options["stress"] and options["output"] is not None:
        raise UsageError("-o is for the scenario that a search shows, and has no effect with --stress")
    request = CheckRequest(
        options["what"], options["make"], options["operations"], options["setup"], options["spec"],
        None if options["time_limit"] == "none" else options["time_limit"], options["seed"] or 0, options["trace"],
        options["stress"], options["invariants"], options["expect_races"], options["most"],
    )  # fmt: skip
    path = Path(options["output"] or _file_of(options["what"]))
    check_place(path)
    progress = Progress(quiet=options["quiet"], every_s=PROGRESS_S, elsewhere_s=PROGRESS_ELSEWHERE_S)
    with Signals() as signals:
        kept: list[Written] = []

        def first(one: Failing) -> None:
            progress.clear()
            if not options["stress"]:
                kept.append(_written(one, request, path))
            _say_first(one, kept, quiet=options["quiet"])

        found = check_class(request, lambda line: progress.show(lambda: line), lambda: signals.name, first)
        progress.clear()
        _report(found, kept[0] if kept else None, options)
    return signals.status or _status(found)


def _file_of(what: str) -> str:
    """The file of a class where none is given."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", what.rpartition(":")[2].rpartition(".")[2]).lower()
    return f"check_{re.sub(r'[^a-z0-9]+', '_', name).strip('_') or 'class'}.yaml"


def _say_first(one: Failing, kept: list[Written], *, quiet: bool) -> None:
    """Tell of the first program that fails, while the check goes on."""
    if not quiet:
        where = f"; written to {kept[0].path}" if kept and kept[0].explored is not None else ""
        say(f"found: {one}{where}; the check goes on (Ctrl-C ends it)")


def _written(failing: Failing, request: CheckRequest, path: Path) -> Written:
    from scenrun.own_code.checking.check_class import subject_of
    from scenrun.own_code.checking.written import write_scenario

    return write_scenario(failing, subject_of(request), path, request.spec, request.trace)


def _report(found: Checked, written: Written | None, options: dict[str, Any]) -> None:
    if options["as_json"]:
        file = None if written is None or written.explored is None else str(written.path)
        tell(json.dumps({**found.as_dict(), "scenario": file}, ensure_ascii=False), form="json")
    if options["quiet"] and found.verdict == "thread-safe":
        return
    say(str(found))
    if written is None:
        return
    if written.explored is None:
        say(f"  not written as a scenario: {written.why_not}")
        return
    from scenrun.search.counterexample.summary import finding_lines

    if not written.explored.counterexamples:
        say(f"\n  written: {written.path}, whose search does not show it: {written.explored.verdict}")
        return
    say("")
    for line in finding_lines(written.explored.counterexamples[0], shutil.get_terminal_size((120, 24)).columns):
        say(f"  {line}")
    say(f"\n  written: {written.path}; see it: scenrun explore {written.path} --allow-python")


def _status(found: Checked) -> int:
    if found.failing:
        return 1
    return 0 if found.verdict == "thread-safe" else EXIT_INCOMPLETE
