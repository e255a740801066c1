"""What a target on the command line stands for, and what is said about one that is none."""

from pathlib import Path

import pytest

from netmon.cli.common import split_host_port
from netmon.cli.snmp_options import Security, given_auth
from netmon.cli.targets import Wanted, check_of_mailflow, check_of_url, checks_of_host
from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from netmon.model import Check, Role
from netmon.probes.base import Auth

MODULES = builtin_modules()
CONFIG = """
auths: {lab: {version: 1, community: sesame}}
hosts:
  - name: mx1
    address: 127.0.0.1
    ping: true
    snmp: {auth: lab, port: 1161, modules: [system]}
    smtp: [{port: 25}, {port: 465}]
"""


def of(url: str, **wanted: object) -> Check:
    """The one check of a URL."""
    (check,) = check_of_url(url, Wanted(**wanted), {}, MODULES)  # type: ignore[arg-type]
    return check


@pytest.mark.parametrize(
    ("url", "endpoint", "mode", "role"),
    [
        ("smtp://mx1", "mx1:25", "starttls", Role.INBOUND),
        ("smtp://mx1:465", "mx1:465", "implicit", Role.SUBMISSION),
        ("smtp://mx1:2525/", "mx1:2525", "starttls", Role.INBOUND),
        ("smtp+plain://mx1:25", "mx1:25", "none", Role.INBOUND),
        ("smtp+starttls://mx1:26", "mx1:26", "starttls", Role.INBOUND),
        ("smtps://mx1", "mx1:465", "implicit", Role.SUBMISSION),
        ("submission://mx1", "mx1:587", "starttls", Role.SUBMISSION),
        ("submissions://[::1]:4465", "::1:4465", "implicit", Role.SUBMISSION),
        ("submission://mx1:2587", "mx1:2587", "starttls", Role.SUBMISSION),
        ("imap://mx1", "mx1:143", "starttls", Role.ACCESS),
        ("imap://mx1:993", "mx1:993", "implicit", Role.ACCESS),
        ("imaps://mx1", "mx1:993", "implicit", Role.ACCESS),
        ("imap+plain://mx1", "mx1:143", "none", Role.ACCESS),
        ("pop3://mx1", "mx1:110", "starttls", Role.ACCESS),
        ("pop3://mx1:995", "mx1:995", "implicit", Role.ACCESS),
        ("pop3s://mx1:1995", "mx1:1995", "implicit", Role.ACCESS),
    ],
)
def test_mail(url: str, endpoint: str, mode: str, role: Role) -> None:
    """Ports and TLS as the service's name says, where the URL says nothing else."""
    check = of(url)
    assert (check.key.endpoint, check.settings.mode, check.role) == (endpoint, mode, role)


def test_policy() -> None:
    """The domain is what is looked at, once an hour at most, and never decides whether mail is down."""
    check = of("policy://Example.org:2525", dkim=("Key1",))
    assert check.key == ("example.org", "policy", "example.org")
    assert (check.settings.domain, check.settings.port, check.settings.dkim) == (
        "example.org",
        2525,
        ("key1",),
    )
    assert (check.interval, check.required, check.role) == (3600.0, False, Role.INBOUND)
    for url, wanted, words in (
        ("policy://mx1", {}, "is not a domain"),
        ("policy://example.org", {"dkim": ("a b",)}, "is not a DKIM selector"),
        ("policy://example.org", {"tls_name": "x"}, "--tls-name"),
        ("smtp://example.org", {"dkim": ("a",)}, "--dkim goes with policy://"),
    ):
        with pytest.raises(NetmonError, match=words):
            of(url, **wanted)


