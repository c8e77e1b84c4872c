"""`scenrun validate`: checks scenario files and runs nothing."""

from __future__ import annotations

import click

from scenrun.errors import ScenarioError
from scenrun.interface.cli.exit_status import EXIT_WRONG_INPUT
from scenrun.interface.cli.options import load, overrides_of, warn
from scenrun.interface.cli.shared_options import set_option, strict_option
from scenrun.interface.cli.streams import say, tell


@click.command("validate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@set_option
@strict_option
def validate_command(files: tuple[str, ...], sets: tuple[str, ...], strict: bool) -> int:
    """Check scenario files without starting anything. Exit status 2 where one is wrong."""
    overrides = overrides_of(sets)
    status = 0
    for file in files:
        try:
            loaded = load(file, overrides, strict=strict)
        except ScenarioError as error:
            say(str(error))
            status = EXIT_WRONG_INPUT
        else:
            warn(loaded)
            tell(f"{file}: ok ({loaded.name})")
    return status
