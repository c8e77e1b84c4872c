"""The registry of scheduling policies: their classes, and the names that a user can give."""

from scenrun.execution.simulator.schedulers.priorities import Priorities
from scenrun.execution.simulator.schedulers.random_choice import RandomChoice
from scenrun.execution.simulator.schedulers.replay import Replay
from scenrun.execution.simulator.schedulers.round_robin import RoundRobin
from scenrun.execution.simulator.schedulers.scheduler import Scheduler

POLICIES = ("round-robin", "random", "priorities")
"""The names of the policies that a user can choose."""

__all__ = ["POLICIES", "Priorities", "RandomChoice", "Replay", "RoundRobin", "Scheduler"]
