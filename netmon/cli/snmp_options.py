"""How to ask an agent, as the commands that speak SNMP take it from the command line.

A configured host has its address, port and auth from the config; what is given on the command line
comes first.  Passwords are taken from the environment or the config alone, since others on the
machine see command lines.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from netmon.cli.common import COMMUNITY_VARIABLE, DEFAULT_CONFIG, open_config, split_host_port
from netmon.config import Config
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.probes.base import Auth, Context
from netmon.probes.snmp_target import target_of
from netmon.resolver import ResolveError
from netmon.snmp.client import Target
from netmon.snmp.message_v3 import VERSION
from netmon.snmp.usm import LEVELS
from netmon.snmp.usm_keys import AUTH_PROTOCOLS, PRIV_PROTOCOLS
from netmon.wording import did_you_mean

AUTH_VARIABLE: Final = "NETMON_AUTH_PASSWORD"
PRIV_VARIABLE: Final = "NETMON_PRIV_PASSWORD"
VERSIONS: Final = {"1": 1, "2": 2, "2c": 2, "3": 3}
_PORT: Final = 161
_ALIASES: Final = {"SHA1": "SHA", "AES128": "AES"}
# Fields of an auth by what gives them on the command line.
_GIVEN_BY: Final = {
    "username": "--user", "security_level": "--level", "auth_protocol": "--auth-protocol",
    "priv_protocol": "--priv-protocol", "context_name": "--context", "password": AUTH_VARIABLE,
    "priv_password": PRIV_VARIABLE,
}  # fmt: skip

Version = Annotated[str | None, typer.Option("-v", "--version", help="1, 2c or 3; 2c if nothing else says.")]
Community = Annotated[
    str | None,
    typer.Option(
        "-c", "--community", envvar=COMMUNITY_VARIABLE, show_default=False,
        help="Better in the environment, since others see command lines.",
    ),
]  # fmt: skip
AuthName = Annotated[str | None, typer.Option("--auth", help="An entry of the config's auths.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", readable=False, help="The config; netmon.yml if it is there.")
]
Timeout = Annotated[float, typer.Option("-t", "--timeout", min=0.01, max=60.0, help="Seconds per try.")]
Retries = Annotated[int, typer.Option("-r", "--retries", min=0, max=20, help="Further tries.")]
UserName = Annotated[
    str | None,
    typer.Option("-u", "--user", help=f"SNMPv3; passwords in {AUTH_VARIABLE} and {PRIV_VARIABLE} only."),
]
LevelName = Annotated[
    str | None,
    typer.Option(
        "-l", "--level", help="noAuthNoPriv, authNoPriv or authPriv; by passwords and protocols if left out."
    ),
]
AuthProtocolName = Annotated[
    str | None, typer.Option("-a", "--auth-protocol", help=f"{', '.join(AUTH_PROTOCOLS)}; SHA if left out.")
]
PrivProtocolName = Annotated[
    str | None, typer.Option("-x", "--priv-protocol", help=f"{', '.join(PRIV_PROTOCOLS)}; AES if left out.")
]
ContextName = Annotated[str | None, typer.Option("--context", help="SNMPv3: the context name.")]


@dataclass(frozen=True, slots=True)
class Security:
    """What the options of SNMPv3 say; None leaves it to the config or the default."""

    user: str | None = None
    level: str | None = None
    auth_protocol: str | None = None
    priv_protocol: str | None = None
    context: str | None = None
    passwords: Mapping[str, Secret] = field(default_factory=dict)  # by the field of an auth

    @classmethod
    def given(
        cls,
        user: str | None,
        level: str | None,
        auth_protocol: str | None,
        priv_protocol: str | None,
        context: str | None,
    ) -> "Security":
        """The options, with the passwords of the environment."""
        variables = {"password": AUTH_VARIABLE, "priv_password": PRIV_VARIABLE}
        passwords = {key: Secret(os.environ[name]) for key, name in variables.items() if os.environ.get(name)}
        return cls(user, level, auth_protocol, priv_protocol, context, passwords)

    @property
    def asked_for(self) -> bool:
        """Whether an option says that it is SNMPv3."""
        given = (self.user, self.level, self.auth_protocol, self.priv_protocol, self.context)
        return any(value is not None for value in given)


@dataclass(frozen=True, slots=True)
class Options:
    """What the options say; None leaves it to the config or the default."""

    version: str | None
    community: Secret | None
    auth: str | None
    config: Path | None
    timeout: float  # seconds
    retries: int
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask, and how; `config` is None where there is none."""

    config: Config | None
    host: str
    port: int
    auth: Auth
    timeout: float
    retries: int

    def target(self, address: str) -> Target:
        """The agent at the address that `host` has."""
        return target_of(self.auth, address, self.port, timeout=self.timeout, retries=self.retries)


