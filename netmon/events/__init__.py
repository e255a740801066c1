"""Accepted traps and informs on disk: one process writes, any number read.

The events of a day, or of so many megabytes, are a SQLite file of their own in the folder, called by
the ID of its first event.  What is too old, or too much, goes by whole files, which costs
nothing however many events there are.  IDs rise over files and restarts, so "what came after 17" is a
question that anybody can ask at any time.
"""

from netmon.events.codec import Row, to_json
from netmon.events.reader import Found, Reader, Wanted
from netmon.events.writer import EventsError, Writer

__all__ = ["EventsError", "Found", "Reader", "Row", "Wanted", "Writer", "to_json"]
