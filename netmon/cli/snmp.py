"""`netmon snmp get` and `walk`: an agent asked by hand, through the client that the agent polls with."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import typer

from netmon.cli.common import Json, fail, in_loop, sentences
from netmon.cli.mib import library_of
from netmon.cli.named import label, named_text
from netmon.cli.names import Names, Wish
from netmon.cli.snmp_options import (
    Asked,
    AuthName,
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
)
from netmon.cli.varbinds import as_json as varbind_json
from netmon.cli.varbinds import line
from netmon.context import close_context, make_context
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.mib.modules import builtin_modules
from netmon.snmp.ber import NO_SUCH_OBJECT, Value, decode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import GET, NO_ERROR, NO_SUCH_NAME, Varbinds, error_name
from netmon.snmp.walk import reason_of, walk

_LIMIT: Final = 1_000_000  # objects of one walk
_OCTETS: Final = 512 << 20  # of its answers

TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="A host of the config, HOST or HOST:PORT.")]
Oids = Annotated[list[str], typer.Argument(metavar="OID...", help="1.3.6.1.2.1.1, ifDescr.2, or a module.")]
Roots = Annotated[
    list[str] | None, typer.Argument(metavar="[OID]...", help="Roots: 1.3.6.1.2.1.1, ifDescr, if_mib.")
]
WithNames = Annotated[
    bool, typer.Option("--names", "-n", help="Show names and values as the MIBs have them.")
]


def get_command(
    target: TargetName,
    oids: Oids,
    *,
    version: Version = None,
    community: Community = None,
    auth: AuthName = None,
    config: ConfigFile = None,
    user: UserName = None,
    level: LevelName = None,
    auth_protocol: AuthProtocolName = None,
    priv_protocol: PrivProtocolName = None,
    context: ContextName = None,
    names: WithNames = False,
    timeout: Timeout = 1.0,
    retries: Retries = 5,
    as_json: Json = False,
) -> None:
    """Read single objects, as snmpget does; numeric OIDs, as with its -On.

    For example:

        netmon snmp get sw1 sysUpTime sysName

        NETMON_COMMUNITY=... netmon snmp get 127.0.0.1:1161 1.3.6.1.2.1.1.5.0 --json

        NETMON_AUTH_PASSWORD=... NETMON_PRIV_PASSWORD=... netmon snmp get sw1 sysName -u netmon -a SHA256
    """
    security = Security.given(user, level, auth_protocol, priv_protocol, context)
    options = Options(version, _secret(community), auth, config, timeout, retries, security)
    _command("get", target, oids, options, names=names, as_json=as_json)


def walk_command(
    target: TargetName,
    oids: Roots = None,
    *,
    version: Version = None,
    community: Community = None,
    auth: AuthName = None,
    config: ConfigFile = None,
    user: UserName = None,
    level: LevelName = None,
    auth_protocol: AuthProtocolName = None,
    priv_protocol: PrivProtocolName = None,
    context: ContextName = None,
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
    security = Security.given(user, level, auth_protocol, priv_protocol, context)
    options = Options(version, _secret(community), auth, config, timeout, retries, security)
    _command("walk", target, roots, options, names=names, as_json=as_json)


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _command(
    how: Literal["get", "walk"],
    target: str,
    oids: Sequence[str],
    options: Options,
    *,
    names: bool,
    as_json: bool,
) -> None:
    with sentences():
        agent = asked(target, options)
        own = None if agent.config is None else agent.config.modules
        known = Names(builtin_modules(), library_of(agent.config).tree, own)
        wishes = [wish for text in oids for wish in known.find(text)]
        try:
            varbinds = in_loop(_ask(how, agent, wishes))
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


async def _ask(how: Literal["get", "walk"], agent: Asked, wishes: Sequence[Wish]) -> Varbinds:
    context = make_context(agent.config)
    try:
        address = await address_of(agent.host, context, agent.config)
        target = agent.target(address)
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
    found = await walk(client, target, root, Meter(most=_OCTETS), limit=_LIMIT)
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
            f"netmon explain {reason_of(response.error_status)}"
        )
    if response.varbinds.oids != [oid]:
        raise NetmonError(f"GET of {decode_oid(oid)} to {target}: the answer holds other objects than asked")
    return response.varbinds
