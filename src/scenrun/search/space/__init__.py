"""The state space: packed states, the breadth-first search over them, and a plain reference search."""
