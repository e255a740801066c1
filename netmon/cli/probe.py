"""`netmon probe`: one run now of a host's checks, or of one that a URL names."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic_core import PydanticCustomError
from typer.core import TyperCommand

from netmon.cli.common import (
    COMMUNITY_VARIABLE,
    DEFAULT_CONFIG,
    Json,
    complete_host,
    draws_blocks,
    in_loop,
    open_config,
    paints,
)
from netmon.cli.domain import SCHEME, DomainOutcome, domain_json, domain_lines, domain_of, look_at
from netmon.cli.snmp_options import (
    AuthProtocolName,
    ContextName,
    LevelName,
    PrivProtocolName,
    Security,
    UserName,
    version_of,
)
from netmon.cli.targets import MAILFLOW_URL, Wanted, check_of_mailflow, check_of_url, checks_of_host
from netmon.cli.verdict import Outcome, Status, first_line, look, plain
from netmon.cli.waterfall import render
from netmon.config import Config, ConfigError, DomainConfig
from netmon.context import close_context, ehlo_name, make_context
from netmon.errors import NetmonError
from netmon.explain import REASONS
from netmon.fields import Secret, parse_duration
from netmon.loading import modules_of
from netmon.mib.modules import builtin_modules
from netmon.model import Check
from netmon.status import row_of, to_json
from netmon.store import Store


class PluginCommand(TyperCommand):
    """A command whose wrong arguments are UNKNOWN (3), since 2 means that the service is down."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any command; typer's base class for its usage errors differs between its versions."""
        try:
            return super().parse_args(ctx, args)
        except typer.Exit:
            raise
        except Exception as error:
            if hasattr(error, "exit_code"):
                error.exit_code = int(Status.UNKNOWN)
            raise


