"""The hooks by the names that instrumented code calls them by."""

from __future__ import annotations

from typing import Any

from scenrun.own_code.hooking import calls, hooks, idle_turns, switch_hooks, turns

HOOKS: dict[str, Any] = {
    "_scenrun_get_": hooks.get, "_scenrun_set_": hooks.set_, "_scenrun_field_": hooks.field, "_scenrun_both_": hooks.cell,
    "_scenrun_name_": hooks.name,
    "_scenrun_stored_": hooks.stored, "_scenrun_update_": hooks.update, "_scenrun_item_": hooks.item,
    "_scenrun_cell_": hooks.Cell, "_scenrun_slice_": slice, "_scenrun_look_": hooks.look, "_scenrun_whole_": hooks.whole,
    "_scenrun_operate_": hooks.operate, "_scenrun_each_": turns.each, "_scenrun_unpacked_": turns.each_unpacked,
    "_scenrun_taken_": hooks.taken, "_scenrun_delegated_": turns.delegated,
    "_scenrun_enter_": idle_turns.enter, "_scenrun_turn_": idle_turns.turn,
    "_scenrun_jump_": switch_hooks.jump, "_scenrun_resumed_": switch_hooks.resumed, "_scenrun_entered_": switch_hooks.entered,
    "_scenrun_about_": switch_hooks.about, "_scenrun_returned_": switch_hooks.returned, "_scenrun_begin_": switch_hooks.begin,
    "_scenrun_again_": switch_hooks.again, "_scenrun_continue_": switch_hooks.goes_on,
    "_scenrun_raised_": hooks.raised, "_scenrun_unknown_": hooks.unknown,
    "_scenrun_method_": calls.method, "_scenrun_function_": calls.function,
}  # fmt: skip
