"""SNMP on the wire: the codec, the client and the walk.

Polling is what netmon does all day, so its hot path is its own: OIDs stay the octets that they are
on the wire, a reply becomes three parallel lists and never an object per varbind.  One module per
layer: `ber` (X.690 as RFC 3417 §8 restricts it), `varbinds` and `message` (RFC 1157, 1901, 3416),
`encoder` (requests of one conversation), `sockets` (UDP and its ICMP errors), `gate` (who may send
when), `alarms` (deadlines), `client` (requests and their replies, with the records of `exchange` and the
ids of `request_ids`), `stream` (the same client over TCP), `walk` (tables out of requests, by the `plans` of
what was read before), `disorder` (a walk of agents that keep no order).

SNMPv3 (RFC 3412, RFC 3414): `message_v3` (the message around a PDU), `usm` (users), `usm_keys` and
`usm_crypto` (from passwords to digests and ciphers), `usm_engine` (what is known of an engine, and what
its messages mean), `usm_reports` (its refusals), `secure` (what becomes of the client's requests).

SET is rare and must be complete, not fast: `engine` leaves it to pysnmp, with the records of `outcome`.
"""
