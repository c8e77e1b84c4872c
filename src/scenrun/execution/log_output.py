"""Routes the log of a run started from Python: to a file or a function, and into the result if the lines are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scenrun.program.ir import Program
from scenrun.program.results import RunRecord
from scenrun.trace.recorder import Collector, FileOutput, Recorder, render_json


class Lines:
    """The destination of a run's lines. The kept lines are the result's own: a function gets copies, so it cannot change them."""

    def __init__(self, output: FileOutput | Collector | None, keep: bool) -> None:
        self._output = output
        self._kept: list[dict[str, Any]] | None = [] if keep else None

    def recorder(self, run_id: str, level: str, program: Program) -> Recorder:
        """Returns the recorder that writes the lines of a run."""
        kept, output = self._kept, self._output
        if kept is None:
            return Recorder(run_id, output, level=level, **program.log_options)
        if isinstance(output, FileOutput):
            return Recorder(
                run_id,
                output,
                level=level,
                renderer=_keeping(kept),
                fields=program.log_fields,
                flat=program.log_is_flat,
            )
        return Recorder(run_id, Collector(_giving(kept, output)), level=level, **program.log_options)

    def kept_with(self, result: RunRecord) -> RunRecord:
        """Returns the result with the kept lines."""
        return result if self._kept is None else replace(result, lines=tuple(self._kept))


def _keeping(kept: list[dict[str, Any]]) -> Any:
    """Returns a renderer that also keeps what it writes."""

    def render(logger: Any, method: str, event: dict[str, Any]) -> bytes:
        kept.append(dict(event))
        return render_json(logger, method, event)

    return render


def _giving(kept: list[dict[str, Any]], output: Collector | None) -> Any:
    """Returns a function that keeps each line and passes a copy to the output, if there is one."""
    if output is None:
        return kept.append
    take = output.take

    def keep(event: dict[str, Any]) -> None:
        kept.append(event)
        take(dict(event))

    return keep
