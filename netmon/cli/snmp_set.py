"""`netmon snmp set`: change objects of an agent, with everything checked before and read back after.

The order is fixed.  Names, values and `settings.allow` are checked without a packet; the present values
are read with the very credentials that will write; a person agrees; an audit line says what is about to
be sent; one SetRequest-PDU carries all (RFC 3416 §4.2.5: all of it is done, or none); everything is read
back, however it ended; a second audit line says so.  Exit codes: 0 all verified, 1 not set, refused or it
reads otherwise, 3 sent and nobody knows, 78 bad config.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from netmon import logs
from netmon.audit import Audit
from netmon.cli.common import DEFAULT_CONFIG, Json, fail, in_loop, open_config, sentences, shown
from netmon.cli.mib import library_of
from netmon.cli.set_report import Report
from netmon.cli.snmp_options import (
    AuthProtocolName,
    Community,
    ConfigFile,
    ContextName,
    LevelName,
    Options,
    PrivProtocolName,
    Retries,
    Security,
    Timeout,
    UserName,
    Version,
    address_of,
    asked,
    given_auth,
    version_of,
)
from netmon.config import Config
from netmon.config.auth_file import load_auths, read_by_others
from netmon.context import close_context, make_context
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.mib.node import MibError
from netmon.mib.settings import Assignment, SettingsError, parse_settings
from netmon.mib.tree import Tree
from netmon.probes.base import Auth, Context
from netmon.probes.snmp_target import target_of
from netmon.snmp import ber
from netmon.snmp.client import SnmpError, Target
from netmon.snmp.message import GET, NO_ERROR, NO_SUCH_NAME, error_name
from netmon.snmp.outcome import Credentials, Fate, Outcome, Varbind
from netmon.wording import did_you_mean

_V3: Final = 3

TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="A host of the config, HOST or HOST:PORT.")]
Settings = Annotated[
    list[str], typer.Argument(metavar="NAME=VALUE...", help="sysContact.0=noc, IF-MIB::ifAdminStatus.3=up.")
]
AuthName = Annotated[str | None, typer.Option("--auth", help="An entry of settings.auth_file.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and show, but send nothing that changes.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow SNMPv1, v2c, and v3 without privacy: others can read along.")
]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be set, where and as whom; all of it checked."""

    config: Config
    host: str
    port: int
    auth: Auth
    assignments: Sequence[Assignment]
    tree: Tree
    timeout: float
    retries: int
    name: str  # of the target, as it was typed


def set_command(
    target: TargetName,
    settings: Settings,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    insecure: Insecure = False,
    auth: AuthName = None,
    version: Version = None,
    community: Community = None,
    config: ConfigFile = None,
    user: UserName = None,
    level: LevelName = None,
    auth_protocol: AuthProtocolName = None,
    priv_protocol: PrivProtocolName = None,
    context: ContextName = None,
    timeout: Timeout = 3.0,
    retries: Retries = 2,
    as_json: Json = False,
) -> None:
    """Change objects, all in one SET, and read them back; only what settings.allow of the config names.

    For example:

        netmon snmp set sw1 sysContact.0=noc@example.org ifAlias.3='to core' --dry-run
    """
    logs.configure()
    with sentences():
        security = Security.given(user, level, auth_protocol, priv_protocol, context)
        secret = None if community is None else Secret(community)
        given = Options(version, secret, None, config, timeout, retries, security)
        try:
            plan = _plan(target, settings, given, auth, insecure=insecure)
        except SettingsError as error:
            for mistake in error.mistakes:
                typer.echo(f"netmon: {shown(mistake)}", err=True)
            raise typer.Exit(1) from None
        if not (yes or dry_run or sys.stdin.isatty()):
            fail("nobody is there to agree, since standard input is no terminal; say so beforehand: --yes")
        try:
            report = in_loop(_run(plan, yes=yes, dry_run=dry_run, quiet=as_json))
        except SnmpError as error:
            fail(f"{error}. Nothing was set. netmon explain {error.reason}")
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    elif report.outcome is None:
        typer.echo("dry run: nothing was set")
    else:
        for line in report.lines():
            typer.echo(line)
    raise typer.Exit(report.exit_code)


def _plan(target: str, texts: Sequence[str], given: Options, auth: str | None, *, insecure: bool) -> _Plan:
    """Everything that can be refused without a packet."""
    path = given.config or DEFAULT_CONFIG
    config = open_config(path)
    if not config.settings.allow:
        raise NetmonError(f"{path} allows nothing to be set; name objects: settings: {{allow: [sysContact]}}")
    tree = library_of(config).tree
    assignments = _assignments(texts, config, tree)
    # Of the target only the place: what may read is not what may write.
    place = asked(target, Options(None, None, None, path, given.timeout, given.retries))
    found = _auth(config, given, auth)
    if not insecure and not (found.version == _V3 and found.security_level == "authPriv"):
        is_now = found.security_level if found.version == _V3 else f"SNMPv{'2c' if found.version == 2 else 1}"  # noqa: PLR2004
        raise NetmonError(
            f"{is_now} lets others read or forge what is set; wanted SNMPv3 with authPriv, or --insecure"
        )
    return _Plan(
        config, place.host, place.port, found, assignments, tree, given.timeout, given.retries, target
    )


