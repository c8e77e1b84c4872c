"""Which thread moves next: one policy a file, and here the register of them."""

from scenrun.execution.simulator.schedulers.priorities import Priorities
from scenrun.execution.simulator.schedulers.random_choice import RandomChoice
from scenrun.execution.simulator.schedulers.replay import Replay
from scenrun.execution.simulator.schedulers.round_robin import RoundRobin
from scenrun.execution.simulator.schedulers.scheduler import Scheduler

POLICIES = ("round-robin", "random", "priorities")
"""The names of the policies that a simulation can follow."""

__all__ = ["POLICIES", "Priorities", "RandomChoice", "Replay", "RoundRobin", "Scheduler"]
