"""`scenrun python`: writes a scenario as one plain Python script."""

from __future__ import annotations

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.options import load, overrides_of
from scenrun.interface.cli.outputs import check_output, output_file
from scenrun.interface.cli.shared_options import quiet_option, set_option
from scenrun.interface.cli.streams import say


@click.command("python")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE", type=click.Path(allow_dash=True),
              help="Where to write; - is stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@set_option
@quiet_option
def python_command(file: str, output: str, force: bool, sets: tuple[str, ...], quiet: bool) -> int:
    """Write a scenario as plain Python, with threading, queue and concurrent.futures; it does not need scenrun.

    What `expect` says becomes assertions, as far as one run can show it; comments come along. What plain Python has no
    words for is named, at its line, and then nothing is written.
    """
    from scenrun.plain_python.whole import plain_python

    if output == "-" and force:
        raise UsageError("--force has no effect on stdout; name a file: -o main.py")
    check_output(output, force, file)
    written = plain_python(load(file, overrides_of(sets)))
    with output_file(output, force) as out:
        out.write(written.text.encode())
    for place, words in () if quiet else written.left_out:
        say(f"{f'{place}: ' if place else ''}not in the script, as no single run can show it: {words}")
    return 0
