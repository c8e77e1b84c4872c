"""A command line that results show: it is read back as it was meant."""

from __future__ import annotations

import shlex

from scenrun.report.rerun_command import Command


def test_options_are_written_as_the_command_line_reads_them() -> None:
    """Flags alone, several values each with its option, a mapping as names with values, and nothing for what is not given."""
    command = Command(
        "simulate", "a b.yaml", {"set": ("x=1", "y='2'"), "expect": None, "step_cost": "1us", "races": False, "cpus": 0}
    ).also(priority={"one": 2}, allow_python=True)
    assert shlex.split(str(command)) == [
        "scenrun", "simulate", "a b.yaml", "--set", "x=1", "--set", "y='2'", "--step-cost", "1us", "--cpus", "0",
        "--priority", "one=2", "--allow-python",
    ]  # fmt: skip


def test_a_run_needs_no_verb() -> None:
    """And what follows the verb can be had by itself."""
    assert str(Command("", "a.yaml", {"seed": 3})) == "scenrun a.yaml --seed 3"
    assert Command("replay", "s.json", {"on": "threads"}).words == ["s.json", "--on", "threads"]


def test_a_file_that_begins_with_a_dash_is_no_option() -> None:
    """Its name is written with its folder; a dash alone is standard input."""
    assert Command("run", "-x.yaml").words == ["./-x.yaml"]
    assert Command("run", "-").words == ["-"]
