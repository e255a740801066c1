"""A small company on loopback: simulated SNMP devices and real mail conversations.

It shows netmon at work where there is no network to watch, and it is the device farm of the
tests and benchmarks.  Everything in it is generated from a seed and a clock that is given; nothing
listens beyond the loopback interface.
"""
