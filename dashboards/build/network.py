"""Network devices: interfaces, errors, utilisation and top talkers, and the polling itself."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    GREEN,
    PER_SECOND,
    PLAIN,
    RED,
    UP_DOWN,
    YELLOW,
    ZERO_IS_GOOD,
    Panel,
    Query,
    Steps,
    lines,
    number,
    ranking,
    rows,
    timeline,
)  # fmt: skip
from dashboards.build.promql import busiest, host, per_second

PORT = "host, ifName"
POLLS = 'probe="snmp"'


def _summed(metric: str) -> str:
    return f"sum by ({PORT}) ({per_second(host(metric))})"


def _most(metric: str) -> str:
    return busiest(PORT, host(metric))


def _used(metric: str) -> str:
    """Share of an interface's speed; those of no or unknown speed are left out."""
    speed = f"(max by ({PORT}) ({host('ifHighSpeed')}) > 0)"
    return f"8 * {_summed(metric)} / ({speed} * 1e6)"


def _fuller() -> str:
    inward, outward = _used("ifHCInOctets"), _used("ifHCOutOctets")
    return f"{inward} > {outward} or {outward}"


def network_dashboard() -> Dashboard:
    """Switches, routers and whatever else has interfaces."""
    return dashboard(
        "netmon-network",
        "Network devices",
        "Interfaces of the chosen hosts: traffic, utilisation, errors, and how SNMP polling goes.",
        [_interfaces(), _errors(), _power(), _polling()],
    )


def _interfaces() -> Row:
    return Row(
        "Interfaces",
        [
            number(
                "Interfaces up",
                "Interfaces that are up.",
                "short",
                Query(f"count(max by ({PORT}) ({host('ifOperStatus')}) == 1) or vector(0)"),
                span=6,
            ),
            number(
                "Interfaces down",
                "Interfaces that should be up and are not: administratively up, operationally down.",
                "short",
                Query(
                    f"count(max by ({PORT}) ({host('ifAdminStatus')}) == 1"
                    f" and max by ({PORT}) ({host('ifOperStatus')}) == 2) or vector(0)"
                ),
                steps=((None, GREEN), (1, YELLOW)),
                span=6,
            ),
            number(
                "Traffic in",
                "Traffic into all interfaces together.",
                "bps",
                Query(f"8 * sum({per_second(host('ifHCInOctets'))})"),
                span=6,
            ),
            number(
                "Traffic out",
                "Traffic out of all interfaces together.",
                "bps",
                Query(f"8 * sum({per_second(host('ifHCOutOctets'))})"),
                span=6,
            ),
            rows(
                "Interfaces that are down",
                "Interfaces that are administratively up and operationally down.",
                "none",
                Query(
                    f"max by (host, ifName, ifAlias) ({host('ifOperStatus')}) == 2"
                    f" and max by (host, ifName, ifAlias) ({host('ifAdminStatus')}) == 1"
                ),
                {"host": "Host", "ifName": "Interface", "ifAlias": "Alias"},
                sort="Host",
                empty="None.",
            ),
            lines(
                "Utilisation",
                "Share of its speed that each of the ten fullest interfaces carries, the fuller direction.",
                "percentunit",
                Query(
                    f"topk(10, {_fuller()})",
                    "{{host}} {{ifName}}",
                ),
                steps=((None, GREEN), (0.7, YELLOW), (0.9, RED)),
            ),
            lines(
                "Busiest interfaces, in",
                "The ten interfaces with most traffic coming in.",
                "bps",
                Query(f"8 * ({_most('ifHCInOctets')})", "{{host}} {{ifName}}"),
            ),
            lines(
                "Busiest interfaces, out",
                "The ten interfaces with most traffic going out.",
                "bps",
                Query(f"8 * ({_most('ifHCOutOctets')})", "{{host}} {{ifName}}"),
            ),
            ranking(
                "Top talkers",
                "The ten interfaces that carry most, both directions together.",
                "bps",
                Query(
                    f"sort_desc(topk(10, 8 * ({_summed('ifHCInOctets')} + {_summed('ifHCOutOctets')})))",
                    "{{host}} {{ifName}}",
                ),
            ),
            lines(
                "Packets",
                "Unicast packets through each host.",
                "pps",
                Query(f"sum by (host) ({per_second(host('ifHCInUcastPkts'))})", "{{host}} in"),
                Query(f"sum by (host) ({per_second(host('ifHCOutUcastPkts'))})", "{{host}} out"),
            ),
        ],
    )


