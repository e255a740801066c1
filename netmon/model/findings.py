"""The closed list of findings, and what each does to a verdict."""

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to a verdict."""

    INFO = "info"  # shown, changes nothing
    RISK = "risk"  # will become a fault: device_degraded
    FAULT = "fault"  # is one: degrades what it is about
    CAUSE = "cause"  # an SNMP fact that explains a mail fault


class FindingKind(StrEnum):
    """The closed list of findings, beside one for each probe and result (`smtp_failed`).

    `netmon_host_finding{finding}`; each has its text in `netmon.explain`.
    """

    STALE = "stale"
    MODULE_EMPTY = "module_empty"
    # What SNMP says of the host.
    STORAGE_FULL = "storage_full"
    STORAGE_FILLING = "storage_filling"
    MEMORY_EXHAUSTED = "memory_exhausted"
    LOAD_HIGH = "load_high"
    PROCESS_MISSING = "process_missing"
    PROCESS_MULTIPLIED = "process_multiplied"
    INTERFACE_DOWN = "interface_down"
    INTERFACE_ERRORS = "interface_errors"
    UPSTREAM_PORT_DOWN = "upstream_port_down"
    UPSTREAM_PORT_ERRORS = "upstream_port_errors"
    REBOOTED = "rebooted"
    AGENT_RESTARTED = "agent_restarted"  # the SNMP agent alone
    NOT_LISTENING = "not_listening"  # its own table has no listener where mail is looked for
    LISTENING_LOCALLY = "listening_locally"  # it has one, on loopback alone
    QUEUE_LONG = "queue_long"
    QUEUE_OLD = "queue_old"
    MTA_REFUSING = "mta_refusing"  # it counts connections or messages that it turned away
    APPLICATION_DOWN = "application_down"  # NETWORK-SERVICES-MIB applOperStatus
    # What traps have said of the host.
    TRAP_STATE = "trap_state"  # by an authenticated sender, and by its rule a cause of mail faults
    TRAP_HINT = "trap_hint"  # by anybody, or nothing that harms mail
    # What DNS says of a domain's mail.
    DNS_FAILED = "dns_failed"
    NULL_MX = "null_mx"
    DOMAIN_WITHOUT_MAIL = "domain_without_mail"
    MX_MISSING = "mx_missing"
    MX_IS_ALIAS = "mx_is_alias"
    MX_IS_ADDRESS = "mx_is_address"
    MX_NAME_INVALID = "mx_name_invalid"
    MX_WITHOUT_ADDRESS = "mx_without_address"
    MX_ADDRESS_REFUSED = "mx_address_refused"
    MX_TOO_MANY = "mx_too_many"
    # What lies over the host's own state.
    FLAPPING = "flapping"
    AGENT_ISOLATED = "agent_isolated"  # netmon itself is cut off
    # What the probes notice.
    PROBE_REJECTED = "probe_rejected"
    CAPABILITY_LOST = "capability_lost"  # STARTTLS or AUTH is not offered any more
    STARTTLS_INJECTION = "starttls_injection"
    STARTTLS_KEEPS_COMMANDS = "starttls_keeps_commands"  # the server's side of it
    OPEN_RELAY = "open_relay"
    VRFY_ANSWERED = "vrfy_answered"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"  # and not trusted
    CERTIFICATE_WEAK = "certificate_weak"  # a short key, or a signature that can be forged
    CERTIFICATE_CHAIN_INVALID = "certificate_chain_invalid"
    CERTIFICATE_NAME_MISMATCH = "certificate_name_mismatch"
    # What became of a message that netmon sent.
    MIME_CHANGED = "mime_changed"
    DELIVERED_TO_JUNK = "delivered_to_junk"
    DELIVERED_TWICE = "delivered_twice"
    DELIVERED_LATE = "delivered_late"
    MAIL_LOST = "mail_lost"  # accepted, and in the mailbox by no deadline
    MAIL_DEFERRED = "mail_deferred"  # put off at first, and then accepted
    MAILBOX_UNREADABLE = "mailbox_unreadable"
    # What a domain publishes about its mail.
    POLICY_MISSING = "policy_missing"
    DANE_INVALID = "dane_invalid"
    DANE_UNUSABLE = "dane_unusable"
    DANE_NOT_CHECKED = "dane_not_checked"  # no AD bit that could be believed
    DANE_ROLLOVER = "dane_rollover"
    MTA_STS_INVALID = "mta_sts_invalid"  # the record or the policy itself
    MTA_STS_MISMATCH = "mta_sts_mismatch"  # the servers are not as the policy says
    MTA_STS_CHANGED = "mta_sts_changed"
    TLS_RPT_INVALID = "tls_rpt_invalid"
    SPF_INVALID = "spf_invalid"
    SPF_WEAK = "spf_weak"
    DKIM_INVALID = "dkim_invalid"
    DKIM_WEAK = "dkim_weak"
    DMARC_INVALID = "dmarc_invalid"
    DMARC_WEAK = "dmarc_weak"
    REVERSE_DNS_INVALID = "reverse_dns_invalid"