def _assignments(texts: Sequence[str], config: Config, tree: Tree) -> Sequence[Assignment]:
    """What is to be set.  Raises SettingsError with all mistakes, that of not being allowed among them."""
    roots = []
    for name in config.settings.allow:
        try:
            roots.append(tree.parse(name)[1])
        except MibError as error:
            raise NetmonError(f"{config.path}: settings.allow: {error}") from None
    mistakes: tuple[str, ...] = ()
    try:
        assignments = parse_settings(texts, tree)
    except SettingsError as error:
        mistakes, assignments = error.mistakes, error.sound
    refused = [one for one in assignments if not any(one.oid[: len(root)] == root for root in roots)]
    mistakes += tuple(
        f"{one.name} is not allowed by settings.allow of {config.path} "
        f"({', '.join(config.settings.allow)}); add it there: {one.node.name if one.node else one.name}"
        for one in refused
    )
    if mistakes:
        raise SettingsError(mistakes)
    return assignments


def _auth(config: Config, given: Options, name: str | None) -> Auth:
    """Who writes: an entry of the auth file, with what the command line gives over it."""
    file = config.settings.auth_file
    auths: Mapping[str, Auth] = {}
    if file is not None and (name is not None or not (given.community or given.security.user)):
        auths = load_auths(file, os.environ)
        if read_by_others(file):
            typer.echo(f"netmon: {file} can be read by others: chmod 600 {file}", err=True)
    if name is None and len(auths) == 1:
        (name,) = auths
    if name is not None:
        if name not in auths:
            where = (
                f"{file} has"
                if file is not None
                else f"{config.path} names no settings.auth_file, so there is"
            )
            raise NetmonError(f'{where} no auth "{name}"{did_you_mean(name, auths)}')
        base = auths[name]
    elif auths:
        raise NetmonError(f"{file} has several auths, {', '.join(auths)}: say which with --auth")
    elif given.community or given.security.user:
        base = Auth()
    else:
        raise NetmonError(
            "nothing says who may write: name an auth file, settings: {auth_file: set-auths.yml}, or give a "
            "user: -u USER"
        )
    return given_auth(base, version_of(given.version), given.community, given.security)


def _agreed(question: str, *, err: bool) -> bool:
    """What the person at the terminal says; Ctrl-C and the end of input are a no.

    The loop takes the first Ctrl-C for itself, to cancel what runs in it; no question hears of that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, err=err)
    except typer.Abort:
        typer.echo(err=err)
        return False
    finally:
        signal.signal(signal.SIGINT, before)


async def _run(plan: _Plan, *, yes: bool, dry_run: bool, quiet: bool) -> Report:
    from netmon.snmp.engine import open_engine  # noqa: PLC0415 - pysnmp is heavy, and only this needs it

    context = make_context(plan.config)
    try:
        address = await address_of(plan.host, context, plan.config)
        target = target_of(plan.auth, address, plan.port, timeout=plan.timeout, retries=plan.retries)
        before = [await _read(context, target, one) for one in plan.assignments]
        report = Report(plan.name, plan.assignments, before, lambda octets: _name(plan.tree, octets))
        asking = not (yes or dry_run)
        if asking or not quiet:
            for line in report.table():
                typer.echo(line, err=quiet)
        if dry_run:
            return report
        if asking and not _agreed(f"Set this on {plan.name}?", err=quiet):
            fail("nothing was set")
        audit = Audit(plan.config.state.path)
        facts: dict[str, Any] = {
            "target": plan.name, "address": str(target), "as": plan.auth.username or f"v{plan.auth.version}",
            "objects": report.facts(),
        }  # fmt: skip
        audit.write("snmp set: about to be sent", **facts)
        report.outcome = Outcome(Fate.UNKNOWN, why="it was interrupted")
        try:
            async with open_engine() as engine:
                report.outcome = await engine.set_objects(
                    _credentials(plan.auth), address, plan.port,
                    [Varbind(ber.encode_oid(one.oid), one.tag, one.value) for one in plan.assignments],
                    seconds=plan.timeout,
                )  # fmt: skip
            report.after = [await _read_back(context, target, one) for one in plan.assignments]
        finally:
            fates = {one.name: report.fate(n) if report.after else "unread"
                     for n, one in enumerate(plan.assignments)}  # fmt: skip
            audit.write(
                "snmp set: ended", **facts, outcome=report.outcome.fate.value, why=report.outcome.why,
                error_status=error_name(report.outcome.error_status),
                error_index=report.outcome.error_index, fates=fates,
            )  # fmt: skip
        return report
    finally:
        await close_context(context)


async def _read_back(context: Context, target: Target, one: Assignment) -> tuple[int, ber.Value] | None:
    try:
        return await _read(context, target, one)
    except SnmpError:
        return None


async def _read(context: Context, target: Target, one: Assignment) -> tuple[int, ber.Value] | None:
    """Tag and value; None where the agent does not let it be read.  Asked one at a time for SNMPv1's sake."""
    oid = ber.encode_oid(one.oid)
    response = await context.snmp.request(target, GET, (oid,))
    if response.error_status == NO_SUCH_NAME:
        return ber.NO_SUCH_OBJECT, None
    if response.error_status != NO_ERROR or response.varbinds.oids != [oid]:
        return None
    return response.varbinds.tags[0], response.varbinds.values[0]


def _credentials(auth: Auth) -> Credentials:
    return Credentials(
        auth.version, auth.community, auth.username, auth.security_level, auth.auth_protocol, auth.password,
        auth.priv_protocol, auth.priv_password, auth.context_name,
    )  # fmt: skip


def _name(tree: Tree, octets: bytes) -> str:
    return tree.name_of(ber.oid_numbers(octets))
