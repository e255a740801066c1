"""What `netmon probe` is to look at: a host of the config, or a URL that stands for one.

A URL becomes the very records that the config would have become, so a probe from the command line is
the product's own and not one that resembles it.  Schemes as services are called (RFC 6409, RFC 8314):

    smtp://mx1:25             STARTTLS, as netmon.yml's default; implicit TLS on port 465
    smtp+starttls:// smtp+plain:// smtps://
    submission://mx1          port 587, STARTTLS;  submissions://mx1  port 465, implicit TLS
    imap://host  port 143, STARTTLS (implicit TLS on 993);  imaps://host  port 993;  imap+plain://
    pop3://host  port 110, STLS (implicit TLS on 995);  pop3s://host  port 995;  pop3+plain://
    snmp://sw1  ping://sw1
    mailflow://NAME           a mailflow of the config, which alone knows its logins
    policy://example.org      what a domain publishes: DANE, MTA-STS, TLS-RPT, SPF, DKIM, DMARC, reverse DNS
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from netmon.cli.common import COMMUNITY_VARIABLE
from netmon.cli.snmp_options import Security, given_auth
from netmon.config import PUBLIC_AUTH, Config, DomainConfig, HostConfig, MailflowConfig, ProbeEntry
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.mib.auto import AUTO
from netmon.mib.modules import Module
from netmon.model import Check, Host
from netmon.plan import plan
from netmon.probes import PROBES
from netmon.probes.base import Auth, Library
from netmon.wording import did_you_mean

MAILFLOW_URL: Final = "mailflow://"
_MAILFLOW: Final = "mailflow"
_GIVEN: Final = "given"  # the auth made of a community that was given here
# Scheme -> probe, and its settings where the URL says nothing else.
_SCHEMES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "ping": ("ping", {}),
    "snmp": ("snmp", {"modules": AUTO}),
    "smtp": ("smtp", {"port": 25}),
    "smtp+starttls": ("smtp", {"port": 25, "tls": "starttls"}),
    "smtp+plain": ("smtp", {"port": 25, "tls": "none"}),
    "smtps": ("smtp", {"port": 465, "tls": "implicit"}),
    "submission": ("smtp", {"port": 587, "tls": "starttls", "role": "submission"}),
    "submissions": ("smtp", {"port": 465, "tls": "implicit", "role": "submission"}),
    "imap": ("imap", {"port": 143}),
    "imap+plain": ("imap", {"port": 143, "tls": "none"}),
    "imaps": ("imap", {"port": 993, "tls": "implicit"}),
    "pop3": ("pop3", {"port": 110}),
    "pop3+plain": ("pop3", {"port": 110, "tls": "none"}),
    "pop3s": ("pop3", {"port": 995, "tls": "implicit"}),
    "policy": ("policy", {}),
}
_NAMED: Final = ("smtp", "imap", "pop3")  # probes whose certificate is for a name


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line adds to a target; None leaves it to the config or the default."""

    auth: str | None = None
    community: Secret | None = None
    version: int | None = None
    modules: Sequence[str] = ()
    tls_name: str | None = None
    ca_file: Path | None = None
    timeout: float | None = None  # seconds
    security: Security = field(default_factory=Security)
    dkim: Sequence[str] = ()  # selectors

    @property
    def own_auth(self) -> bool:
        """Whether an auth is made of what was given here."""
        return self.community is not None or self.security.asked_for


@dataclass(frozen=True, slots=True)
class _Hosts:
    """As much of a config as plan() needs."""

    hosts: Sequence[HostConfig]
    domains: Sequence[DomainConfig] = ()
    mailflows: Sequence[MailflowConfig] = ()


