"""Pieces of PromQL: selectors that follow the variables, and sets of states as one number; pure.

Every selector names `job`, and `host` where the series has one, so that a choice at the top of the
dashboard holds for every panel.  Series of one host and one scrape are joined on (job, instance, host),
as in netmon.rules.yml: two agents which know the same host are never an error.
"""

from collections.abc import Iterable
from typing import Final

# What a panel says whose series have no host.
ALL_HOSTS: Final = "The choice of hosts and sites does not narrow it."
SAME_HOST: Final = "on (job, instance, host)"


def host(metric: str, more: str = "") -> str:
    """Series of the chosen hosts."""
    return f'{metric}{{job=~"$job",host=~"$host"{"," + more if more else ""}}}'


def agent(metric: str, more: str = "") -> str:
    """Series that an agent has of itself."""
    return f'{metric}{{job=~"$job"{"," + more if more else ""}}}'


def per_second(selector: str) -> str:
    """The rate of a counter, over at least four scrapes."""
    return f"rate({selector}[$__rate_interval])"


def increase(selector: str) -> str:
    """What a counter gained, per step of the panel."""
    return f"increase({selector}[$__rate_interval])"


def busiest(labels: str, selector: str) -> str:
    """The rates of those ten that gained most in all the time shown.

    topk() of the rates themselves chooses anew at each step: curves come and go, and the legend gives
    what each had when it went.
    """
    whole = f"sum by ({labels}) (increase({selector}[$__range] @ end()))"
    return f"sum by ({labels}) ({per_second(selector)})\n  and\ntopk(10, {whole})"


def gained(selector: str) -> str:
    """What a counter gained, its first sample included.

    A series that begins with its first event shows increase() nothing of that event.
    """
    return f"(({selector} unless {selector} offset $__rate_interval) or {increase(selector)})"


def presence(labels: str, selector: str) -> str:
    """1 while a series is there, 0 while it is not but was before within the time shown.

    A band of a state timeline goes on until the next value comes, so the end of a series needs one.
    """
    return (
        f"max by ({labels}) ({selector})\n  or\nmax by ({labels}) (max_over_time({selector}[$__range])) * 0"
    )


def state_number(metric: str, label: str, states: Iterable[str], first: int = 0) -> str:
    """The place of the state that a stateset is in, per host, counted from `first`.

    Grafana draws a state timeline from one number a row; value mappings give the names back.
    """
    places = enumerate(states, first)
    terms = [f"({host(metric, _is(label, state))} == 1) * {number}" for number, state in places]
    return "max by (host) (\n  " + "\n    or\n  ".join(terms) + "\n)"


def _is(label: str, value: str) -> str:
    return f'{label}="{value}"'
