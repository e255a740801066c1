"""What lies behind the doors of mail servers: mailboxes, messages sent right through, queues, policies."""

from collections.abc import Sequence

from dashboards.build.doors import BY_DOOR, DOOR, MAILBOX, NAMED, VALID, backing_off, door_states
from dashboards.build.frame import Row
from dashboards.build.panels import GREEN, RED, UP_DOWN, YELLOW, Panel, Query, State, lines, rows, timeline
from dashboards.build.promql import ALL_HOSTS, agent, host, increase

NO_QUEUE = "No chosen host tells of its mail queue by SNMP."
NO_DOMAIN = "No domain is among the chosen hosts."
NO_MAILBOX = "No IMAP or POP3 is checked on the chosen hosts."
NO_MAILFLOW = "The config has no mailflow."


def mailboxes() -> Row:
    """IMAP and POP3: phases, what is offered, and what the login finds."""
    return Row(
        "IMAP and POP3",
        [
            lines(
                "Phases of IMAP and POP3",
                "Mean seconds that each phase takes over all chosen servers, stacked.",
                "s",
                Query(
                    f"avg by (probe, phase) ({host('netmon_check_phase_seconds', MAILBOX)})",
                    "{{probe}} {{phase}}",
                ),
                empty=NO_MAILBOX,
                stacked=True,
            ),
            rows(
                "Capabilities of mailbox servers",
                "What each IMAP or POP3 port offers, of a closed list.",
                "none",
                Query(f"max by ({DOOR}, capability) ({host('netmon_mailbox_capability')})"),
                {"host": "Host", "endpoint": "Endpoint", "capability": "Capability"},
                empty=NO_MAILBOX,
                sort="Host",
            ),
            rows(
                "Login mechanisms of mailbox servers",
                "The mechanisms of login that each IMAP or POP3 port offers.",
                "none",
                Query(f"max by ({DOOR}, mechanism) ({host('netmon_mailbox_auth_mechanism')})"),
                {"host": "Host", "endpoint": "Endpoint", "mechanism": "Mechanism"},
                sort="Host",
                empty="No chosen port names a mechanism.",
                span=8,
            ),
            lines(
                "Messages in mailboxes",
                "Messages in the mailbox that the probe's login opened.",
                "short",
                Query(BY_DOOR(host("netmon_mailbox_messages")), NAMED),
                empty=NO_MAILBOX,
                span=8,
            ),
            lines(
                "Size of mailboxes",
                "Octets of the messages in the mailbox, as POP3 says.",
                "decbytes",
                Query(BY_DOOR(host("netmon_mailbox_size_bytes")), NAMED),
                empty="No mailbox of the chosen hosts is read by POP3.",
                span=8,
            ),
            door_states(
                "Mailbox logins",
                "Whether the latest login worked.",
                UP_DOWN,
                "netmon_mailbox_login_success",
                empty=NO_MAILBOX,
                span=12,
            ),
            backing_off(
                "Backing off from mailbox servers",
                "netmon_mailbox_backoff_seconds",
                empty=NO_MAILBOX,
                span=12,
            ),
        ],
    )


def mailflows() -> Row:
    """Messages that netmon sends and looks for."""
    messages = agent("netmon_mailflow_messages_total")
    return Row(
        "Mailflow: messages sent right through",
        [
            lines(
                "Delivery",
                "From the acceptance of the latest delivered message until it was found in its last mailbox."
                f" {ALL_HOSTS}",
                "s",
                Query(f"max by (mailflow) ({agent('netmon_mailflow_delivery_seconds')})", "{{mailflow}}"),
                empty=NO_MAILFLOW,
                steps=((None, GREEN), (60, YELLOW), (300, RED)),
                span=6,
            ),
            lines(
                "Messages by what became of them",
                "Messages of each mailflow: delivered, lost, late, duplicated or in a junk folder."
                f" {ALL_HOSTS}",
                "short",
                Query(f"sum by (mailflow, outcome) ({increase(messages)})", "{{mailflow}} {{outcome}}"),
                stacked=True,
                empty=NO_MAILFLOW,
                span=6,
            ),
            timeline(
                "MIME intact",
                f"Whether the latest delivered message had the content that was sent. {ALL_HOSTS}",
                (State(0, "changed", RED), State(1, "intact", GREEN)),
                Query(f"min by (mailflow) ({agent('netmon_mailflow_mime_intact')})", "{{mailflow}}"),
                empty=NO_MAILFLOW,
                span=6,
            ),
            lines(
                "Time since the last delivery",
                f"Time since a message was last found where it belongs. {ALL_HOSTS}",
                "s",
                Query(
                    "time() - max by (mailflow)"
                    f" ({agent('netmon_mailflow_last_delivery_timestamp_seconds')})",
                    "{{mailflow}}",
                ),
                empty=NO_MAILFLOW,
                steps=((None, GREEN), (900, YELLOW), (3600, RED)),
                span=6,
            ),
        ],
    )


def queues(*titles: str) -> Sequence[Panel]:
    """What waits in the servers, under two titles: how much, and since when."""
    waiting, oldest = titles
    return [
        lines(
            waiting,
            "Messages in the queue of each mail server, by an extension of its SNMP agent.",
            "short",
            Query(f"max by (host) ({host('netmon_mail_queue_messages')})", "{{host}}"),
            empty=NO_QUEUE,
        ),
        lines(
            oldest,
            "Age of the message that has waited longest.",
            "s",
            Query(f"max by (host) ({host('netmon_mail_queue_oldest_seconds')})", "{{host}}"),
            empty=NO_QUEUE,
            steps=((None, GREEN), (1800, YELLOW), (14400, RED)),
        ),
    ]


def policies() -> Row:
    """What domains publish of their mail in DNS and by HTTPS, and whether it is true."""
    return Row(
        "Policies",
        [
            timeline(
                "Published policies",
                "Policies that a domain publishes in DNS: MTA-STS, TLS-RPT, SPF, DKIM, DMARC and DANE.",
                (State(0, "none", YELLOW), State(1, "published", GREEN)),
                Query(
                    f"max by (domain, policy) ({host('netmon_mail_policy_present')})", "{{domain}} {{policy}}"
                ),
                empty=NO_DOMAIN,
                span=12,
            ),
            timeline(
                "Sound policies",
                "Whether what a domain publishes is sound and true.",
                VALID,
                Query(
                    f"max by (domain, policy) ({host('netmon_mail_policy_valid')})", "{{domain}} {{policy}}"
                ),
                empty="The chosen domains publish no policy.",
                span=12,
            ),
            timeline(
                "DANE",
                "Whether what an MX presents is as its TLSA records say.",
                VALID,
                Query(f"min by (domain, mx) ({host('netmon_dane_valid')})", "{{domain}} {{mx}}"),
                empty="No MX of the chosen domains has TLSA records.",
                span=8,
            ),
            timeline(
                "MTA-STS",
                "Whether a domain's MX and their certificates are as its policy says.",
                VALID,
                Query(f"min by (domain) ({host('netmon_mta_sts_valid')})", "{{domain}}"),
                empty="The chosen domains have no MTA-STS.",
                span=8,
            ),
            lines(
                "SPF lookups",
                "Lookups that a domain's SPF record asks for; more than 10 break it (RFC 7208).",
                "short",
                Query(f"max by (domain) ({host('netmon_spf_dns_lookups')})", "{{domain}}"),
                steps=((None, GREEN), (9, YELLOW), (11, RED)),
                empty="The chosen domains have no SPF record.",
                span=8,
            ),
        ],
    )
