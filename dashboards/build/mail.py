"""Mail servers: phases, results, TLS and certificates, capabilities, MX, mailboxes and policies."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.delivery import NO_DOMAIN, mailboxes, mailflows, policies, queues
from dashboards.build.doors import BY_DOOR, DOOR, MAIL, NAMED, SMTP, VALID, backing_off, door_states
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
)
from dashboards.build.promql import host, presence, state_number
from dashboards.build.states import RESULTS
from netmon.model import Result

NOT_OK = f'{MAIL},reason!="ok"'
HAS_MX = 'mx!=""'
DAYS = ((None, RED), (7 * 86400, YELLOW), (21 * 86400, GREEN))


def mail_dashboard() -> Dashboard:
    """Every door that mail comes in or goes out by."""
    return dashboard(
        "netmon-mail",
        "Mail servers",
        "Conversations with mail servers: how long each phase took, TLS, capabilities, mailboxes, policies.",
        [
            _conversations(),
            mailflows(),
            Row("Queues", queues("Messages in queues", "Oldest message in queues")),
            _tls(),
            mailboxes(),
            _mx(),
            policies(),
            _capabilities(),
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
            rows(
                "Why a conversation did not end well",
                "The reason of each port's latest run that was not ok.",
                "none",
                Query(f"max by ({DOOR}, reason) ({host('netmon_check_reason_info', NOT_OK)})"),
                {"host": "Host", "endpoint": "Endpoint", "reason": "Reason"},
                sort="Host",
                empty="No conversation ended badly.",
            ),
            backing_off(
                "Backing off",
                "netmon_smtp_backoff_seconds",
                span=12,
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
                bottom=None,
                least_first=True,
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
            door_states(
                "Chain",
                "Whether the presented chain leads to a certificate that is trusted.",
                VALID,
                "netmon_tls_chain_valid",
                span=8,
            ),
            door_states(
                "Name",
                "Whether the certificate is for the server's name.",
                VALID,
                "netmon_tls_name_valid",
                span=8,
            ),
            door_states(
                "Self-signed",
                "Whether the server's certificate is signed by its own key.",
                (State(0, "no", GREEN), State(1, "self-signed", ORANGE)),
                "netmon_tls_certificate_self_signed",
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
                height=14,
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
                empty="No port of the chosen hosts offers a login.",
                span=8,
            ),
            door_states(
                "SMTP logins",
                "Whether the latest login worked.",
                UP_DOWN,
                "netmon_smtp_login_success",
                empty="The chosen hosts have no login by SMTP in the config.",
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
                sort="Domain",
                empty=NO_DOMAIN,
                value="Accepts",
                states=UP_DOWN,
                span=24,
            ),
        ],
    )
