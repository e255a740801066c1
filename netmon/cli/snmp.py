"""`netmon snmp get` and `walk`: an agent asked by hand, through the client that the agent polls with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from netmon.agent import close_context, make_context
from netmon.cli.common import (
    COMMUNITY_VARIABLE,
    DEFAULT_CONFIG,
    Json,
    did_you_mean,
    fail,
    in_loop,
    open_config,
    sentences,
)
from netmon.cli.mib import library_of
from netmon.cli.named import label, named_text
from netmon.cli.names import Names, Wish
from netmon.cli.targets import split_host_port
from netmon.cli.varbinds import as_json as varbind_json
from netmon.cli.varbinds import line
from netmon.config import Config
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.mib.modules import builtin_modules
from netmon.probes.base import Auth
from netmon.probes.snmp_target import target_of
from netmon.snmp.ber import NO_SUCH_OBJECT, Value, decode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import GET, NO_ERROR, NO_SUCH_NAME, Varbinds, error_name
from netmon.snmp.walk import walk

_LIMIT: Final = 1_000_000  # objects of one walk
_VERSIONS: Final = {"1": 1, "2": 2, "2c": 2}
_PORT: Final = 161

TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="A host of the config, HOST or HOST:PORT.")]
Oids = Annotated[list[str], typer.Argument(metavar="OID...", help="1.3.6.1.2.1.1, ifDescr.2, or a module.")]
Roots = Annotated[
    list[str] | None, typer.Argument(metavar="[OID]...", help="Roots: 1.3.6.1.2.1.1, ifDescr, if_mib.")
]
Version = Annotated[str | None, typer.Option("-v", "--version", help="1 or 2c; 2c if nothing else says.")]
Community = Annotated[
    str | None,
    typer.Option(
        "-c", "--community", envvar=COMMUNITY_VARIABLE, show_default=False,
        help="Better in the environment, since others see command lines.",
    ),
]  # fmt: skip
AuthName = Annotated[str | None, typer.Option("--auth", help="An entry of the config's auths.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The config; netmon.yml if it is there.")]
WithNames = Annotated[
    bool, typer.Option("--names", "-n", help="Show names and values as the MIBs have them.")
]
Timeout = Annotated[float, typer.Option("-t", "--timeout", min=0.01, max=60.0, help="Seconds per try.")]
Retries = Annotated[int, typer.Option("-r", "--retries", min=0, max=20, help="Further tries.")]


@dataclass(frozen=True, slots=True)
class _Options:
    """What the options say; None leaves it to the config or the default."""

    version: str | None
    community: Secret | None
    auth: str | None
    config: Path | None
    timeout: float  # seconds
    retries: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom to ask, and how."""

    config: Config | None
    host: str
    port: int
    auth: Auth
    timeout: float
    retries: int


def get_command(
    target: TargetName,
    oids: Oids,
    *,
    version: Version = None,
    community: Community = None,
    auth: AuthName = None,
    config: ConfigFile = None,
    names: WithNames = False,
    timeout: Timeout = 1.0,
    retries: Retries = 5,
    as_json: Json = False,
) -> None:
    """Read single objects, as snmpget does; numeric OIDs, as with its -On.

    For example:

        netmon snmp get sw1 sysUpTime sysName

        NETMON_COMMUNITY=... netmon snmp get 127.0.0.1:1161 1.3.6.1.2.1.1.5.0 --json
    """
    options = _Options(version, _secret(community), auth, config, timeout, retries)
    _command("get", target, oids, options, names=names, as_json=as_json)


def walk_command(
    target: TargetName,
    oids: Roots = None,
    *,
    version: Version = None,
    community: Community = None,
    auth: AuthName = None,
    config: ConfigFile = None,
    names: WithNames = False,
    timeout: Timeout = 1.0,
    retries: Retries = 5,
    as_json: Json = False,
) -> None:
    """Read whole subtrees, as snmpbulkwalk does (snmpwalk with -v 1); 1.3.6.1.2.1 if none is named.

    For example:

        netmon snmp walk sw1 if_mib --names

        NETMON_COMMUNITY=... netmon snmp walk -v 1 127.0.0.1:1161 1.3.6.1.2.1.1
    """
    roots = oids or ["1.3.6.1.2.1"]
    options = _Options(version, _secret(community), auth, config, timeout, retries)
    _command("walk", target, roots, options, names=names, as_json=as_json)


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _command(
    how: Literal["get", "walk"],
    target: str,
    oids: Sequence[str],
    options: _Options,
    *,
    names: bool,
    as_json: bool,
) -> None:
    with sentences():
        asked = _asked(target, options)
        known = Names(builtin_modules(), library_of(asked.config).tree)
        wishes = [wish for text in oids for wish in known.find(text)]
        try:
            varbinds = in_loop(_ask(how, asked, wishes))
        except SnmpError as error:
            fail(f"{error}. netmon explain {error.reason}")
    rows = zip(varbinds.oids, varbinds.tags, varbinds.values, strict=True)
    if as_json:
        typer.echo(json.dumps([_json(known, *row) for row in rows], indent=2))
        return
    for oid, tag, value in rows:
        named = known.name(oid) if names else None
        if named is None:
            typer.echo(line(f".{decode_oid(oid)}", tag, value))
        else:
            typer.echo(f"{named} = {named_text(named.node, tag, value, known.text)}")


