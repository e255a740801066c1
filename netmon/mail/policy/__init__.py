"""What a domain publishes about its mail, and whether it is true: one module for each standard.

    dane        RFC 7672   which certificate its servers have, in signed DNS
    mta_sts     RFC 8461   which servers it has, by a policy over HTTPS
    tls_rpt     RFC 8460   where senders report trouble with TLS
    spf         RFC 7208   who may send for it
    dkim        RFC 6376   the keys that its messages are signed with
    dmarc       RFC 7489   what becomes of messages that pass neither
    reverse     RFC 1912   names of its servers' addresses

Parsers and judges are pure; `questions` is the door to DNS and `https` the one to the web.  All of
it is hostile text of unknown size: a parser raises PolicyError and nothing else.
"""
