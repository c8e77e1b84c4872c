"""The executors of a program: real threads, the simulator in virtual time, and the replay of schedules on both."""