def checks_of_host(
    config: Config, name: str, probe: str | None, wanted: Wanted, modules: Mapping[str, Module]
) -> tuple[Check, ...]:
    """The checks of a configured host: all, or those that `probe` names: `smtp`, `smtp:25` or `mx1:25`.

    A mailflow takes as long as mail does, so it is among them only where it is named, or all there is.
    Raises NetmonError that says what there is instead.
    """
    hosts = {entry.host.name: entry for entry in config.hosts}
    if name not in hosts:
        near = did_you_mean(name, hosts)
        raise NetmonError(
            f'{config.path} has no host "{name}"{near}; without a config name a URL: netmon probe smtp://{name}'
        )
    if wanted.tls_name is not None or wanted.ca_file is not None:
        raise NetmonError(f"--tls-name and --ca-file go with a URL; those of {name} are in {config.path}")
    entry = hosts[name]
    if wanted.timeout is not None:
        entry = replace(entry, timeout=wanted.timeout)
    if wanted.auth is not None or wanted.own_auth or wanted.modules:
        entry = replace(entry, probes=tuple(_given_snmp(entry.probes, wanted, config.auths, modules)))
    # A user, level or context is said on top of the host's own auth; a community stands for itself.
    own = (probe.settings.auth for probe in hosts[name].probes if probe.kind.name == "snmp")
    base = config.auths.get(next(own, ""), Auth()) if wanted.community is None else Auth()
    flows = tuple(_in_time(flow, wanted) for flow in config.mailflows if flow.host.name == name)
    every = _planned(entry, _library(config.auths, wanted, modules, base), flows)
    quick = [check for check in every if check.key.probe != _MAILFLOW] or every
    chosen = tuple(
        check for check in (quick if probe is None else every) if not probe or probe in _names(check)
    )
    if not chosen:
        there = ", ".join(dict.fromkeys(_names(check)[-1] for check in every)) or "nothing"
        raise NetmonError(f'{name} has no check "{probe}" in {config.path}; it has {there}')
    return chosen


def _names(check: Check) -> tuple[str, ...]:
    """What a check may be called on the command line; the last is what is suggested."""
    port = check.key.endpoint.removeprefix(check.key.host)
    if check.key.probe == _MAILFLOW:
        port = f":{check.key.endpoint}"
    return check.key.probe, check.key.endpoint, f"{check.key.probe}{port}"


def check_of_mailflow(config: Config, url: str, wanted: Wanted) -> tuple[Check, ...]:
    """The configured mailflow that a URL names.  Raises NetmonError."""
    name = url.removeprefix(MAILFLOW_URL).rstrip("/")
    flows = {flow.name: flow for flow in config.mailflows}
    if name not in flows:
        there = ", ".join(flows) or "none"
        raise NetmonError(
            f'{config.path} has no mailflow "{name}"{did_you_mean(name, flows)}; there is {there}'
        )
    if wanted.tls_name is not None or wanted.ca_file is not None:
        raise NetmonError(f"--tls-name and --ca-file of a mailflow are in {config.path}")
    hosts = _Hosts((), mailflows=(_in_time(flows[name], wanted),))
    return tuple(plan(hosts, Library({}, {})))


def _in_time(flow: MailflowConfig, wanted: Wanted) -> MailflowConfig:
    return flow if wanted.timeout is None else replace(flow, timeout=wanted.timeout)


