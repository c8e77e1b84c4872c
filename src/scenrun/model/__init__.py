"""The model of a program: its states, which steps are enabled in each, and what every step does."""