def test_snmp() -> None:
    """The community is the user's part, decoded; modules and version as asked."""
    check = of("snmp://p%40ss@127.0.0.1:1161", modules=["if_mib"], version=1)
    auth = check.settings.auth
    assert (auth.community.reveal(), auth.version, check.settings.port) == ("p@ss", 1, 1161)
    assert [module.name for module in check.settings.modules] == ["if_mib"]
    assert of("snmp://sw1", community=Secret("x")).settings.auth.community == Secret("x")
    assert of("snmp://sw1").settings.auth.community == Secret("public")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtpx://mx1", 'did you mean "smtp'),
        ("smtp://", "wanted smtp://HOST"),
        ("smtp://mx1:99999", "is not one"),
        ("smtp://mx1/path", "wanted smtp://HOST"),
        ("ping://mx1:7", "ping has no port"),
        ("smtp://user@mx1", "takes no user"),
        ("snmp://a:sesame@sw1", "wanted snmp://HOST"),
        ("snmp://sesame@sw1:x", "is not one"),
        ("snmp://sesame@", "wanted snmp://HOST"),
        ("smtp://mx1:0", "port"),
    ],
)
def test_a_url_that_is_none(url: str, words: str) -> None:
    """A sentence that says what is wanted, and never repeats what may be a community."""
    with pytest.raises(NetmonError) as caught:
        of(url)
    assert words in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_mailflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run where it is named, by its host or by a URL, and not among a host's quick checks."""
    monkeypatch.setenv("CANARY", "sesame")
    path = tmp_path / "netmon.yml"
    login = 'login: {username: a@example.org, password: "${env:CANARY}"}'
    flows = ", ".join(
        f"{{name: {name}, send: {{host: mx1}}, fetch: {{host: {host}, {login}}}}}"
        for name, host in (("other", "mx1"), ("example", "store"))
    )
    path.write_text(f"{CONFIG}  - {{name: store}}\nmailflows: [{flows}]\n")
    config = load_config(path, MODULES)
    probes = [check.key.probe for check in checks_of_host(config, "mx1", None, Wanted(), MODULES)]
    assert "mailflow" not in probes
    assert len(probes) == 4
    for named in ("mailflow", "other", "mailflow:other"):
        (check,) = checks_of_host(config, "mx1", named, Wanted(timeout=3.0), MODULES)
        assert (check.key, check.timeout) == (("mx1", "mailflow", "other"), 3.0)
    (alone,) = checks_of_host(config, "store", None, Wanted(), MODULES)
    assert alone.key == ("store", "mailflow", "example")
    assert check_of_mailflow(config, "mailflow://example", Wanted()) == (alone,)
    with pytest.raises(NetmonError, match='no mailflow "exampel"; did you mean "example"'):
        check_of_mailflow(config, "mailflow://exampel", Wanted())
    with pytest.raises(NetmonError, match="has no check"):
        checks_of_host(config, "store", "mailflow:nobody", Wanted(), MODULES)


def test_a_configured_host(tmp_path: Path) -> None:
    """All its checks, or those that a probe or an endpoint names, with the config's own settings."""
    path = tmp_path / "netmon.yml"
    path.write_text(CONFIG)
    config = load_config(path, MODULES)

    def chosen(probe: str | None, **wanted: object) -> list[str]:
        given = Wanted(**wanted)  # type: ignore[arg-type]
        return [check.key.endpoint for check in checks_of_host(config, "mx1", probe, given, MODULES)]

    assert chosen(None) == ["mx1", "mx1:25", "mx1:465", "mx1:1161"]
    assert chosen("smtp") == ["mx1:25", "mx1:465"]
    assert chosen("smtp:25") == chosen("mx1:25") == ["mx1:25"]
    (snmp,) = checks_of_host(config, "mx1", "snmp", Wanted(modules=["if_mib"]), MODULES)
    assert snmp.settings.auth.community.reveal() == "sesame"
    assert [module.name for module in snmp.settings.modules] == ["if_mib"]
    with pytest.raises(NetmonError, match="it has ping, smtp:25, smtp:465, snmp:1161"):
        chosen("imap")
    with pytest.raises(NetmonError, match='did you mean "mx1"'):
        checks_of_host(config, "mx2", None, Wanted(), MODULES)
    with pytest.raises(NetmonError, match='no module is called "if_mob"; did you mean "if_mib"'):
        chosen(None, modules=["if_mob"])
    with pytest.raises(NetmonError, match="go with a URL"):
        chosen(None, tls_name="mx1")
    with pytest.raises(NetmonError, match='no auth is called "lap"; did you mean "lab"'):
        chosen(None, auth="lap")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sw1", ("sw1", None)),
        ("sw1:1161", ("sw1", 1161)),
        ("::1", ("::1", None)),
        ("[::1]", ("::1", None)),
        ("[::1]:1161", ("::1", 1161)),
    ],
)
def test_host_and_port(text: str, found: tuple[str, int | None]) -> None:
    """With and without a port, IPv6 with and without brackets."""
    assert split_host_port(text) == found


