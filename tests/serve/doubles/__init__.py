"""Doubles of what cannot run on a machine without a GPU."""
