"""`scenrun explain`: prints what a scenario file compiles to."""

from __future__ import annotations

import click

from scenrun.interface.cli.options import load, overrides_of
from scenrun.interface.cli.shared_options import set_option
from scenrun.interface.cli.streams import tell
from scenrun.report.explain import explain


@click.command("explain")
@click.argument("file", metavar="FILE")
@set_option
def explain_command(file: str, sets: tuple[str, ...]) -> int:
    """Show what a file compiles to: objects, threads, and the lowered steps with their lines."""
    tell(explain(load(file, overrides_of(sets)).program))
    return 0
