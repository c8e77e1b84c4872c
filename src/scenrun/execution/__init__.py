"""Who drives a program: real threads, or a simulator in virtual time; and schedules made again on both."""
