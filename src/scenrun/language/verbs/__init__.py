"""The verbs: every step that a scenario can write, with its short and its long form, and the register of them all."""
