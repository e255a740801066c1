"""Where mail for a domain goes, by DNS: MX records, null MX, the implicit MX, and what is wrong with them.

RFC 5321 §5.1, RFC 7505, RFC 2181 §10.3.  `questions` asks DNS, `answer` makes sense of what it says,
`known` remembers the last good answer, so that dead DNS takes nothing away.  Everything is bounded:
whoever writes a domain's records must not decide how many connections netmon makes, or to whose network.
"""
