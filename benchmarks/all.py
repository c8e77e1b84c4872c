"""Runs every benchmark that measures, one after the other, and says which files of this folder it leaves out, and why.

python benchmarks/all.py [--quick] [--json]
"""

from __future__ import annotations

import sys

import at_scale
import clustered
import exploring
import gil_switches
import handover
import log_memory
import many_threads
import measuring
import own_code
import prediction
import queue_pipeline
import reading_logs
import schedules
import simulator
import sleep_lateness
import startup
import sweeping

LEFT_OUT = {
    "conformance": "compares random scenarios with the model, for as long as it is told to: benchmarks/conformance.py 100000",
    "outcomes": "replays what the model allows, for as long as it is told to: benchmarks/outcomes.py 10000 --on threads",
    "mutants": "breaks the model line by line and sees it noticed, in an hour: benchmarks/mutants.py",
    "hooked_suites": "compares the tests of Python's own modules, and random programs, with hooks: benchmarks/hooked_suites.py",
    "reliability": "counts false alarms and lost lines over hundreds of runs: benchmarks/reliability.py",
    "explored": "one search in a process of its own; exploring.py calls it",
    "measuring": "what all of them share",
    "studio": "needs a browser and a studio: benchmarks/studio.py",
    "throughput": "what several of them share",
}
"""Files that are no measurement beside a peer, or take too long to be one of many."""

if __name__ == "__main__":
    measuring.main(
        queue_pipeline.measure, handover.measure, sleep_lateness.measure, many_threads.measure, log_memory.measure,
        startup.measure, prediction.measure_on_one, prediction.measure, simulator.beside_simpy,
        simulator.many_threads, simulator.lines, at_scale.arrays, at_scale.large, at_scale.threads,
        exploring.philosophers, exploring.buffer, exploring.first_deadlock, exploring.random_schedules,
        exploring.memory, exploring.measure_jobs, schedules.measure, schedules.measure_jobs, sweeping.two_processes,
        sweeping.many_rows, gil_switches.measure, own_code.measure, own_code.proof,
        own_code.idle_hooks, clustered.measure, reading_logs.measure,
    )  # fmt: skip
    for name, why in LEFT_OUT.items():
        print(f"not run: {name}.py: {why}", file=sys.stderr)