def asked(target: str, options: Options) -> Asked:
    """The agent that TARGET names: a host of the config, HOST or HOST:PORT.

    Raises NetmonError that says what is wrong or missing, never with a secret in it.
    """
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
    auth = given_auth(auth, version_of(options.version), options.community, options.security)
    return Asked(config, host, port, auth, options.timeout, options.retries)


async def address_of(host: str, context: Context, config: Config | None) -> str:
    """The first address of a host.  Raises NetmonError, which says too that the config has no such host."""
    try:
        return (await context.resolver.addresses(host))[0]
    except ResolveError as error:
        known = [] if config is None else [entry.host for entry in config.hosts]
        if config is None or any(host in (one.name, one.address) for one in known):
            raise
        near = did_you_mean(host, [one.name for one in known])
        raise NetmonError(f"{error}, and {config.path} has no host of that name{near}") from None


def version_of(text: str | None) -> int | None:
    """The version that an option names.  Raises NetmonError."""
    if text is not None and text not in VERSIONS:
        raise NetmonError(f'SNMP version "{text}" is not one of 1, 2c, 3')
    return None if text is None else VERSIONS[text]


def given_auth(auth: Auth, version: int | None, community: Secret | None, security: Security) -> Auth:
    """An auth with what the command line gives; a user, or another option of SNMPv3, means version 3.

    Raises NetmonError.
    """
    if version is None and security.asked_for:
        version = VERSION
    if version not in {None, VERSION} and security.asked_for:
        raise NetmonError(f"--user and what goes with it are of SNMPv3, not of version {version}: -v 3")
    changed: dict[str, Any] = {}
    if version is not None:
        changed["version"] = version
    if community is not None:
        changed["community"] = community
    if (version or auth.version) == VERSION:
        changed |= _changed_user(auth, security)
    if not changed:
        return auth
    try:
        return Auth.model_validate({key: getattr(auth, key) for key in Auth.model_fields} | changed)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]
        raise NetmonError(_sentence(what["loc"], what["msg"])) from None


def _sentence(loc: tuple[int | str, ...], message: str) -> str:
    """A mistake in an auth, by the names of the command line."""
    if loc:
        return f"{_GIVEN_BY.get(str(loc[0]), loc[0])}: {message}"
    for key in ("priv_password", "password", "username", "security_level"):
        if f"add {key}" in message or f"needs a {key}:" in message:
            return f"{message} ({_GIVEN_BY[key]})"
    return message


def _changed_user(auth: Auth, security: Security) -> dict[str, Any]:
    changed: dict[str, Any] = dict(security.passwords)
    # An auth that is of SNMPv3 already keeps what it says; a new one begins with today's protocols.
    new = auth.version != VERSION
    if security.user is not None:
        changed["username"] = security.user
    if security.auth_protocol is not None or new:
        changed["auth_protocol"] = _one_of("--auth-protocol", security.auth_protocol or "SHA", AUTH_PROTOCOLS)
    if security.priv_protocol is not None or new:
        changed["priv_protocol"] = _one_of("--priv-protocol", security.priv_protocol or "AES", PRIV_PROTOCOLS)
    if security.context is not None:
        changed["context_name"] = security.context
    if security.level is not None:
        if security.level not in LEVELS:
            near = did_you_mean(security.level, LEVELS)
            raise NetmonError(f'--level "{security.level}" is not one of {", ".join(LEVELS)}{near}')
        changed["security_level"] = security.level
    elif new:
        # Who names a protocol wants it: a password that is missing is told, never a reason to do without.
        if security.priv_protocol is not None or "priv_password" in security.passwords:
            changed["security_level"] = "authPriv"
        elif security.auth_protocol is not None or "password" in security.passwords:
            changed["security_level"] = "authNoPriv"
        else:
            changed["security_level"] = "noAuthNoPriv"
    return changed


def _one_of(option: str, text: str, names: Mapping[str, object]) -> str:
    """A protocol's name, in any of the ways that people write it: SHA-256, sha256."""
    name = text.upper().replace("-", "")
    name = _ALIASES.get(name, name)
    if name not in names:
        raise NetmonError(f'{option} "{text}" is not one of {", ".join(names)}{did_you_mean(name, names)}')
    return name


def _host(config: Config | None, name: str) -> tuple[str, int, Auth] | None:
    """Address, port and auth of a host of the config that has SNMP."""
    if config is None:
        return None
    for entry in config.hosts:
        for probe in entry.probes:
            if entry.host.name == name and probe.kind.name == "snmp":
                return entry.host.address, probe.settings.port, config.auths[probe.settings.auth]
    return None