@pytest.mark.parametrize("text", ["sw1:", "sw1:x", "sw1:0", "sw1:70000", "sw1:²"])
def test_host_and_no_port(text: str) -> None:
    """What stands behind the colon must be a port."""
    with pytest.raises(NetmonError, match="wanted HOST"):
        split_host_port(text)


def secured(user: str | None = None, **rest: str | None) -> Security:
    """The options of SNMPv3, with both passwords in the environment."""
    passwords = {"password": Secret("auth-secret"), "priv_password": Secret("priv-secret")}
    return Security(user, **rest, passwords=passwords)  # type: ignore[arg-type]


def test_a_user_means_snmpv3() -> None:
    """With today's protocols, and as secure as the passwords allow."""
    auth = of("snmp://sw1", security=secured("ana", context="vlan-7")).settings.auth
    assert (auth.version, auth.username, auth.security_level) == (3, "ana", "authPriv")
    assert (auth.auth_protocol, auth.priv_protocol, auth.context_name) == ("SHA", "AES", "vlan-7")
    assert auth.priv_password == Secret("priv-secret")
    alone = of("snmp://sw1", security=Security("guest")).settings.auth
    assert alone.security_level == "noAuthNoPriv"


@pytest.mark.parametrize(
    ("security", "missing"),
    [
        (Security("ana", auth_protocol="SHA256"), "NETMON_AUTH_PASSWORD"),
        (
            Security("ana", priv_protocol="AES", passwords={"password": Secret("auth-secret")}),
            "NETMON_PRIV_PASSWORD",
        ),
        (Security("ana", passwords={"priv_password": Secret("priv-secret")}), "NETMON_AUTH_PASSWORD"),
    ],
)
def test_a_protocol_without_its_password_is_told(security: Security, missing: str) -> None:
    """Never a request in the clear because a variable is not set."""
    with pytest.raises(NetmonError, match=missing):
        of("snmp://sw1", security=security)


def test_passwords_alone_change_no_version() -> None:
    """They may be in the environment for other targets."""
    assert of("snmp://sw1", security=secured()).settings.auth == Auth()


def test_an_auth_of_snmpv3_keeps_what_is_not_given() -> None:
    """Protocols and level stay; a password of the environment comes first."""
    auth = Auth(
        version=3,
        username="ana",
        security_level="authNoPriv",
        auth_protocol="SHA512",
        password=Secret("x" * 8),
    )
    given = given_auth(auth, None, None, secured(context="red"))
    assert (given.auth_protocol, given.security_level, given.context_name) == ("SHA512", "authNoPriv", "red")
    assert given.password == Secret("auth-secret")
    assert given_auth(auth, None, None, Security()) is auth
    back = given_auth(auth, 2, Secret("open"), Security())
    assert (back.version, back.community) == (2, Secret("open"))


@pytest.mark.parametrize(
    ("text", "name"), [("sha-512", "SHA512"), ("SHA1", "SHA"), ("Sha", "SHA"), ("md5", "MD5")]
)
def test_protocols_are_known_by_the_names_that_people_use(text: str, name: str) -> None:
    """Those of net-snmp's tools too."""
    assert given_auth(Auth(), 3, None, secured("ana", auth_protocol=text)).auth_protocol == name


def test_options_of_snmpv3_lie_over_a_host_s_own_auth(tmp_path: Path) -> None:
    """A context alone needs no user: the host has one."""
    path = tmp_path / "netmon.yml"
    path.write_text(CONFIG.replace("version: 1, community: sesame", "version: 3, username: ana"))
    config = load_config(path, MODULES)
    (check,) = checks_of_host(config, "mx1", "snmp", Wanted(security=Security(context="red")), MODULES)
    assert (check.settings.auth.username, check.settings.auth.context_name) == ("ana", "red")
