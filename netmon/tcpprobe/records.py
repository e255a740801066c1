"""What a module of `/probe` says; records only."""

from dataclasses import dataclass
from typing import Final, Literal

from netmon.tcpprobe.expressions import Expression

Template = tuple[str | int, ...]
VERSIONS: Final = ("TLS10", "TLS11", "TLS12", "TLS13")


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`tls_config`; files are paths as opened, versions of `VERSIONS` or empty for the usual ones."""

    insecure_skip_verify: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str = ""
    min_version: str = ""
    max_version: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of `query_response`; what it has is done in the order of these fields.

    `send` is a template where there is an `expect`, else one text.  `labels` are names and templates.
    """

    expect: Expression | None = None
    reject: Expression | None = None
    labels: tuple[tuple[str, Template], ...] = ()
    expect_bytes: bytes = b""
    send: Template = ()
    starttls: bool = False


@dataclass(frozen=True, slots=True)
class TcpModule:
    """A module of the prober tcp; `timeout` in seconds, None where it says none."""

    name: str
    timeout: float | None = None
    prefer: Literal["ip4", "ip6"] = "ip6"
    fallback: bool = True
    source: str | None = None
    tls: bool = False
    tls_settings: TlsSettings = TlsSettings()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherModule:
    """A module of another prober: known, so that a query for it gets a sentence that helps."""

    name: str
    prober: str


ProbeModule = TcpModule | OtherModule
