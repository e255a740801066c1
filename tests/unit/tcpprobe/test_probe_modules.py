"""blackbox.yml as it is read: the stock file unchanged, every mistake with its place."""

from pathlib import Path

import pytest

from netmon.mib.document import DocumentError
from netmon.tcpprobe import OtherModule, TcpModule, read_probe_modules
from netmon.tcpprobe.reading import parse_probe_modules
from netmon.tcpprobe.records import Step, TlsSettings
from tests.servers.shared import shared


def module(text: str) -> TcpModule:
    """The module of a document in which `text` is what stands under tcp."""
    found = parse_probe_modules(f"modules: {{m: {{prober: tcp, tcp: {text}}}}}", "b.yml", Path("/etc/b"))["m"]
    assert isinstance(found, TcpModule)
    return found


def test_the_stock_file_loads_unchanged() -> None:
    """All its modules; those of other probers are known by name and prober."""
    modules = read_probe_modules([shared("peers/blackbox.yml")])
    assert len(modules) == 27
    assert modules["http_2xx_example"] == OtherModule("http_2xx_example", "http")
    smtp, rabbit, sql = modules["smtp_starttls"], modules["rabbitmq"], modules["postgresql"]
    assert isinstance(smtp, TcpModule)
    assert isinstance(rabbit, TcpModule)
    assert isinstance(sql, TcpModule)
    assert smtp.timeout == 5.0
    assert smtp.steps[1] == Step(send=("EHLO prober\r",))
    assert smtp.steps[5].starttls
    assert (rabbit.tls, rabbit.tls_settings.ca_file) == (True, "/etc/blackbox_exporter/CA_cert.crt")
    assert sql.timeout is None
    assert sql.steps[0].send == ("\x00\x00\x00\x08\x04\udcd2\x16/",)
    assert sql.steps[1].expect_bytes == b"S"


def test_everything_a_module_may_say() -> None:
    """Each key as blackbox_exporter means it; relative files start at the module file's folder."""
    found = module(
        "{preferred_ip_protocol: ip4, ip_protocol_fallback: no, source_ip_address: 192.0.2.9, tls: True, "
        "tls_config: {insecure_skip_verify: true, ca_file: ca.pem, cert_file: c.pem, key_file: /k.pem, "
        "server_name: mx, min_version: TLS10, max_version: TLS13}, query_response: ["
        "{expect: '^(?P<code>[0-9]+) (.*)', reject: '^[45]', labels: [{name: a, value: '${code}-$2'}], "
        "send: 'x $1'}]}"
    )
    assert (found.prefer, found.fallback, found.source, found.tls) == ("ip4", False, "192.0.2.9", True)
    assert found.tls_settings == TlsSettings(
        True, "/etc/b/ca.pem", "/etc/b/c.pem", "/k.pem", "mx", "TLS10", "TLS13"
    )
    step = found.steps[0]
    assert step.send == ("x ", 1, "")
    assert step.labels == (("a", ("", 1, "-", 2, "")),)
    assert step.reject is not None


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5.0), ("1m30s", 90.0), ("1.5s", 1.5), ("250ms", 0.25), ("0", None)]
)
def test_timeouts(text: str, seconds: float | None) -> None:
    """Durations are Go's; none at all is no timeout of the module's own."""
    found = parse_probe_modules(f"modules: {{m: {{prober: tcp, timeout: {text}}}}}", "b.yml")["m"]
    assert isinstance(found, TcpModule)
    assert found.timeout == seconds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{tsl: true}", 'modules.m.tcp.tsl: is not a known key; did you mean "tls"?'),
        ("{tls: 7}", 'modules.m.tcp.tls: "7" is not true or false'),
        ("{preferred_ip_protocol: ipv4}", 'preferred_ip_protocol: "ipv4" is not one of ip6, ip4'),
        ("{source_ip_address: here}", 'source_ip_address: "here" is not an address'),
        ("{tls_config: {ca: PEM}}", "tls_config.ca: is not supported; put it into a file and name"),
        ("{tls_config: {cert_file: a}}", "tls_config: cert_file and key_file go together"),
        ("{tls_config: {min_version: TLS9}}", 'min_version: "TLS9" is not one of TLS10'),
        ("{query_response: [{expect: '('}]}", "query_response[0].expect: is not an expression of RE2: "),
        ("{query_response: [{reject: x}]}", "reject: stands beside an expect"),
        ("{query_response: [{expect: x, labels: [{name: 1a, value: y}]}]}", '"1a" is not a name for a label'),
        ("{query_response: [{expect: x, labels: [{name: a}]}]}", 'the key "value" is missing'),
        ("{query_response: [{send: !!binary '%%'}]}", "send: is not base64"),
        ("{query_response: {send: x}}", "query_response: is not a list"),
    ],
)  # fmt: skip
def test_mistakes(text: str, wanted: str) -> None:
    """Each is told with file, line and column."""
    with pytest.raises(DocumentError) as caught:
        module(text)
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("b.yml:1:")


def test_files_do_not_share_a_module(tmp_path: Path) -> None:
    """A name stands for one thing; what cannot be read is a mistake as well."""
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text("modules: {m: {prober: tcp}}")
    (tmp_path / "c.yml").write_bytes(b"modules: \xff")
    (tmp_path / "d.yml").write_text("modules: {n: {timeout: 5s}}")
    paths = [tmp_path / name for name in ("a.yml", "b.yml", "c.yml", "d.yml", "e.yml")]
    with pytest.raises(DocumentError) as caught:
        read_probe_modules(paths)
    told = str(caught.value)
    assert f"{tmp_path}/b.yml: modules.m is in {tmp_path}/a.yml too" in told
    assert "c.yml: is not UTF-8" in told
    assert 'd.yml:1:14: modules.n: the key "prober" is missing' in told
    assert "e.yml: cannot be read" in told
