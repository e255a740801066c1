"""What each finding means: the texts behind `netmon_host_finding{finding}`."""

from collections.abc import Mapping
from typing import Final

from netmon.explain.text import Text
from netmon.model import FindingKind

FINDINGS: Final[Mapping[FindingKind, Text]] = {
    FindingKind.STALE: Text(
        "The check's latest run is more than three intervals old, so it no longer counts.",
        ("netmon's machine is overloaded or was asleep", "the check is new or was just restarted"),
        ("Look at netmon_check_lateness_seconds and netmon_check_skipped_total",),
    ),
    FindingKind.MODULE_EMPTY: Text(
        "The agent serves no object of a module that was asked for; for information only.",
        (
            "the device has no such thing",
            "the agent is not set up for it: snmpd's ucd_dsk needs `disk` lines",
        ),
        ("Set it up on the agent, or take the module out of the host's list",),
    ),
    FindingKind.STORAGE_FULL: Text(
        "A file system is at least 98% full: nothing more can be spooled, which explains a mail fault.",
        ("logs or a queue that grows", "a backup or dump left behind"),
        ("Free space there; mail deferred meanwhile comes by itself",),
    ),
    FindingKind.STORAGE_FILLING: Text(
        "A file system is at least 90% full: a risk, not a fault yet.",
        ("logs, mailboxes or a queue that grows",),
        ("See how fast it grows (hrStorageUsed, dskUsed) and act before 98%",),
    ),
    FindingKind.PROBE_REJECTED: Text(
        "The server refuses netmon itself (its address, name or sender), which is no outage for others.",
        (
            "netmon's address is on a blocklist or a dial-up range",
            "no PTR record, or one that does not match",
        ),
        ("Give netmon's address a matching PTR and agent.name, or list it as a friend on the server",),
    ),
    FindingKind.STARTTLS_INJECTION: Text(
        "Bytes came in plain text after STARTTLS was granted and before TLS began; netmon stopped there.",
        ("an attack on the path", "a badly broken server or proxy"),
        ("Compare with a probe from the server's own network",),
    ),
    FindingKind.CERTIFICATE_EXPIRED: Text(
        "The certificate's time is over; a fault where clients verify (submission), else information.",
        ("renewal failed", "renewed, but the server was not reloaded"),
        ("Compare the file's dates with those presented; renew, then reload the mail server",),
    ),
    FindingKind.CERTIFICATE_EXPIRING: Text(
        "The certificate, or one of the chain that leads to its root, ends within cert_warn (14 days).",
        ("automatic renewal fails", "an intermediate certificate was left as it was"),
        ("Run the renewal by hand and read what it says; reload the server",),
    ),
    FindingKind.CERTIFICATE_CHAIN_INVALID: Text(
        "The presented chain leads to no certificate that this machine trusts.",
        (
            "the server sends no intermediate certificate",
            "a private authority or a self-signed certificate",
        ),
        ("Send the full chain; for a private authority set `ca_file` on the endpoint",),
    ),
    FindingKind.CERTIFICATE_NAME_MISMATCH: Text(
        "The certificate is for other names than the one that netmon expects.",
        ("the wrong certificate is loaded", "the host is configured by address or by an alias"),
        ("Set `tls_name` to the name that clients use, or issue the certificate for it",),
    ),
}
