"""Which labels netmon's own metrics carry, for docs/metrics.md.

Tables of metrics are made where they are known, all over the code, so this is said again here; a test
holds it against what a running agent exports.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final

_CHECK: Final = ("host", "probe", "endpoint")
_ENDPOINT: Final = ("host", "endpoint")
_MODULE: Final = ("host", "module")
_HOST: Final = ("host",)
_DOMAIN: Final = ("domain",)
_FLOW: Final = ("mailflow",)


def _each(prefix: str, names: str, labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {f"netmon_{prefix}_{name}": labels for name, labels in product(names.split(), [labels])}


LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    **_each("check", "up duration_seconds interval_seconds last_run_timestamp_seconds", _CHECK),
    "netmon_check_result": (*_CHECK, "result"),
    "netmon_check_reason_info": (*_CHECK, "reason"),
    "netmon_check_phase_seconds": (*_CHECK, "phase"),
    **_each("check", "lateness_seconds skipped_total", ("probe",)),
    "netmon_probe_crashes_total": ("probe",),
    **_each("host", "alive flapping silenced last_healthy_timestamp_seconds", _HOST),
    "netmon_host_info": (*_HOST, "the config's labels"),
    "netmon_host_verdict": (*_HOST, "verdict"),
    "netmon_host_verdict_since_timestamp_seconds": _HOST,
    **_each("host", "finding cause", (*_HOST, "finding")),
    **_each("host", "mail_state snmp_state", (*_HOST, "state")),
    "netmon_host_agreement": (*_HOST, "agreement"),
    "netmon_host_silenced_info": (*_HOST, "kind"),
    "netmon_host_processes": (*_HOST, "name"),
    **_each("mail_queue", "messages oldest_seconds", _HOST),
    "netmon_agreement_ratio": ("agreement", "window"),
    "netmon_module_up": _MODULE,
    **_each(
        "snmp",
        "packets_total retries_total varbinds_total duplicate_series_total mismatched_values_total",
        _MODULE,
    ),
    "netmon_snmp_unexpected_datagrams_total": ("kind",),
    "netmon_scrape_duplicate_series": ("module",),
    **_each("smtp", "backoff_seconds login_success max_message_bytes", _ENDPOINT),
    "netmon_smtp_banner_info": (*_ENDPOINT, "name", "software"),
    "netmon_smtp_capability": (*_ENDPOINT, "capability"),
    "netmon_smtp_auth_mechanism": (*_ENDPOINT, "mechanism"),
    **_each("mailbox", "backoff_seconds login_success messages size_bytes", _ENDPOINT),
    "netmon_mailbox_capability": (*_ENDPOINT, "capability"),
    "netmon_mailbox_auth_mechanism": (*_ENDPOINT, "mechanism"),
    **_each(
        "tls",
        "certificate_expiry_timestamp_seconds certificate_not_before_timestamp_seconds"
        " certificate_self_signed chain_valid name_valid",
        _ENDPOINT,
    ),
    "netmon_tls_certificate_key_size": (*_ENDPOINT, "key_type"),
    "netmon_tls_info": (*_ENDPOINT, "version", "cipher"),
    "netmon_domain_verdict": (*_DOMAIN, "verdict"),
    "netmon_domain_finding": (*_DOMAIN, "finding"),
    **_each(
        "domain",
        "verdict_since_timestamp_seconds mx mx_accepting dns_answers dns_last_answer_timestamp_seconds",
        _DOMAIN,
    ),
    **_each("mail_policy", "present valid", (*_DOMAIN, "policy")),
    "netmon_dane_valid": (*_DOMAIN, "mx"),
    "netmon_mta_sts_valid": _DOMAIN,
    "netmon_spf_dns_lookups": _DOMAIN,
    **_each("mailflow", "delivery_seconds mime_intact last_delivery_timestamp_seconds", _FLOW),
    "netmon_mailflow_messages_total": (*_FLOW, "outcome"),
    "netmon_trap_datagrams_total": ("stage",),
    "netmon_trap_dropped_total": ("reason",),
    **_each("trap", "receive_buffer_bytes receive_queue_bytes", ("listen",)),
    "netmon_trap_rechecks_total": ("outcome",),
    "netmon_traps_total": (*_HOST, "trap", "severity"),
    "netmon_trap_last_timestamp_seconds": (*_HOST, "trap"),
    "netmon_trap_state": (*_HOST, "state"),
    "netmon_event_deliveries_total": ("receiver", "outcome"),
    "netmon_events_skipped_total": ("receiver",),
    "netmon_alerts": ("alertname", "severity"),
    "netmon_alert_deliveries_total": ("receiver", "outcome"),
    "netmon_alerts_waiting": ("receiver",),
    "netmon_build_info": ("version",),
    "netmon_web_info": ("url",),
    "netmon_probe_reason_info": ("reason",),
}
"""Of each family that has labels; a family that is not here has none."""
