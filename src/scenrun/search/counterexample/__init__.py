"""Counterexamples for people: paths that show a finding are shortened, described in words, tabulated and stepped through."""
