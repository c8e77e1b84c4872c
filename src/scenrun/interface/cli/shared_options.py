"""Options that several commands have, each with its words once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import click


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in this order."""

    def decorated(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


set_option = click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Override a value: threads.consumer.count=3."
)


class _Seed(click.IntRange):
    """A number from which all draws are made."""

    name = "number"

    def __init__(self) -> None:
        super().__init__(0, 2**64 - 1)

    def fail(self, message: str, param: click.Parameter | None = None, ctx: click.Context | None = None) -> NoReturn:
        """Says what a seed is."""
        super().fail(f"{message} A seed is a whole number from 0 on: the same seed makes the same draws.", param, ctx)


strict_option = click.option(
    "--strict", is_flag=True, help="Refuse what is only warned of otherwise, such as an object that nobody uses."
)
seed_option = click.option("--seed", type=_Seed(), help="Replaces the file's seed.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr unless something is wrong.")
allow_python_option = click.option(
    "--allow-python", is_flag=True, help="Let `call` steps call the scenario's Python functions."
)
expect_option = click.option(
    "--expect", "expect", metavar="FILE", type=click.Path(),
    help="Judge by the `expect` and `limits` of FILE, in the place of the scenario's own.",
)  # fmt: skip
"""The option of commands that compare verdicts with expectations."""
recording_options = together(
    click.option("--level", type=click.Choice(["debug", "info", "warning", "error", "critical"]), default="info",
                 show_default=True, help="Show lines of this level and above; debug shows every operation."),
    click.option("--log", "log", default="-", show_default=True, metavar="FILE", type=click.Path(allow_dash=True),
                 help="Where the log goes, replacing what is there; - is stdout."),
    click.option("--format", "format_", type=click.Choice(["json", "console"]), default="json", show_default=True),
    click.option("--flush", type=click.Choice(["auto", "line"]), default="auto", show_default=True,
                 help="auto: within 100 ms (1 s to a file); line: each line at once."),
    quiet_option,
    allow_python_option,
)  # fmt: skip
"""The options of commands that write the log of a run."""
