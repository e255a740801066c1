"""Mail servers: phases, results, TLS and certificates, capabilities, MX, mailboxes and policies."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    GREEN,
    OFFERED,
    ORANGE,
    RED,
    UP_DOWN,
    YELLOW,
    Query,
    State,
    lines,
    rows,
    timeline,
)  # fmt: skip
from dashboards.build.promql import agent, host, increase, presence, state_number
from dashboards.build.states import RESULTS
from netmon.model import Result

MAIL = 'probe=~"smtp|imap|pop3"'
SMTP = 'probe="smtp"'
MAILBOX = 'probe=~"imap|pop3"'
NOT_OK = f'{MAIL},reason!="ok"'
HAS_MX = 'mx!=""'
DOOR = "host, endpoint"
BY_DOOR = f"max by ({DOOR}) ({{}})".format
NAMED = "{{endpoint}}"
VALID = (State(0, "not valid", RED), State(1, "valid", GREEN))
DAYS = ((None, RED), (7 * 86400, YELLOW), (21 * 86400, GREEN))


def mail_dashboard() -> Dashboard:
    """Every door that mail comes in or goes out by."""
    return dashboard(
        "netmon-mail",
        "Mail servers",
        "Conversations with mail servers: how long each phase took, TLS, capabilities, mailboxes, policies.",
        [
            _conversations(),
            _tls(),
            _capabilities(),
            _mx(),
            _mailboxes(),
            _mailflows(),
            _queues(),
            _policies(),
        ],
    )


def _conversations() -> Row:
    result = state_number("netmon_check_result", "result", Result, 1)
    result = result.replace("max by (host)", f"max by ({DOOR})", 1).replace("{job", "{" + MAIL + ",job")
    return Row(
        "Conversations",
        [
            timeline(
                "Results",
                "How the latest conversation with each port ended.",
                RESULTS,
                Query(result, NAMED),
            ),
            lines(
                "Phases of SMTP",
                "Mean seconds that each phase of a conversation takes over all chosen servers, stacked.",
                "s",
                Query(f"avg by (phase) ({host('netmon_check_phase_seconds', SMTP)})", "{{phase}}"),
                stacked=True,
            ),
            lines(
                "Slowest conversations",
                "The ten ports whose latest conversation took longest.",
                "s",
                Query(f"topk(10, {BY_DOOR(host('netmon_check_duration_seconds', MAIL))})", NAMED),
            ),
            rows(
                "Why a conversation did not end well",
                "The reason of each port's latest run that was not ok.",
                "none",
                Query(f"max by ({DOOR}, reason) ({host('netmon_check_reason_info', NOT_OK)})"),
                {"host": "Host", "endpoint": "Endpoint", "reason": "Reason"},
            ),
            timeline(
                "Backing off",
                "Ports that netmon asks less often for a while, since the server asked it to.",
                (State(0, "no", GREEN), State(1, "backs off", YELLOW)),
                Query(f"{BY_DOOR(host('netmon_smtp_backoff_seconds'))} > bool 0", NAMED),
                span=12,
            ),
        ],
    )


def _tls() -> Row:
    joined = "on (job, instance, host, endpoint)"
    certificate = (
        f"min by ({DOOR}, version, cipher, key_type) (\n"
        f"  ({host('netmon_tls_certificate_expiry_timestamp_seconds')} - time())\n"
        f"    * {joined} group_left (version, cipher) {host('netmon_tls_info')}\n"
        f"    * {joined} group_left (key_type) ({host('netmon_tls_certificate_key_size')} > bool 0)\n)"
    )
    return Row(
        "TLS and certificates",
        [
            rows(
                "Certificates",
                "TLS version, cipher and kind of key of each port, and how long its chain is valid still.",
                "s",
                Query(f"sort({certificate})"),
                {
                    "host": "Host",
                    "endpoint": "Endpoint",
                    "version": "TLS",
                    "cipher": "Cipher",
                    "key_type": "Key",
                },
                value="Ends in",
                steps=DAYS,
                span=24,
            ),
            lines(
                "Time until the certificate ends",
                "Of the ten that end first.",
                "s",
                Query(
                    "bottomk(10, min by (host, endpoint)"
                    f" ({host('netmon_tls_certificate_expiry_timestamp_seconds')}) - time())",
                    NAMED,
                ),
                steps=DAYS,
            ),
            lines(
                "Age of certificates",
                "Time since the server's own certificate began; a fall is a renewal.",
                "s",
                Query(
                    "time() - max by (host, endpoint)"
                    f" ({host('netmon_tls_certificate_not_before_timestamp_seconds')})",
                    NAMED,
                ),
            ),
            timeline(
                "Chain",
                "Whether the presented chain leads to a certificate that is trusted.",
                VALID,
                Query(BY_DOOR(host("netmon_tls_chain_valid")), NAMED),
                span=8,
            ),
            timeline(
                "Name",
                "Whether the certificate is for the server's name.",
                VALID,
                Query(BY_DOOR(host("netmon_tls_name_valid")), NAMED),
                span=8,
            ),
            timeline(
                "Self-signed",
                "Whether the server's certificate is signed by its own key.",
                (State(0, "no", GREEN), State(1, "self-signed", ORANGE)),
                Query(BY_DOOR(host("netmon_tls_certificate_self_signed")), NAMED),
                span=8,
            ),
        ],
    )


def _capabilities() -> Row:
    return Row(
        "Capabilities",
        [
            timeline(
                "Capability drift",
                "What each SMTP port offers in EHLO; a band that ends is a capability that went.",
                OFFERED,
                Query(
                    presence(f"{DOOR}, capability", host("netmon_smtp_capability")),
                    "{{endpoint}} {{capability}}",
                ),
                height=12,
            ),
            lines(
                "Number of capabilities",
                "How many capabilities each SMTP port offers.",
                "short",
                Query(f"count by ({DOOR}) ({host('netmon_smtp_capability')})", NAMED),
            ),
            rows(
                "Banners",
                "The name that each server greets with, and its software where the banner tells a known one.",
                "none",
                Query(f"max by ({DOOR}, name, software) ({host('netmon_smtp_banner_info')})"),
                {"host": "Host", "endpoint": "Endpoint", "name": "Name", "software": "Software"},
            ),
            rows(
                "Login mechanisms",
                "The mechanisms of login that each SMTP port offers.",
                "none",
                Query(f"max by ({DOOR}, mechanism) ({host('netmon_smtp_auth_mechanism')})"),
                {"host": "Host", "endpoint": "Endpoint", "mechanism": "Mechanism"},
                span=8,
            ),
            timeline(
                "SMTP logins",
                "Whether the latest login worked.",
                UP_DOWN,
                Query(BY_DOOR(host("netmon_smtp_login_success")), NAMED),
                span=8,
            ),
            lines(
                "Largest message accepted",
                "The size that each port says it takes (RFC 1870).",
                "decbytes",
                Query(BY_DOOR(host("netmon_smtp_max_message_bytes")), NAMED),
                span=8,
            ),
        ],
    )


def _mx() -> Row:
    return Row(
        "MX of domains",
        [
            rows(
                "MX matrix",
                "Each domain's mail servers, at each of their addresses, and whether they accept.",
                "none",
                Query(f"max by (domain, mx, endpoint) ({host('netmon_check_up', HAS_MX)})"),
                {"domain": "Domain", "mx": "MX", "endpoint": "Endpoint"},
                value="Accepts",
                states=UP_DOWN,
                span=24,
            ),
        ],
    )


def _mailboxes() -> Row:
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
                stacked=True,
            ),
            rows(
                "Capabilities of mailbox servers",
                "What each IMAP or POP3 port offers, of a closed list.",
                "none",
                Query(f"max by ({DOOR}, capability) ({host('netmon_mailbox_capability')})"),
                {"host": "Host", "endpoint": "Endpoint", "capability": "Capability"},
                span=6,
            ),
            rows(
                "Login mechanisms of mailbox servers",
                "The mechanisms of login that each IMAP or POP3 port offers.",
                "none",
                Query(f"max by ({DOOR}, mechanism) ({host('netmon_mailbox_auth_mechanism')})"),
                {"host": "Host", "endpoint": "Endpoint", "mechanism": "Mechanism"},
                span=6,
            ),
            lines(
                "Messages in mailboxes",
                "Messages in the mailbox that the probe's login opened.",
                "short",
                Query(BY_DOOR(host("netmon_mailbox_messages")), NAMED),
                span=6,
            ),
            lines(
                "Size of mailboxes",
                "Octets of the messages in the mailbox, as POP3 says.",
                "decbytes",
                Query(BY_DOOR(host("netmon_mailbox_size_bytes")), NAMED),
                span=6,
            ),
            timeline(
                "Mailbox logins",
                "Whether the latest login worked.",
                UP_DOWN,
                Query(BY_DOOR(host("netmon_mailbox_login_success")), NAMED),
                span=6,
            ),
            timeline(
                "Backing off from mailbox servers",
                "Ports that netmon asks less often for a while, since the server asked it to.",
                (State(0, "no", GREEN), State(1, "backs off", YELLOW)),
                Query(f"{BY_DOOR(host('netmon_mailbox_backoff_seconds'))} > bool 0", NAMED),
                span=6,
            ),
        ],
    )


def _mailflows() -> Row:
    messages = agent("netmon_mailflow_messages_total")
    return Row(
        "Mailflow: messages sent right through",
        [
            lines(
                "Delivery",
                "From the acceptance of the latest delivered message until it was found in its last mailbox.",
                "s",
                Query(f"max by (mailflow) ({agent('netmon_mailflow_delivery_seconds')})", "{{mailflow}}"),
                steps=((None, GREEN), (60, YELLOW), (300, RED)),
                span=6,
            ),
            lines(
                "Messages by what became of them",
                "Messages of each mailflow: delivered, lost, late, duplicated or in a junk folder.",
                "short",
                Query(f"sum by (mailflow, outcome) ({increase(messages)})", "{{mailflow}} {{outcome}}"),
                stacked=True,
                span=6,
            ),
            timeline(
                "MIME intact",
                "Whether the latest delivered message had the content that was sent.",
                (State(0, "changed", RED), State(1, "intact", GREEN)),
                Query(f"min by (mailflow) ({agent('netmon_mailflow_mime_intact')})", "{{mailflow}}"),
                span=6,
            ),
            lines(
                "Time since the last delivery",
                "Time since a message was last found where it belongs.",
                "s",
                Query(
                    "time() - max by (mailflow)"
                    f" ({agent('netmon_mailflow_last_delivery_timestamp_seconds')})",
                    "{{mailflow}}",
                ),
                steps=((None, GREEN), (900, YELLOW), (3600, RED)),
                span=6,
            ),
        ],
    )


def _queues() -> Row:
    return Row(
        "Queues",
        [
            lines(
                "Messages in queues",
                "Messages that wait in each mail server's queue, told by its SNMP agent.",
                "short",
                Query(f"max by (host) ({host('netmon_mail_queue_messages')})", "{{host}}"),
            ),
            lines(
                "Oldest message in queues",
                "Age of the message that has waited longest.",
                "s",
                Query(f"max by (host) ({host('netmon_mail_queue_oldest_seconds')})", "{{host}}"),
                steps=((None, GREEN), (1800, YELLOW), (14400, RED)),
            ),
        ],
    )


def _policies() -> Row:
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
                span=12,
            ),
            timeline(
                "Sound policies",
                "Whether what a domain publishes is sound and true.",
                VALID,
                Query(
                    f"max by (domain, policy) ({host('netmon_mail_policy_valid')})", "{{domain}} {{policy}}"
                ),
                span=12,
            ),
            timeline(
                "DANE",
                "Whether what an MX presents is as its TLSA records say.",
                VALID,
                Query(f"min by (domain, mx) ({host('netmon_dane_valid')})", "{{domain}} {{mx}}"),
                span=8,
            ),
            timeline(
                "MTA-STS",
                "Whether a domain's MX and their certificates are as its policy says.",
                VALID,
                Query(f"min by (domain) ({host('netmon_mta_sts_valid')})", "{{domain}}"),
                span=8,
            ),
            lines(
                "SPF lookups",
                "Lookups that a domain's SPF record asks for; more than 10 break it (RFC 7208).",
                "short",
                Query(f"max by (domain) ({host('netmon_spf_dns_lookups')})", "{{domain}}"),
                steps=((None, GREEN), (9, YELLOW), (11, RED)),
                span=8,
            ),
        ],
    )
