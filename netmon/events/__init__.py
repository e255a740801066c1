"""Accepted traps and informs on disk: one process writes, any number read."""