def check_of_url(
    url: str, wanted: Wanted, auths: Mapping[str, Auth], modules: Mapping[str, Module]
) -> tuple[Check, ...]:
    """The check that a URL stands for; `auths` are the config's, if there is one.

    Raises NetmonError, never with a community in it.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        there = (*_SCHEMES, "domain", "mailflow")
        near = did_you_mean(scheme, there)
        raise NetmonError(f'"{scheme}" is not a scheme to probe{near}; there are {", ".join(there)}')
    probe, defaults = _SCHEMES[scheme]
    user, host, port = _authority(rest, scheme)
    settings: dict[str, Any] = dict(defaults)
    if port is not None:
        settings["port"] = port
    if probe == "ping" and port is not None:
        raise NetmonError(f"ping has no port; leave :{port} away")
    if user is not None:
        if probe != "snmp":
            raise NetmonError(f"{scheme} takes no user in front of the host")
        wanted = replace(wanted, community=Secret(user))
    settings |= _asked_for(probe, host, wanted)
    bound = _settings(probe, settings)
    if probe == "snmp":
        bound = _with_snmp(bound, wanted, auths, modules)
    entry = HostConfig(
        Host(host, host), interval=60.0, timeout=wanted.timeout or 10.0, retries=2,
        probes=(ProbeEntry(PROBES[probe], bound),),
    )  # fmt: skip
    return _planned(entry, _library(auths, wanted, modules))


def _asked_for(probe: str, host: str, wanted: Wanted) -> dict[str, Any]:
    """The settings of a mail probe that are asked for beside the URL."""
    if probe != "policy":
        if wanted.dkim:
            raise NetmonError("--dkim goes with policy://DOMAIN")
        named = {"tls_name": wanted.tls_name, "ca_file": wanted.ca_file} if probe in _NAMED else {}
        return {key: value for key, value in named.items() if value is not None}
    if wanted.tls_name is not None:
        raise NetmonError("--tls-name does not go with policy://DOMAIN: its MX are the names")
    return {"domain": host, "dkim": tuple(wanted.dkim), "ca_file": wanted.ca_file}


def _authority(rest: str, scheme: str) -> tuple[str | None, str, int | None]:
    """User, host and port; what goes wrong is told without quoting a user, who may be a secret."""
    mend = f"wanted {scheme}://HOST or {scheme}://HOST:PORT"
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NetmonError(f"the address in the URL is not one; {mend}") from None
    if not host or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.password is not None:
        raise NetmonError(f"the URL holds more or less than a host and a port; {mend}")
    return None if parts.username is None else unquote(parts.username), host, port


def _settings(probe: str, settings: Mapping[str, Any]) -> Any:
    try:
        return PROBES[probe].settings.model_validate(settings)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]
        raise NetmonError(f"{'.'.join(map(str, what['loc']))}: {what['msg']}") from None


def _given_snmp(
    probes: Iterable[ProbeEntry], wanted: Wanted, auths: Mapping[str, Auth], modules: Mapping[str, Module]
) -> Iterable[ProbeEntry]:
    for entry in probes:
        if entry.kind.name == "snmp":
            yield ProbeEntry(entry.kind, _with_snmp(entry.settings, wanted, auths, modules))
        else:
            yield entry


def _with_snmp(
    settings: Any, wanted: Wanted, auths: Mapping[str, Auth], modules: Mapping[str, Module]
) -> Any:
    """SNMP settings with the auth and the modules that were asked for."""
    changed: dict[str, Any] = {}
    if wanted.own_auth and wanted.auth is None:
        changed["auth"] = _GIVEN
    elif wanted.auth is not None:
        if wanted.auth not in {PUBLIC_AUTH, *auths}:
            near = did_you_mean(wanted.auth, auths)
            raise NetmonError(
                f'no auth is called "{wanted.auth}"{near}; they are in netmon.yml: --config FILE, '
                f"or give a community in the environment: {COMMUNITY_VARIABLE}"
            )
        changed["auth"] = wanted.auth
    if wanted.modules:
        for name in wanted.modules:
            if name not in {AUTO, *modules}:
                near = did_you_mean(name, modules)
                raise NetmonError(f'no module is called "{name}"{near}; there are {", ".join(modules)}')
        changed["modules"] = tuple(wanted.modules)
    return settings.model_copy(update=changed)


def _library(
    auths: Mapping[str, Auth], wanted: Wanted, modules: Mapping[str, Module], base: Auth | None = None
) -> Library:
    known = {PUBLIC_AUTH: Auth()} | dict(auths)
    if wanted.auth is None and wanted.own_auth:
        known[_GIVEN] = given_auth(base or Auth(), wanted.version, wanted.community, wanted.security)
    elif wanted.own_auth or wanted.version is not None:
        # What is given here comes before what the one auth that is used says.
        used = known if wanted.auth is None else {wanted.auth: known[wanted.auth]}
        known |= {
            name: given_auth(auth, wanted.version, wanted.community, wanted.security)
            for name, auth in used.items()
        }
    return Library(known, modules)


def _planned(entry: HostConfig, library: Library, flows: Sequence[MailflowConfig] = ()) -> tuple[Check, ...]:
    return tuple(sorted(plan(_Hosts((entry,), mailflows=flows), library), key=lambda check: check.key))
