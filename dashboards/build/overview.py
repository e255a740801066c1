"""Overview: every host's verdict, what is wrong now and why, and domains."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    GREEN,
    PRESENT,
    RED,
    YELLOW,
    ZERO_IS_GOOD,
    Query,
    State,
    lines,
    number,
    rows,
    timeline,
)  # fmt: skip
from dashboards.build.promql import ALL_HOSTS, SAME_HOST, agent, host, presence, state_number
from dashboards.build.states import AGREEMENT_COLORS, STATE_COLORS, VERDICT_COLORS, VERDICTS
from netmon.model import VerdictName

NO_DOMAIN = "The config has no domain."
DOWN = "host_down|device_down|mail_down|mail_starved|path_filtered"
UNWELL = 'verdict!="healthy"'
MATRIX = f"""sort(max by (host, site, verdict, mail, snmp) (
  time() - {host("netmon_host_verdict_since_timestamp_seconds")}
    * {SAME_HOST} group_left (site) {host("netmon_host_info")}
    * {SAME_HOST} group_left (verdict) ({host("netmon_host_verdict")} == 1)
    * {SAME_HOST} group_left (mail)
      label_replace({host("netmon_host_mail_state")} == 1, "mail", "$1", "state", "(.+)")
    * {SAME_HOST} group_left (snmp)
      label_replace({host("netmon_host_snmp_state")} == 1, "snmp", "$1", "state", "(.+)")
))"""
WRONG = f"""max by (host, verdict, finding) (
  {host("netmon_host_finding")} * {SAME_HOST} group_left (verdict)
    ({host("netmon_host_verdict", UNWELL)} == 1)
)"""
# A fact that no host shows any more has none: without the 0, the legend goes on to give its last number.
FACTS = "count by (finding) (max by (host, finding) ({}))"
CAUSES = f"""max by (host, verdict, finding) (
  {host("netmon_host_cause")} * {SAME_HOST} group_left (verdict) ({host("netmon_host_verdict")} == 1)
)"""


def _hosts(verdicts: str) -> str:
    verdict = f'verdict=~"{verdicts}"'
    return f"sum(max by (host, verdict) ({host('netmon_host_verdict', verdict)}))"


def overview_dashboard() -> Dashboard:
    """All hosts at one look."""
    return dashboard(
        "netmon-overview",
        "Overview",
        "Which hosts are well, which are not, and why, as netmon's verdicts have it.",
        [_now(), _hosts_row(), _agreement(), _domains()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            number(
                "Healthy hosts",
                "Hosts of which SNMP and mail say nothing bad.",
                "short",
                Query(_hosts("healthy")),
                steps=((None, RED), (1, GREEN)),
            ),
            number(
                "Hosts down",
                "Hosts to look at now: the host, the device, its mail or the way to it is down.",
                "short",
                Query(_hosts(DOWN)),
                steps=ZERO_IS_GOOD,
            ),
            number(
                "Degraded hosts",
                "Hosts that work, but not as they should; working hours are early enough.",
                "short",
                Query(_hosts("mail_degraded|agent_down|device_degraded")),
                steps=((None, GREEN), (1, YELLOW)),
            ),
            number(
                "Not known",
                "Hosts that could not be tested, or that stand behind an upstream that is down.",
                "short",
                Query(_hosts("unknown|unreachable")),
                steps=((None, GREEN), (1, YELLOW)),
            ),
            number(
                "Silenced hosts",
                "Hosts about which no alert is sent: a silence, a maintenance window or a reboot.",
                "short",
                Query(f"sum(max by (host) ({host('netmon_host_silenced')}))"),
                steps=((None, GREEN), (1, YELLOW)),
            ),
            number(
                "Agent isolated",
                "Whether most hosts fell silent at once, so that netmon takes itself for cut off.",
                "none",
                Query(f"max({agent('netmon_agent_isolated')})"),
                steps=ZERO_IS_GOOD,
                states=(State(0, "no", GREEN), State(1, "yes", RED)),
            ),
            rows(
                "What is wrong now",
                "Each fact that speaks against an unwell host; netmon explain FINDING says what to do.",
                "none",
                Query(WRONG),
                {"host": "Host", "verdict": "Verdict", "finding": "Finding"},
                colors=VERDICT_COLORS,
                sort="Host",
                empty="Nothing is wrong.",
            ),
            rows(
                "Why: causes of mail faults",
                "Facts of SNMP or traps that explain why a host's mail does not work.",
                "none",
                Query(CAUSES),
                {"host": "Host", "verdict": "Verdict", "finding": "Cause"},
                colors=VERDICT_COLORS,
                sort="Host",
                empty="No cause is known.",
            ),
        ],
    )


def _hosts_row() -> Row:
    found = host("netmon_host_finding")
    return Row(
        "Hosts",
        [
            timeline(
                "Verdicts",
                "The confirmed verdict over each host, and when it changed.",
                VERDICTS,
                Query(state_number("netmon_host_verdict", "verdict", VerdictName, 1), "{{host}}"),
                height=12,
            ),
            rows(
                "Verdict matrix",
                "Each host's verdict, what mail and SNMP say, and how long it has held; the latest first.",
                "s",
                Query(MATRIX),
                {"host": "Host", "site": "Site", "verdict": "Verdict", "mail": "Mail", "snmp": "SNMP"},
                value="For",
                colors={**VERDICT_COLORS, **{name: c for name, c in STATE_COLORS.items() if name != "none"}},
                span=24,
                height=10,
            ),
            lines(
                "Hosts by verdict",
                "How many hosts have which verdict.",
                "short",
                Query(
                    f"sum by (verdict) (max by (host, verdict) ({host('netmon_host_verdict')}))",
                    "{{verdict}}",
                ),
                stacked=True,
                stepped=True,
                colors=VERDICT_COLORS,
            ),
            lines(
                "Findings",
                "How many hosts show which fact.",
                "short",
                Query(
                    f"{FACTS.format(found)}\n  or\n{FACTS.format(f'max_over_time({found}[$__range])')} * 0",
                    "{{finding}}",
                ),
                stacked=True,
                stepped=True,
                empty="No finding.",
            ),
            timeline(
                "Flapping",
                "Hosts whose verdict changes too often for anybody to act on it.",
                (State(0, "steady", GREEN), State(1, "flapping", YELLOW)),
                Query(f"max by (host) ({host('netmon_host_flapping')})", "{{host}}"),
                span=12,
            ),
            rows(
                "Alerts",
                f"netmon's own alerts that hold now; Prometheus's rules have the same names. {ALL_HOSTS}",
                "short",
                Query(f"sum by (alertname, severity) ({agent('netmon_alerts')}) > 0"),
                {"alertname": "Alert", "severity": "Severity"},
                value="Hosts",
                empty="No alert holds.",
                colors={"page": RED, "ticket": YELLOW},
            ),
        ],
    )


def _domains() -> Row:
    return Row(
        "Domains",
        [
            rows(
                "Verdicts over domains",
                "Whether mail for a domain finds a server that accepts it, and for how long that has been so."
                f" {ALL_HOSTS}",
                "s",
                Query(
                    "sort(max by (domain, verdict) (\n"
                    f"  time() - {agent('netmon_domain_verdict_since_timestamp_seconds')}\n"
                    "    * on (job, instance, domain) group_left (verdict)"
                    f" ({agent('netmon_domain_verdict')} == 1)\n))"
                ),
                {"domain": "Domain", "verdict": "Verdict"},
                value="For",
                empty=NO_DOMAIN,
                colors={"ok": GREEN, "healthy": GREEN, "degraded": YELLOW, "down": RED},
            ),
            lines(
                "Mail servers that accept",
                f"How many of a domain's mail servers accept mail, beside how many DNS names. {ALL_HOSTS}",
                "short",
                Query(f"max by (domain) ({agent('netmon_domain_mx_accepting')})", "{{domain}} accepting"),
                Query(f"max by (domain) ({agent('netmon_domain_mx')})", "{{domain}} in DNS"),
                stepped=True,
                empty=NO_DOMAIN,
            ),
            timeline(
                "DNS answers for the domain",
                f"Whether DNS answers; while it does not, the last good answer stays in use. {ALL_HOSTS}",
                (State(0, "silent", RED), State(1, "answers", GREEN)),
                Query(f"max by (domain) ({agent('netmon_domain_dns_answers')})", "{{domain}}"),
                empty=NO_DOMAIN,
                span=8,
            ),
            lines(
                "Age of the last answer of DNS",
                f"Time since DNS last answered for a domain's MX records. {ALL_HOSTS}",
                "s",
                Query(
                    f"time() - max by (domain) ({agent('netmon_domain_dns_last_answer_timestamp_seconds')})",
                    "{{domain}}",
                ),
                empty=NO_DOMAIN,
                span=8,
            ),
            timeline(
                "What DNS tells of a domain",
                f"Facts of a domain's DNS, as a null MX or an alias. {ALL_HOSTS}",
                PRESENT,
                Query(presence("domain, finding", agent("netmon_domain_finding")), "{{domain}} {{finding}}"),
                empty="None in this time.",
                span=8,
            ),
        ],
    )


def _agreement() -> Row:
    now = f"max by (host, agreement) ({host('netmon_host_agreement')})"
    return Row(
        "SNMP and mail",
        [
            lines(
                "Agreement of SNMP and mail",
                "Hosts that work by both, by one alone, or by neither; untold: one was not tested.",
                "short",
                Query(f"sum by (agreement) ({now})", "{{agreement}}"),
                stacked=True,
                stepped=True,
                colors=AGREEMENT_COLORS,
            ),
            rows(
                "Agreement over time",
                f"Share of the tested time of all hosts that SNMP and mail said this. {ALL_HOSTS}",
                "percentunit",
                Query(f"sort_desc(max by (window, agreement) ({agent('netmon_agreement_ratio')}) >= 0)"),
                {"window": "Window", "agreement": "Agreement"},
                value="Share",
                sort="Window",
                empty="No host was tested by both.",
                colors=AGREEMENT_COLORS,
            ),
        ],
    )
