"""`netmon trap send`: one trap or inform, to see whether a receiver takes it.

Names and values are checked against the MIB before anything is sent, and what the notification should
carry and does not is told.  Nobody ever answers a trap, so 0 says only that it was sent; of an inform it
says that the receiver acknowledged it.
"""

import fcntl
import ipaddress
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic_core import PydanticCustomError

from netmon.cli.common import (
    DEFAULT_CONFIG,
    Json,
    fail,
    in_loop,
    open_config,
    sentences,
    shown,
    split_host_port,
)
from netmon.cli.mib import library_of
from netmon.cli.snmp_options import (
    AuthName,
    AuthProtocolName,
    Community,
    ConfigFile,
    ContextName,
    LevelName,
    PrivProtocolName,
    Retries,
    Security,
    Timeout,
    UserName,
    Version,
    address_of,
    given_auth,
    version_of,
)
from netmon.config import Config
from netmon.config.traps import engine_id as read_engine_id
from netmon.context import close_context, make_context
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.mib.node import Node
from netmon.mib.settings import Assignment, SettingsError, parse_varbinds
from netmon.mib.tree import Tree
from netmon.probes.base import Auth
from netmon.snmp import ber
from netmon.snmp.outcome import Credentials, Varbind
from netmon.traps import own_engine
from netmon.wording import did_you_mean

PORT: Final = 162
_V3: Final = 3
_MAX_TICKS: Final = 2**32
_TRAP_ADDRESS: Final = ber.encode_oid("1.3.6.1.6.3.18.1.3.0")

