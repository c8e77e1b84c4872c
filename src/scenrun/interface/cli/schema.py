"""`scenrun schema`: prints the JSON Schemas, for editors and validators."""

from __future__ import annotations

import json

import click

from scenrun.interface.cli.streams import tell


@click.command("schema")
@click.argument("what", type=click.Choice(["scenario", "event", "schedule"]))
def schema_command(what: str) -> int:
    """Print the JSON Schema of scenario files, of the lines of the log, or of schedules."""
    tell(json.dumps(schema_of(what), indent=2, ensure_ascii=False), form="json")
    return 0


def schema_of(what: str) -> dict[str, object]:
    """The published schema of `scenario`, `event` or `schedule` files."""
    if what == "event":
        from scenrun.trace import events

        return events.schema()
    if what == "schedule":
        from scenrun.model import move_schedule

        return move_schedule.schema()
    from scenrun.language import schema

    return schema.schema()
