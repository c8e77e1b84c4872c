"""Runs every benchmark, one after the other."""

from __future__ import annotations

import clustered
import exploring
import handover
import log_memory
import many_threads
import measuring
import prediction
import queue_pipeline
import reading_logs
import simulator
import sleep_lateness
import startup
import sweeping

if __name__ == "__main__":
    measuring.main(
        queue_pipeline.measure, handover.measure, sleep_lateness.measure,
        many_threads.measure, log_memory.measure, startup.measure, prediction.measure_on_one, prediction.measure,
        simulator.beside_simpy, simulator.many_threads, simulator.lines, exploring.philosophers, exploring.buffer,
        exploring.first_deadlock, exploring.random_schedules, exploring.memory, exploring.measure_jobs,
        sweeping.two_processes, sweeping.many_rows, clustered.measure, reading_logs.measure,
    )  # fmt: skip
