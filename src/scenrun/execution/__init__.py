"""Drives a program: on real threads, in virtual time, or along a schedule."""
