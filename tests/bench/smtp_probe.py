"""One STARTTLS probe: greeting, EHLO, STARTTLS with a verified certificate, EHLO, QUIT."""

from pathlib import Path
from typing import Final

from netmon.demo.cast import MAIL, MAIL_NAME
from tests.bench.process import Contender, Page, exporter, python, race
from tests.bench.snmp_page import Series, series

BLACKBOX: Final = """\
modules:
  smtp:
    prober: tcp
    timeout: 5s
    tcp:
      preferred_ip_protocol: ip4
      tls_config: {{ca_file: {ca}, server_name: {name}}}
      query_response:
        - expect: "^220 "
        - send: "EHLO probe.demo.example\\r"
        - expect: "^250-STARTTLS"
        - expect: "^250 "
        - send: "STARTTLS\\r"
        - expect: "^220 "
        - starttls: true
        - send: "EHLO probe.demo.example\\r"
        - expect: "^250 "
        - send: "QUIT\\r"
        - expect: "^221 "
"""


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that both sides see the same good server, then time them."""
    with python("simulator", str(folder), log=folder / "simulator.log"):
        port = (folder / "starttls.port").read_text()
        config = folder / "blackbox.yml"
        config.write_text(BLACKBOX.format(ca=folder / "ca.pem", name=MAIL_NAME))
        with (
            python("checks", str(folder / "own.yml"), log=folder / "checks.log") as netmon,
            exporter("prometheus-blackbox-exporter", config, log=folder / "blackbox.log") as peer,
            Page(netmon, f"/check?host=mx1&endpoint=mx1:{port}") as own_page,
            Page(peer, f"/probe?target={MAIL}:{port}&module=smtp") as peer_page,
        ):
            _verify(_netmon(own_page.fetch()), series(peer_page.fetch()))
            contenders = [
                Contender("netmon", netmon, own_page.times),
                Contender("blackbox_exporter 0.23", peer, peer_page.times, reference=True),
            ]
            race(contenders, rounds=rounds, count=count)
            return contenders


def _netmon(page: str) -> Series:
    """netmon's own series, which are all of this page."""
    return series(page.replace("netmon_", "own_"))


def _verify(own: Series, theirs: Series) -> None:
    def one(found: Series, name: str) -> list[float]:
        return [value for (family, _), value in found.items() if family == name]

    expiry = one(theirs, "probe_ssl_earliest_cert_expiry")
    if one(theirs, "probe_success") != [1.0] or one(own, "own_check_up") != [1.0]:
        raise RuntimeError(f"a probe failed: {own} {theirs}")
    if (
        one(own, "own_tls_chain_valid") != [1.0]
        or one(own, "own_tls_certificate_expiry_timestamp_seconds") != expiry
    ):
        raise RuntimeError(f"the certificates differ: {own} {theirs}")
