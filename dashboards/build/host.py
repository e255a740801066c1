"""Host: one host's SNMP beside its mail on one time axis, with its verdict, causes and findings."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.delivery import queues
from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    GREEN,
    ONE_IS_GOOD,
    PRESENT,
    RED,
    UP_DOWN,
    YELLOW,
    Panel,
    Query,
    State,
    lines,
    number,
    rows,
    timeline,
)  # fmt: skip
from dashboards.build.promql import busiest, host, presence, state_number
from dashboards.build.states import (
    AGREEMENT_FIRST,
    AGREEMENTS,
    MAIL_FIRST,
    MAIL_STATES,
    RESULTS,
    SNMP_FIRST,
    SNMP_STATES,
    VERDICTS,
)  # fmt: skip
from netmon.history import Agreement
from netmon.model import MailState, Result, SnmpState, VerdictName

# Net-SNMP has the parts of memory among the storage areas, and some of them are always full.
DISKS = 'hrStorageDescr!~"(?i)memory buffers|.* memory"'


def host_dashboard() -> Dashboard:
    """One host, SNMP and mail side by side."""
    mail = Row("Mail", queues("Mail queue", "Oldest message in the queue"))
    return dashboard(
        "netmon-host",
        "Host",
        "One host: what SNMP and mail say of it on one time axis, the verdict, and the facts behind it.",
        [_verdict(), _checks(), _device(), mail],
        one_host=True,
    )


def _verdict() -> Row:
    verdict = state_number("netmon_host_verdict", "verdict", VerdictName, 1)
    since = "time() - max by (host) ({})".format
    return Row(
        "Verdict",
        [
            number(
                "Verdict",
                "The confirmed verdict over the host.",
                "none",
                Query(verdict),
                states=VERDICTS,
                span=6,
            ),
            number(
                "Verdict for",
                "How long the verdict has held.",
                "s",
                Query(since(host("netmon_host_verdict_since_timestamp_seconds"))),
                span=5,
            ),
            number(
                "Last healthy",
                "Time since the host was last found healthy; nothing if it never was.",
                "s",
                Query(since(host("netmon_host_last_healthy_timestamp_seconds"))),
                steps=((None, GREEN), (300, YELLOW), (3600, RED)),
                span=5,
            ),
            number(
                "Alive",
                "Whether the host shows any life: an echo, a connection, a banner or an SNMP answer.",
                "none",
                Query(f"max by (host) ({host('netmon_host_alive')})"),
                steps=ONE_IS_GOOD,
                states=UP_DOWN,
            ),
            number(
                "Silenced",
                "Whether alerts about the host are held back.",
                "none",
                Query(f"max by (host) ({host('netmon_host_silenced')})"),
                states=(State(0, "no", GREEN), State(1, "yes", YELLOW)),
            ),
            timeline(
                "Verdict, mail and SNMP",
                "The verdict, what mail and SNMP say, and whether the two agree, on one axis.",
                (*VERDICTS, *MAIL_STATES, *SNMP_STATES, *AGREEMENTS),
                Query(verdict, "verdict"),
                Query(state_number("netmon_host_mail_state", "state", MailState, MAIL_FIRST), "mail"),
                Query(state_number("netmon_host_snmp_state", "state", SnmpState, SNMP_FIRST), "SNMP"),
                Query(
                    state_number("netmon_host_agreement", "agreement", Agreement, AGREEMENT_FIRST),
                    "agreement",
                ),
                height=7,
            ),
            _while_there(
                "Causes",
                "Facts of SNMP or traps that explain a fault of mail, while they hold.",
                "finding",
                "netmon_host_cause",
                span=12,
            ),
            _while_there(
                "Findings",
                "Facts that speak for the verdict, while they hold; netmon explain FINDING tells more.",
                "finding",
                "netmon_host_finding",
                span=12,
            ),
            _while_there(
                "What silences alerts",
                "A silence of a person, a maintenance window of the config, or a reboot that has just been.",
                "kind",
                "netmon_host_silenced_info",
                span=24,
                height=4,
            ),
        ],
    )


def _while_there(
    title: str, description: str, label: str, metric: str, *, span: int, height: int = 8
) -> Panel:
    """A band for each value that `label` has, while it has it."""
    query = Query(presence(label, host(metric)), f"{{{{{label}}}}}")
    return timeline(title, description, PRESENT, query, empty="None in this time.", span=span, height=height)


def _checks() -> Row:
    every = "max by (probe, endpoint) ({})".format
    result = state_number("netmon_check_result", "result", Result, 1).replace(
        "max by (host)", "max by (probe, endpoint)", 1
    )
    return Row(
        "Checks",
        [
            timeline(
                "Results of checks",
                "How each check's latest run ended: SNMP, ping and every mail port on one axis.",
                RESULTS,
                Query(result, "{{probe}} {{endpoint}}"),
            ),
            lines(
                "Duration of checks",
                "How long the latest run of each check took; SNMP and mail in one picture.",
                "s",
                Query(every(host("netmon_check_duration_seconds")), "{{probe}} {{endpoint}}"),
            ),
            rows(
                "Reasons",
                "Why each check's latest run ended as it did.",
                "none",
                Query(f"max by (probe, endpoint, reason) ({host('netmon_check_reason_info')})"),
                {"probe": "Probe", "endpoint": "Endpoint", "reason": "Reason"},
                colors={"ok": GREEN},
            ),
            timeline(
                "Checks up",
                "1 while the latest run of a check was ok.",
                UP_DOWN,
                Query(every(host("netmon_check_up")), "{{probe}} {{endpoint}}"),
                span=12,
            ),
            lines(
                "Age of the latest run, in intervals",
                "Time since each check's latest run, in its own intervals; above 3 it is stale.",
                "none",
                Query(
                    f"(time() - {every(host('netmon_check_last_run_timestamp_seconds'))})\n"
                    f"  / {every(host('netmon_check_interval_seconds'))}",
                    "{{probe}} {{endpoint}}",
                ),
                steps=((None, GREEN), (3, RED)),
            ),
        ],
    )


def _device() -> Row:
    used = "max by (hrStorageDescr) ({} / ({} > 0))".format
    return Row(
        "SNMP",
        [
            lines(
                "Processor load",
                "Load of each processor over the last minute, as HOST-RESOURCES-MIB has it.",
                "percent",
                Query(f"max by (hrDeviceIndex) ({host('hrProcessorLoad')})", "CPU {{hrDeviceIndex}}"),
                empty="The host tells of no processor.",
                top=100,
                steps=((None, GREEN), (80, YELLOW), (95, RED)),
                span=8,
            ),
            lines(
                "Storage used",
                "Share of each disk and the swap space that is in use; a spool that fills stops the mail.",
                "percentunit",
                Query(used(host("hrStorageUsed", DISKS), host("hrStorageSize", DISKS)), "{{hrStorageDescr}}"),
                empty="The host tells of no storage.",
                top=1,
                steps=((None, GREEN), (0.85, YELLOW), (0.95, RED)),
                span=8,
            ),
            lines(
                "Processes",
                "Processes of the names in the config; netmon counts them through hrSWRun.",
                "short",
                Query(f"max by (name) ({host('netmon_host_processes')})", "{{name}}"),
                empty="The config names no process of this host.",
                span=8,
            ),
            lines(
                "Traffic",
                "Traffic of the ten busiest interfaces, in and out.",
                "bps",
                Query(f"8 * ({busiest('ifName', host('ifHCInOctets'))})", "{{ifName}} in"),
                Query(f"8 * ({busiest('ifName', host('ifHCOutOctets'))})", "{{ifName}} out"),
                empty="The host tells of no interface with 64-bit counters.",
            ),
            timeline(
                "Modules read",
                "Whether each SNMP module was read in the latest run.",
                UP_DOWN,
                Query(f"max by (module) ({host('netmon_module_up')})", "{{module}}"),
                span=12,
            ),
        ],
    )
