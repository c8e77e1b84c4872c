"""Many schedules of the model of a program: walked through."""