def _errors() -> Row:
    return Row(
        "Errors",
        [
            lines(
                "Errors",
                "Packets with errors each second, of the ten worst interfaces: a bad cable, or duplex.",
                PER_SECOND,
                Query(_most("ifInErrors"), "{{host}} {{ifName}} in"),
                Query(_most("ifOutErrors"), "{{host}} {{ifName}} out"),
                steps=((None, GREEN), (1, RED)),
            ),
            lines(
                "Discards",
                "Packets thrown away each second, of the ten worst interfaces: mostly a full queue.",
                PER_SECOND,
                Query(_most("ifInDiscards"), "{{host}} {{ifName}} in"),
                Query(_most("ifOutDiscards"), "{{host}} {{ifName}} out"),
                steps=((None, GREEN), (1, YELLOW)),
            ),
        ],
    )


def _power() -> Row:
    return Row(
        "Devices",
        [
            lines(
                "Uptime of the SNMP agent",
                "sysUpTime: it begins with 0 when the agent starts, and again after 497 days.",
                "s",
                Query(f"max by (host) ({host('sysUpTime')}) / 100", "{{host}}"),
                span=8,
            ),
            lines(
                "UPS charge left",
                "Charge of each UPS's battery.",
                "percent",
                Query(f"min by (host) ({host('upsEstimatedChargeRemaining')})", "{{host}}"),
                empty="No UPS is among the chosen hosts.",
                steps=((None, RED), (30, YELLOW), (60, GREEN)),
                top=100,
                least_first=True,
                span=8,
            ),
            lines(
                "UPS load",
                "Load of each UPS in percent of what it can bear.",
                "percent",
                Query(f"max by (host) ({host('upsOutputPercentLoad')})", "{{host}}"),
                empty="No UPS is among the chosen hosts.",
                steps=((None, GREEN), (80, YELLOW), (95, RED)),
                top=100,
                span=8,
            ),
        ],
    )


def _rate_of(
    title: str, description: str, unit: str, metric: str, *, steps: Steps = PLAIN, span: int = 12
) -> Panel:
    """How often something happens with each host, by its counter."""
    query = Query(f"sum by (host) ({per_second(host(metric))})", "{{host}}")
    return lines(title, description, unit, query, steps=steps, span=span)


def _polling() -> Row:
    return Row(
        "Polling",
        [
            timeline(
                "Modules read",
                "Whether each SNMP module of each host was read in the latest run.",
                UP_DOWN,
                Query(f"max by (host, module) ({host('netmon_module_up')})", "{{host}} {{module}}"),
                height=12,
            ),
            lines(
                "Duration of polls",
                "How long the latest poll of each host took.",
                "s",
                Query(f"max by (host) ({host('netmon_check_duration_seconds', POLLS)})", "{{host}}"),
            ),
            _rate_of(
                "Requests",
                "SNMP requests sent to each host, repeated ones included.",
                "reqps",
                "netmon_snmp_packets_total",
            ),
            _rate_of(
                "Requests sent again",
                "Requests repeated for want of an answer: loss on the way, or a slow agent.",
                "reqps",
                "netmon_snmp_retries_total",
                steps=((None, GREEN), (1, YELLOW)),
            ),
            _rate_of(
                "Variable bindings",
                "Values that agents answered with.",
                PER_SECOND,
                "netmon_snmp_varbinds_total",
            ),
            _rate_of(
                "Rows that an agent told twice",
                "Series left out because the agent gave two rows the same labels.",
                PER_SECOND,
                "netmon_snmp_duplicate_series_total",
                steps=ZERO_IS_GOOD,
            ),
            _rate_of(
                "Values of the wrong type",
                "Values left out because their type is not that of the module.",
                PER_SECOND,
                "netmon_snmp_mismatched_values_total",
                steps=ZERO_IS_GOOD,
            ),
        ],
    )