def probe_command(
    target: Annotated[
        str,
        typer.Argument(
            help="A host or domain of the config, or a URL: smtp://mx1:25.", autocompletion=complete_host
        ),
    ],
    probe: Annotated[
        str | None, typer.Argument(help="One of the host's probes: smtp, or smtp:25; all if left out.")
    ] = None,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", readable=False, help="The config file; netmon.yml if left out.")
    ] = None,
    auth: Annotated[str | None, typer.Option(help="SNMP: an entry of the config's auths.")] = None,
    community: Annotated[
        str | None,
        typer.Option(
            "--community", "-c", envvar=COMMUNITY_VARIABLE, show_default=False,
            help="SNMP; better in the environment, since others see command lines.",
        ),
    ] = None,
    snmp_version: Annotated[str | None, typer.Option("--snmp-version", "-v", help="1, 2c or 3.")] = None,
    user: UserName = None,
    level: LevelName = None,
    auth_protocol: AuthProtocolName = None,
    priv_protocol: PrivProtocolName = None,
    context: ContextName = None,
    module: Annotated[list[str] | None, typer.Option(help="SNMP: a module to read; may repeat.")] = None,
    tls_name: Annotated[str | None, typer.Option(help="The name that the certificate must be for.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Whom to trust; the system's if left out.")] = None,
    dkim: Annotated[
        list[str] | None, typer.Option(help="policy: a DKIM selector of the domain; may repeat.")
    ] = None,
    validating: Annotated[
        bool, typer.Option("--validating", help="policy: the DNS servers check DNSSEC (dns.validating).")
    ] = False,
    timeout: Annotated[str | None, typer.Option(help="For one answer, as 10s or 500ms.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Probe now, once: phases, dialogue, result, and the verdict of what was tested.

    The exit code is a Nagios plugin's: 0 ok, 1 warning (degraded), 2 critical (down), 3 unknown (could
    not be tested); so is the first line, with performance data unless a terminal reads it.  Secrets
    come from the config, or from the environment as NETMON_COMMUNITY, NETMON_AUTH_PASSWORD and
    NETMON_PRIV_PASSWORD.  Examples:

        netmon probe mx1

        netmon probe mx1 smtp:25 --json

        netmon probe smtp://mx1.example.org:25

        netmon probe domain://example.org

        netmon probe submissions://mx1.example.org --tls-name mail.example.org

        netmon probe mailflow://example

        netmon probe policy://example.org --dkim mail2026 --validating

        NETMON_COMMUNITY=... netmon probe snmp://sw1

        NETMON_COMMUNITY=... netmon probe snmp://sw1 --module if_mib

        NETMON_AUTH_PASSWORD=... netmon probe snmp://sw1 -v 3 --user netmon --auth-protocol SHA256
    """
    try:
        wanted = Wanted(
            auth,
            None if community is None else Secret(community),
            version_of(snmp_version),
            module or (),
            tls_name,
            ca_file,
            _seconds(timeout),
            Security.given(user, level, auth_protocol, priv_protocol, context),
            dkim or (),
        )
        if (domain := _domain(target, probe, config, wanted)) is not None:
            _tell_domain(in_loop(_look_at(*domain)), as_json=as_json)
        found, checks = _checks(target, probe, config, wanted)
        outcome = in_loop(_look(found, checks, validating=validating))
    except ConfigError as error:
        _unknown("; ".join(map(str, error.mistakes)))
    except (NetmonError, OSError) as error:
        _unknown(str(error))
    if as_json:
        typer.echo(json.dumps(_json(outcome), indent=2))
    else:
        first = first_line(outcome)
        typer.echo(first.partition(" | ")[0] if sys.stdout.isatty() else first)
        for line in render(outcome, blocks=draws_blocks(), colours=paints()):
            typer.echo(line)
    raise typer.Exit(int(outcome.status))


def _domain(
    target: str, probe: str | None, path: Path | None, wanted: Wanted
) -> tuple[DomainConfig, Config | None] | None:
    """The domain that is meant, and the config with it; None: no domain is meant."""
    url = "://" in target
    if url and not target.startswith(f"{SCHEME}://"):
        return None
    # A URL stands for itself, as those of servers do.
    config = open_config(path or DEFAULT_CONFIG) if path is not None or not url else None
    domain = domain_of(target, config, wanted)
    if domain is not None and probe is not None:
        raise NetmonError(
            f'{domain.name} is a domain, whose servers are probed by smtp alone; leave "{probe}" away, or '
            f"for what it publishes: netmon probe policy://{domain.name}"
        )
    return None if domain is None else (domain, config)


async def _look_at(domain: DomainConfig, config: Config | None) -> DomainOutcome:
    context = make_context(config, ehlo_name(config))
    try:
        return await look_at(domain, config, context)
    finally:
        await close_context(context)


def _tell_domain(outcome: DomainOutcome, *, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps(domain_json(outcome), indent=2))
    else:
        for line in domain_lines(outcome, blocks=draws_blocks()):
            typer.echo(line)
    raise typer.Exit(int(outcome.status))


def _checks(
    target: str, probe: str | None, path: Path | None, wanted: Wanted
) -> tuple[Config | None, Sequence[Check]]:
    modules = builtin_modules()
    if "://" not in target:
        known = open_config(path or DEFAULT_CONFIG)
        return known, checks_of_host(known, target, probe, wanted, modules_of(known, modules))
    if probe is not None:
        raise NetmonError(f'a URL names its probe already; leave "{probe}" away')
    if target.startswith(MAILFLOW_URL):
        known = open_config(path or DEFAULT_CONFIG)
        return known, check_of_mailflow(known, target, wanted)
    # A URL stands for itself: a netmon.yml that happens to lie here is asked only when it is wanted.
    wants_config = path is not None or wanted.auth is not None
    config = open_config(path or DEFAULT_CONFIG) if wants_config else None
    if config is None:
        return None, check_of_url(target, wanted, {}, modules)
    return config, check_of_url(target, wanted, config.auths, modules_of(config, modules))


async def _look(config: Config | None, checks: Sequence[Check], *, validating: bool) -> Outcome:
    context = make_context(config, ehlo_name(config) if any(check.role for check in checks) else "")
    context.resolver.validating = context.resolver.validating or validating
    try:
        return await look(checks, context)
    finally:
        await close_context(context)


def _json(outcome: Outcome) -> dict[str, Any]:
    """The host as `/api/hosts` has it, under the exit code and with the reasons explained."""
    host = outcome.states[0].check.host
    store = Store()
    store.plan([host], [state.check for state in outcome.states])
    for state in outcome.states:
        if state.observation is not None:
            store.put(state.observation)
    store.put_verdict(outcome.host_verdict)
    reasons = {state.reason for state in outcome.states}
    return {
        "status": outcome.status.name,
        "code": int(outcome.status),
        **to_json(row_of(store, host)),
        "modules_auto": {
            key.endpoint: [found._asdict() for found in choice] for key, choice in outcome.choices.items()
        },
        "explanations": {reason.value: REASONS[reason].means for reason in sorted(reasons)},
    }


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except PydanticCustomError as error:
        raise NetmonError(f'--timeout "{text}" {error.message()}') from None
    if not 0 < seconds <= 60:  # noqa: PLR2004 - as the config's
        raise NetmonError(f'--timeout "{text}" is out of range, wanted up to 60s')
    return seconds


def _unknown(sentence: str) -> NoReturn:
    """On standard output, which is what monitoring systems show."""
    typer.echo(f"NETMON UNKNOWN - {plain(sentence)}")
    raise typer.Exit(int(Status.UNKNOWN))