def _json(known: Names, oid: bytes, tag: int, value: Value) -> dict[str, Any]:
    """One object, with the MIB's module and what it says of the value, as `up(1)`."""
    named = known.name(oid)
    if named is None:
        return varbind_json(oid, None, tag, value)
    text = None if named.node is None else label(named.node, tag, value)
    return varbind_json(oid, named.name, tag, value) | {"module": named.module or None, "text": text}


def _asked(target: str, options: _Options) -> _Asked:
    """A configured host has its address, port and auth from there; what is given here comes first."""
    wants_config = options.config or options.auth or DEFAULT_CONFIG.exists()
    config = open_config(options.config or DEFAULT_CONFIG) if wants_config else None
    found = _host(config, target)
    if found is None:
        host, port = split_host_port(target)
        found = host, port or _PORT, Auth()
    host, port, auth = found
    if options.auth is not None and config is not None:
        if options.auth not in config.auths:
            near = did_you_mean(options.auth, config.auths)
            raise NetmonError(f'{config.path} has no auth "{options.auth}"{near}')
        auth = config.auths[options.auth]
    if options.community is not None:
        auth = auth.model_copy(update={"community": options.community})
    if options.version is not None:
        if options.version not in _VERSIONS:
            raise NetmonError(f'SNMP version "{options.version}" is not one of 1, 2c')
        auth = auth.model_copy(update={"version": _VERSIONS[options.version]})
    return _Asked(config, host, port, auth, options.timeout, options.retries)


def _host(config: Config | None, name: str) -> tuple[str, int, Auth] | None:
    """Address, port and auth of a host of the config that has SNMP."""
    if config is None:
        return None
    for entry in config.hosts:
        for probe in entry.probes:
            if entry.host.name == name and probe.kind.name == "snmp":
                return entry.host.address, probe.settings.port, config.auths[probe.settings.auth]
    return None


async def _ask(how: Literal["get", "walk"], asked: _Asked, wishes: Sequence[Wish]) -> Varbinds:
    context = make_context(asked.config)
    try:
        address = (await context.resolver.addresses(asked.host))[0]
        target = target_of(asked.auth, address, asked.port, timeout=asked.timeout, retries=asked.retries)
        found = Varbinds()
        for wish in wishes:
            if how == "get":
                found.extend(await _get(context.snmp, target, wish.oid + b"\0" * wish.scalar))
            else:
                found.extend(await _walk(context.snmp, target, wish.oid))
        return found
    finally:
        await close_context(context)


async def _walk(client: Client, target: Target, root: bytes) -> Varbinds:
    """The subtree; where there is none, the object itself, as net-snmp's tools do."""
    found = await walk(client, target, root, Meter(), limit=_LIMIT)
    if found.oids:
        return found
    return await _get(client, target, root)


async def _get(client: Client, target: Target, oid: bytes) -> Varbinds:
    """One object, whose absence is an answer too.

    Asked one at a time, so that one that is missing in SNMPv1 does not take the others with it.
    """
    response = await client.request(target, GET, (oid,))
    if response.error_status == NO_SUCH_NAME:
        return Varbinds([oid], [NO_SUCH_OBJECT], [None])
    if response.error_status != NO_ERROR:
        raise NetmonError(
            f"GET of {decode_oid(oid)} to {target}: the agent says {error_name(response.error_status)}. "
            "netmon explain agent_error"
        )
    if response.varbinds.oids != [oid]:
        raise NetmonError(f"GET of {decode_oid(oid)} to {target}: the answer holds other objects than asked")
    return response.varbinds