TargetName = Annotated[
    str, typer.Argument(metavar="TARGET", help="The receiver: a host of the config, HOST or HOST:PORT.")
]
TrapName = Annotated[str, typer.Argument(metavar="TRAP", help="IF-MIB::linkDown, coldStart or an OID.")]
Varbinds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VARBIND]...", help="ifIndex.3=3 ifAdminStatus.3=up 1.3.6.1.4.1.9.1.0=s:text."),
]
AsInform = Annotated[bool, typer.Option("--inform", help="An inform: wait until the receiver acknowledges.")]
EngineIdText = Annotated[
    str | None,
    typer.Option("--engine-id", help="SNMPv3 traps: hex; one is made and kept for you if left out."),
]
AgentAddress = Annotated[
    str | None, typer.Option(help="The origin: agent-addr of SNMPv1, else the varbind snmpTrapAddress.0.")
]
UpTime = Annotated[
    int | None, typer.Option(min=0, max=_MAX_TICKS - 1, help="sysUpTime.0 in hundredths of a second.")
]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be sent, where and as whom; all of it checked."""

    config: Config | None
    host: str
    port: int
    auth: Auth
    trap: tuple[int, ...]
    name: str
    varbinds: Sequence[Varbind]
    uptime: int
    inform: bool
    engine_id: bytes
    timeout: float
    retries: int


def send_command(
    target: TargetName,
    trap: TrapName,
    varbinds: Varbinds = None,
    *,
    inform: AsInform = False,
    version: Version = None,
    community: Community = None,
    auth: AuthName = None,
    config: ConfigFile = None,
    user: UserName = None,
    level: LevelName = None,
    auth_protocol: AuthProtocolName = None,
    priv_protocol: PrivProtocolName = None,
    context: ContextName = None,
    engine_id: EngineIdText = None,
    agent_address: AgentAddress = None,
    uptime: UpTime = None,
    timeout: Timeout = 3.0,
    retries: Retries = 2,
    as_json: Json = False,
) -> None:
    """Send a trap, or an inform and wait for its acknowledgement: exit 0 if there was one, or 1.

    For example:

        netmon trap send 127.0.0.1 IF-MIB::linkDown ifIndex.3=3 ifAdminStatus.3=up ifOperStatus.3=down

        NETMON_AUTH_PASSWORD=... NETMON_PRIV_PASSWORD=... netmon trap send nms coldStart -u noc -a SHA256
    """
    with sentences():
        wants_config = config or auth or DEFAULT_CONFIG.exists()
        known = open_config(config or DEFAULT_CONFIG) if wants_config else None
        security = Security.given(user, level, auth_protocol, priv_protocol, context)
        secret = None if community is None else Secret(community)
        as_whom = given_auth(_auth(known, auth), version_of(version), secret, security)
        host, port = _place(known, target)
        tree = library_of(known).tree
        try:
            assignments = parse_varbinds(varbinds or (), tree)
            node, oid = _trap(trap, tree)
        except SettingsError as error:
            for mistake in error.mistakes:
                typer.echo(f"netmon: {shown(mistake)}", err=True)
            raise typer.Exit(1) from None
        for sentence in _missing(node, assignments):
            typer.echo(f"netmon: {sentence}", err=True)
        sent = [Varbind(ber.encode_oid(one.oid), one.tag, one.value) for one in assignments]
        if agent_address is not None:
            sent.append(Varbind(_TRAP_ADDRESS, ber.IP_ADDRESS, _ipv4(agent_address)))
        plan = _Plan(
            known, host, port, as_whom, oid, tree.name_of(oid), sent,
            int(time.monotonic() * 100) % _MAX_TICKS if uptime is None else uptime,
            inform, _engine_id(engine_id), timeout, retries,
        )  # fmt: skip
        told = in_loop(_run(plan))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(told["text"])
    raise typer.Exit(0 if told["ok"] else 1)


def _auth(config: Config | None, name: str | None) -> Auth:
    if name is None or config is None:
        return Auth()
    if name not in config.auths:
        raise NetmonError(f'{config.path} has no auth "{name}"{did_you_mean(name, config.auths)}')
    return config.auths[name]


def _place(config: Config | None, target: str) -> tuple[str, int]:
    """Host and port.  A host of the config is named without its port of SNMP, which takes no traps."""
    host, port = split_host_port(target)
    for entry in config.hosts if config is not None else ():
        if entry.host.name == host:
            host = entry.host.address
            break
    return host, port or PORT


def _trap(text: str, tree: Tree) -> tuple[Node | None, tuple[int, ...]]:
    """The notification; numbers need not be known.  Raises NetmonError."""
    node, oid = tree.parse(text)
    if node is not None and node.kind == "notification" and node.oid == oid:
        return node, oid
    if text.lstrip(".").replace(".", "").isdecimal():
        return None, oid
    what = "nothing" if node is None else f"a {node.kind}"
    raise NetmonError(f'"{shown(text)}" is {what}, not a notification; netmon mib find Down lists some')


def _missing(node: Node | None, given: Sequence[Assignment]) -> Iterator[str]:
    """What the notification carries by its definition and this one does not."""
    names = {one.node.name for one in given if one.node is not None}
    missing = [name for name in node.objects if name not in names] if node is not None else []
    if node is not None and missing:
        yield (
            f"{node.full_name} carries {', '.join(node.objects)}; {', '.join(missing)} will be missing,"
            f" as {missing[0]}.INSTANCE=VALUE"
        )


def _ipv4(text: str) -> bytes:
    try:
        return ipaddress.IPv4Address(text).packed
    except ValueError:
        raise NetmonError(
            f'--agent-address "{text}" is not an IPv4 address, and holds nothing else'
        ) from None


def _engine_id(text: str | None) -> bytes:
    try:
        return bytes.fromhex(read_engine_id(text)) if text is not None else b""
    except PydanticCustomError as error:
        raise NetmonError(f'--engine-id "{text}" {error.message()}') from None


async def _run(plan: _Plan) -> dict[str, object]:
    from netmon.snmp.originator import Identity, Notice, send  # noqa: PLC0415 - pysnmp is heavy

    context = make_context(plan.config)
    try:
        address = await address_of(plan.host, context, plan.config)
    finally:
        await close_context(context)
    identity = None
    if plan.auth.version == _V3 and not plan.inform:
        with _own_folder(plan.engine_id) as folder:
            own = own_engine.take_up(folder, time.monotonic(), plan.engine_id)
        identity = Identity(own.engine_id, own.boots)
    done = await send(
        _credentials(plan.auth), address, plan.port,
        Notice(ber.encode_oid(plan.trap), plan.varbinds, plan.uptime, plan.inform),
        identity=identity, seconds=plan.timeout, retries=plan.retries,
    )  # fmt: skip
    kind = "inform" if plan.inform else "trap"
    place = f"[{address}]:{plan.port}" if ":" in address else f"{address}:{plan.port}"
    how = f"SNMPv{'2c' if plan.auth.version == 2 else plan.auth.version}"  # noqa: PLR2004 - as people say it
    if done.acknowledged:
        text = f"{plan.name}: {place} acknowledged the inform ({how}) after {done.seconds * 1000:.0f} ms"
    elif plan.inform:
        text = (
            f"{plan.name}: {place} did not acknowledge the inform ({how}): {done.why}, {done.seconds:.1f} s"
        )
    elif done.why:
        text = f"{plan.name}: the trap ({how}) was sent to {place}, and {done.why}"
    else:
        text = f"{plan.name}: sent as a trap ({how}) to {place}; no receiver answers a trap"
        if plan.auth == Auth():
            text += '; with the community "public", since none was given (-c, --auth)'
    return {
        "ok": bool(done.acknowledged) if plan.inform else not done.why, "kind": kind, "trap": plan.name,
        "to": place, "acknowledged": done.acknowledged, "seconds": round(done.seconds, 4), "text": text,
        "engine_id": identity.engine_id.hex() if identity is not None else None,
    }  # fmt: skip


@contextmanager
def _own_folder(engine_id: bytes) -> Iterator[Path]:
    """Where boots are kept, of this user, by engine ID; for one process at a time.  Raises NetmonError."""
    try:
        root = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "netmon"
        folder = root / "trap-sender" / (engine_id.hex() or "own")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    except (OSError, RuntimeError) as error:
        fail(f"the sender's boots cannot be kept, see XDG_STATE_HOME: {getattr(error, 'strerror', error)}")


def _credentials(auth: Auth) -> Credentials:
    return Credentials(
        auth.version, auth.community, auth.username, auth.security_level, auth.auth_protocol, auth.password,
        auth.priv_protocol, auth.priv_password, auth.context_name,
    )  # fmt: skip
