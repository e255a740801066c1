"""What the dashboards do not show, and what the demo cannot fill, each with its reason.

The tests hold both lists to the truth: a family that is neither shown nor named here fails them, and so
does a reason that is no longer needed.
"""

from collections.abc import Mapping
from typing import Final

_PROBE: Final = "is on the page of one /probe request, whose job and labels are the user's own"

# netmon's own families that no panel shows.
NOT_SHOWN: Final[Mapping[str, str]] = {
    "netmon_scrape_duplicate_series": "is on the page of one /snmp request, whose job is the user's own",
    "netmon_probe_reason_info": _PROBE,
    "netmon_probe_rejected": _PROBE,
    "netmon_probe_ssl_chain_valid": _PROBE,
    "netmon_probe_ssl_name_valid": _PROBE,
    "netmon_probe_ssl_not_before_timestamp_seconds": _PROBE,
}

_DOMAINS: Final = "the demo has no domain: it asks no DNS"
_POP3: Final = "only POP3 tells the size, and the demo's mailbox is read by IMAP"
_IMAP: Final = "the demo's IMAP server takes LOGIN alone and names no mechanism"
_POLICIES: Final = "policies are a domain's, and the demo has none"
_LOGINS: Final = "the demo's mail servers offer no login"
_RECEIVERS: Final = "the demo sends its alerts and events to nobody"

# Panels without data in the demo, by their titles.
NOT_IN_DEMO: Final[Mapping[str, str]] = {
    "Verdicts over domains": _DOMAINS,
    "Mail servers that accept": _DOMAINS,
    "DNS answers for the domain": _DOMAINS,
    "Age of the last answer of DNS": _DOMAINS,
    "What DNS tells of a domain": _DOMAINS,
    "MX matrix": _DOMAINS,
    "Login mechanisms of mailbox servers": _IMAP,
    "Size of mailboxes": _POP3,
    "Published policies": _POLICIES,
    "Sound policies": _POLICIES,
    "DANE": _POLICIES,
    "MTA-STS": _POLICIES,
    "SPF lookups": _POLICIES,
    "Login mechanisms": _LOGINS,
    "SMTP logins": _LOGINS,
    "Deliveries of alerts": _RECEIVERS,
    "Alerts that wait": _RECEIVERS,
    "Deliveries of events": _RECEIVERS,
    "Events left out": _RECEIVERS,
}
