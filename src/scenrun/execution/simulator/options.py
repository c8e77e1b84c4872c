"""The options of a simulation as a user gives them: checks them and makes settings of them."""

from __future__ import annotations

from msgspec import Struct, field

from scenrun.errors import UsageError
from scenrun.execution.simulator.costs import STEP_NS
from scenrun.execution.simulator.schedulers.registry import POLICIES, Priorities, RandomChoice, Replay, RoundRobin
from scenrun.execution.simulator.schedulers.round_robin import SWITCH_INTERVAL_NS
from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.execution.simulator.simulate_program import Settings
from scenrun.model.turn_schedule import Schedule
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord


class SimulationOptions(Struct, frozen=True):
    """Options of a simulation; those that are impossible or would have no effect are refused."""

    scheduler: str = "round-robin"
    priorities: dict[str, int] = field(default_factory=dict)
    """By name of a thread or group; the highest goes first."""
    switch_interval_ns: int | None = None
    cpus: int = 1
    step_cost_ns: int | None = None
    costs_ns: dict[str, int] = field(default_factory=dict)
    epoch_ns: int = 0
    schedule: Schedule | None = None
    record: bool = False

    def check(self) -> None:
        """Raises UsageError for options that are impossible or would have no effect."""
        if self.scheduler not in POLICIES:
            raise UsageError(f"there is no scheduler `{self.scheduler}`; there are {', '.join(POLICIES)}")
        if bool(self.priorities) != (self.scheduler == "priorities"):
            raise UsageError("priorities and the scheduler `priorities` need each other")
        if self.switch_interval_ns is not None and self.scheduler != "round-robin":
            raise UsageError(
                f"a switch interval has no effect with the scheduler `{self.scheduler}`: it chooses at each step"
            )
        if self.cpus > 1 and (self.schedule is not None or self.record):
            raise UsageError("a schedule says who moves on one processor; use it without `cpus`")
        if self.step_cost_ns is not None and "step" in self.costs_ns:
            raise UsageError("the step cost is given twice: by itself and in the costs")

    def seed_for(self, program: Program, seed: int | None) -> int | None:
        """Returns the seed of a run: that of the schedule, if there is one. Raises UsageError if it is another program's."""
        if self.schedule is None:
            return seed
        if self.schedule.digest != program.digest:
            raise UsageError(
                f"the schedule is of another program (`{self.schedule.scenario}`, or an older text of it); "
                "save a new one with --save-schedule"
            )
        return self.schedule.seed

    def settings(self) -> Settings:
        """Returns the settings of one simulation."""
        if self.schedule is not None:
            schedule = self.schedule
            return Settings(
                step_ns=schedule.step_ns, costs=schedule.costs, epoch_ns=self.epoch_ns, record=self.record,
                scheduler=lambda seed: Replay(schedule.turns, schedule.wakes_all),
            )  # fmt: skip
        return Settings(self.cpus, self._step_ns(), self.costs_ns, self.epoch_ns, self._scheduler, self.record)

    def _step_ns(self) -> int:
        return STEP_NS if self.step_cost_ns is None else self.step_cost_ns

    def _scheduler(self, seed: int) -> Scheduler:
        if self.scheduler == "random":
            return RandomChoice(seed)
        if self.scheduler == "priorities":
            return Priorities(self.priorities)
        return RoundRobin(SWITCH_INTERVAL_NS if self.switch_interval_ns is None else self.switch_interval_ns)

    def schedule_of(self, program: Program, result: RunRecord) -> Schedule:
        """Returns the schedule of a recorded run."""
        settings, scheduler = self.settings(), self.settings().scheduler(result.seed)
        return Schedule(
            program.name, program.digest, result.seed, settings.step_ns, settings.costs, scheduler.wakes_all,
            tuple(result.notes["schedule"]),
        )  # fmt: skip
