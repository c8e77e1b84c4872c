"""Runs random small scenarios on real threads by the hundred thousand, and looks for the end of each in the model.

    python benchmarks/conformance.py 100000 --seed 1 --jobs 8

Progress goes to stderr, the account to stdout, and each difference to a YAML file with what both sides gave. The exit
status is 1 where there is a difference.
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

from ends_compared import Compared, compare, impatient
from scenarios_at_random import COVERED, scenarios, verbs_of

CHUNK = 250
"""Scenarios that are drawn together: Hypothesis remembers all that it has drawn."""
SWITCHING_S = (1e-6, 1e-5, 1e-4, 5e-3)


@dataclass
class Account:
    """What was compared, and what came of it."""

    found: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Real runs by what was found in them: deadlocks, exceptions, violations; or that nothing was."""
    verbs: Counter[str] = field(default_factory=Counter)
    """Compared scenarios by the verbs in them."""
    states: int = 0
    different: list[str] = field(default_factory=list)

    def add(self, one: Compared) -> None:
        """Count one more scenario."""
        self.found[one.found] += 1
        self.states += one.states
        if one.found == "too large":
            return
        self.kinds.update({kind for kind, _ in one.real.findings} or {"holds"})
        self.verbs.update(set(verbs_of(one.scenario)))
        if one.found == "different":
            self.different.append(str(one))

    def merge(self, other: Account) -> None:
        """Add what another process has counted."""
        self.found.update(other.found)
        self.kinds.update(other.kinds)
        self.verbs.update(other.verbs)
        self.states += other.states
        self.different += other.different

    @property
    def compared(self) -> int:
        """How many are decided."""
        return self.found["same"] + self.found["different"]


def compare_chunk(source: str, number: int, most_states: int) -> Account:
    """Draw so many scenarios and compare each."""
    account, known = Account(), set()

    @seed(source)
    @settings(
        max_examples=number, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(scenarios())
    def go(scenario: dict[str, Any]) -> None:
        text = json.dumps(scenario)
        if text in known:
            account.found["drawn twice"] += 1
            return
        known.add(text)
        sys.setswitchinterval(SWITCHING_S[len(known) % len(SWITCHING_S)])
        account.add(compare(scenario, most_states))

    with impatient():
        go()
    return account


def write_differences(account: Account, folder: Path, written: int) -> int:
    """One file for each difference: the scenario, and as comments what both sides gave."""
    for number, text in enumerate(account.different[written:], written):
        folder.mkdir(parents=True, exist_ok=True)
        scenario, _, explanation = text.partition("\nthe real run: ")
        comments = "".join(f"# {line}\n" for line in f"the real run: {explanation}".splitlines())
        (folder / f"difference_{number}.yaml").write_text(f"{comments}{scenario}\n")
    return len(account.different)


def told(account: Account, seconds: float) -> str:
    """The account in words."""
    verbs = "\n".join(f"  {verb:12} {account.verbs[verb]:>8,}" for verb in sorted(COVERED))
    found = ", ".join(f"{what} {number:,}" for what, number in sorted(account.found.items()))
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(account.kinds.items()))
    python = sys.version.split()[0]
    return (
        f"Python {python}: {account.compared:,} compared in {seconds:,.0f} s ({account.states:,} states of the model)\n"
        f"{found}\nreal runs: {kinds}\nscenarios with each verb:\n{verbs}"
    )


def main() -> int:
    """Compare until so many scenarios are decided."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("number", type=int, nargs="?", default=100_000, help="scenarios to compare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--states", type=int, default=20_000, help="more than this is too large, and replaced")
    parser.add_argument("--differences", type=Path, default=Path("differences"), help="folder for what differs")
    options = parser.parse_args()
    account, began, chunk, written = Account(), time.monotonic(), 0, 0
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=20) as pool:
        while account.compared < options.number:
            missing = -(-(options.number - account.compared) // CHUNK)
            chunks = range(chunk, chunk + min(missing, 4 * options.jobs))
            chunk = chunks.stop
            waiting = [pool.submit(compare_chunk, f"{options.seed}/{n}", CHUNK, options.states) for n in chunks]
            for done in as_completed(waiting):
                account.merge(done.result())
                written = write_differences(account, options.differences, written)
                rate = account.compared / (time.monotonic() - began)
                said = f"{account.compared:,} compared, {rate:.0f}/s, {account.found['too large']:,} too large"
                print(f"{said}, {len(account.different)} different", file=sys.stderr, flush=True)
    print(told(account, time.monotonic() - began))
    return 1 if account.different else 0


if __name__ == "__main__":
    sys.exit(main())
