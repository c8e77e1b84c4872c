"""musil searches a model of models.py: `philosophers N`, `buffer`, or `first N` (up to the first deadlock); prints JSON."""

from __future__ import annotations

import json
import sys
import time

import models
from musil import Action, Model, check, check_all


def built(model: models.Model) -> Model[models.State]:
    """The model as musil wants it: one guarded action for each thread."""
    actions = [Action(thread.name, thread.can, thread.move) for thread in model.threads]
    return Model(init=[model.first], actions=actions, terminal=model.is_over)


work = sys.argv[1]
model = models.buffer() if work == "buffer" else models.philosophers(int(sys.argv[2]))
wall, cpu = time.perf_counter(), time.process_time()
if work == "philosophers":  # `check` ends at the first deadlock, `check_all` goes on
    assert [found.kind for found in check_all(built(model))] == ["deadlock"]
    spent = time.perf_counter() - wall, time.process_time() - cpu
    states = check(built(model._replace(is_over=lambda state: True))).states_explored
else:
    result = check(built(model))
    spent = time.perf_counter() - wall, time.process_time() - cpu
    states = result.states_explored
    assert result.ok == (work == "buffer")
print(json.dumps({"wall_s": spent[0], "cpu_s": spent[1], "states": states}))
