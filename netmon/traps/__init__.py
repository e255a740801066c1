"""Traps and informs (UDP 162): from a datagram to a committed event.

The receiver is a process of its own, a child of the agent: the default socket buffer holds
some hundred datagrams, and joining a large page takes longer than they last.  It decodes, checks,
translates, folds and commits; the agent reads its store (`netmon.events`) and is told of changes.

RFC 3416 §4.2.6 and §4.2.7 give the PDUs, RFC 3584 §3.1 what a trap of v1 means, RFC 3414 §3.2 how
one of v3 is checked.
"""
