"""Faults put into a copy of everything this project reads; `python -m tests.faults` counts how many of them it withstands."""
