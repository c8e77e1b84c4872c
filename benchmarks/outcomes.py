"""Shows what the model allows of random small scenarios: every path to one of its ends is made, and must end so.

    python benchmarks/outcomes.py 10000 --on threads --seed 1 --jobs 2

Progress goes to stderr, the account to stdout, and each difference to a file with the scenario, the moves, and both ends.
The exit status is 1 where there is a difference.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from scenarios_at_random import COVERED, scenarios, verbs_of
from shown import every_end, free, quick, unlike, walked

import scenrun

CHUNK = 100


@dataclass
class Account:
    """What was replayed, and what came of it."""

    scenarios: int = 0
    replays: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Replays by what they were to show."""
    verbs: Counter[str] = field(default_factory=Counter)
    """Scenarios by the verbs in them."""
    different: list[str] = field(default_factory=list)

    def merge(self, other: Account) -> None:
        """Add what another process has counted."""
        self.scenarios += other.scenarios
        self.replays += other.replays
        self.kinds.update(other.kinds)
        self.verbs.update(other.verbs)
        self.different += other.different


def replay_chunk(source: str, options: argparse.Namespace) -> Account:
    """Draw some scenarios and replay paths of each."""
    account, known = Account(), set()

    @seed(source)
    @settings(
        max_examples=CHUNK, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(scenarios())
    def go(scenario: dict[str, Any]) -> None:
        if (text := json.dumps(scenario)) not in known:
            known.add(text)
            replay(scenario, options, account)

    with quick():
        go()
    return account


def replay(scenario: dict[str, Any], options: argparse.Namespace, account: Account) -> None:
    """One path to each end that is found within so many states, and some random walks."""
    machine = free(scenrun.load(scenario).program)
    walks = (walked(machine, number) for number in range(options.walks))
    for wanted in filter(None, [*every_end(machine, options.states)[: options.ends], *walks]):
        account.replays += 1
        account.kinds.update({kind for kind, _ in wanted.end.findings} or {"holds"})
        if (wrong := unlike(options.on, machine, wanted)) is not None:
            account.different.append(wrong)
    account.scenarios += 1
    account.verbs.update(set(verbs_of(scenario)))


def write_differences(account: Account, folder: Path, written: int) -> int:
    """One file for each difference."""
    for number, text in enumerate(account.different[written:], written):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"outcome_{number}.txt").write_text(text)
    return len(account.different)


def told(account: Account, options: argparse.Namespace, seconds: float) -> str:
    """The account in words."""
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(account.kinds.items()))
    verbs = "\n".join(f"  {verb:12} {account.verbs[verb]:>8,}" for verb in sorted(COVERED))
    return (
        f"Python {sys.version.split()[0]}, on {options.on}: {account.replays:,} replays of {account.scenarios:,} scenarios "
        f"in {seconds:,.0f} s, {len(account.different):,} different\nto be shown: {kinds}\nscenarios with each verb:\n{verbs}"
    )


def main() -> int:
    """Replay until so many paths were made."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("number", type=int, nargs="?", default=10_000, help="replays")
    parser.add_argument("--on", choices=["simulator", "threads"], default="threads")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--states", type=int, default=1_000, help="states in which ends are looked for")
    parser.add_argument("--ends", type=int, default=12, help="ends of a scenario, at the most")
    parser.add_argument("--walks", type=int, default=2, help="random walks of a scenario")
    parser.add_argument("--differences", type=Path, default=Path("differences"), help="folder for what differs")
    options = parser.parse_args()
    account, began, chunk, written = Account(), time.monotonic(), 0, 0
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=20) as pool:
        while account.replays < options.number:
            chunks = range(chunk, chunk + options.jobs)
            chunk = chunks.stop
            waiting = [pool.submit(replay_chunk, f"{options.seed}/{number}", options) for number in chunks]
            for done in as_completed(waiting):
                account.merge(done.result())
                written = write_differences(account, options.differences, written)
                said = f"{account.replays:,} replays, {account.replays / (time.monotonic() - began):.0f}/s"
                print(f"{said}, {written} different", file=sys.stderr, flush=True)
    print(told(account, options, time.monotonic() - began))
    return 1 if account.different else 0


if __name__ == "__main__":
    sys.exit(main())
