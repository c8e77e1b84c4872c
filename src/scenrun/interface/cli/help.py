"""`scenrun help`: prints what the reference has on a verb, a kind of object, a key or an event."""

from __future__ import annotations

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.streams import tell


@click.command("help")
@click.argument("name", metavar="VERB|KIND|KEY|EVENT")
def help_command(name: str) -> int:
    """Print the reference's entry on a verb, a kind of object, a key of a file, or an event of the log.

    `scenrun COMMAND --help` is about commands.
    """
    from scenrun.interface.reference import entries, entry

    found = entry(name)
    if found is None:
        from scenrun.language.other_words import here
        from scenrun.language.suggestions import did_you_mean

        hint = here(name) or did_you_mean(name, entries())
        raise UsageError(f"the reference has nothing on `{name[:60]}`{hint}")
    tell(found)
    return 0
