"""Every verb with the model of its step, in the order of the reference."""

from __future__ import annotations

from scenrun.language.verbs import flow, log_and_time, objects, threads, variables
from scenrun.language.verbs.step import Step

VERBS: dict[str, type[Step]] = {
    model.verb: model
    for module in (log_and_time, variables, objects, threads, flow)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, Step) and model.verb
}
"""Every verb and the model of its step."""
