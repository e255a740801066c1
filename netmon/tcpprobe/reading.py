"""blackbox.yml -> modules, strictly for the prober tcp; others' modules are noted by name and left unread.

https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md has the format.  `reject` is
netmon's own.  Paths of files are those of this machine, seen from the folder of the file that names them.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from netmon.mib.document import DocumentError, Place, read_document
from netmon.mib.extracts import ExpressionError
from netmon.tcpprobe.expressions import Expression, as_text
from netmon.tcpprobe.records import VERSIONS, OtherModule, ProbeModule, Step, TcpModule, TlsSettings

_MAX_SIZE: Final = 4_000_000  # octets of a file
_MOST_STEPS: Final = 1000
_PROBERS: Final = ("tcp", "http", "icmp", "dns", "grpc", "unix", "websocket")
_TCP_KEYS: Final = (
    "preferred_ip_protocol", "ip_protocol_fallback", "source_ip_address", "query_response", "tls",
    "tls_config",
)  # fmt: skip
_TLS_KEYS: Final = (
    "insecure_skip_verify", "ca_file", "cert_file", "key_file", "server_name", "min_version", "max_version",
)  # fmt: skip
_INLINE: Final = ("ca", "cert", "key", "ca_ref", "cert_ref", "key_ref")
_STEP_KEYS: Final = ("expect", "expect_bytes", "reject", "labels", "send", "starttls")
_TRUE: Final = frozenset(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"))
_FALSE: Final = frozenset(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"))
_LABEL: Final = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
# Go's time.ParseDuration.
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?(?:ns|us|µs|ms|s|m|h))+|0")
_PART: Final = re.compile(r"([0-9.]+)([a-zµ]+)")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_BINARY: Final = "tag:yaml.org,2002:binary"


def read_probe_modules(paths: Iterable[Path]) -> dict[str, ProbeModule]:
    """The modules of several files.  Raises DocumentError with every mistake of every file."""
    modules: dict[str, ProbeModule] = {}
    owners: dict[str, Path] = {}
    mistakes: list[str] = []
    for path in paths:
        try:
            found = parse_probe_modules(_text(path), str(path), path.parent)
        except DocumentError as error:
            mistakes += error.mistakes
            continue
        mistakes += [
            f"{path}: modules.{name} is in {owners[name]} too; a name stands for one thing"
            for name in found
            if owners.setdefault(name, path) != path
        ]
        modules |= found
    if mistakes:
        raise DocumentError(mistakes)
    return modules


def parse_probe_modules(text: str, source: str, folder: Path = Path()) -> dict[str, ProbeModule]:
    """The modules of a document; `folder` is what relative paths start from.  Raises DocumentError."""
    document = read_document(text, source)
    fields = document.fields(("modules",), required=("modules",))
    entries = fields["modules"].entries() if "modules" in fields else {}
    modules = {name: _module(name, place, folder) for name, place in entries.items()}
    document.finish()
    return modules


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_SIZE + 1)
    except OSError as error:
        raise DocumentError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(octets) > _MAX_SIZE:
        raise DocumentError([f"{path}: is larger than {_MAX_SIZE} bytes"])
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError([f"{path}: is not UTF-8 at byte {error.start}"]) from error


def _module(name: str, place: Place, folder: Path) -> ProbeModule:
    fields = place.entries()
    prober = fields["prober"].text() if "prober" in fields else ""
    if not prober:
        place.wrong('the key "prober" is missing')
    if prober != "tcp":
        return OtherModule(name, prober)
    # A module may carry sections of other probers, which do not count.
    place.fields(("prober", "timeout", *_PROBERS))
    timeout = _duration(fields["timeout"]) if "timeout" in fields else 0.0
    tcp = fields["tcp"].fields(_TCP_KEYS) if "tcp" in fields else {}
    prefer: Literal["ip4", "ip6"] = "ip6"
    if "preferred_ip_protocol" in tcp and tcp["preferred_ip_protocol"].choice(("ip6", "ip4")) == "ip4":
        prefer = "ip4"
    return TcpModule(
        name=name,
        timeout=timeout or None,
        prefer=prefer,
        fallback=_boolean(tcp["ip_protocol_fallback"]) if "ip_protocol_fallback" in tcp else True,
        source=_address(tcp["source_ip_address"]) if "source_ip_address" in tcp else None,
        tls=_boolean(tcp["tls"]) if "tls" in tcp else False,
        tls_settings=_tls(tcp["tls_config"], folder) if "tls_config" in tcp else TlsSettings(),
        steps=_steps(tcp["query_response"]) if "query_response" in tcp else (),
    )


def _steps(place: Place) -> tuple[Step, ...]:
    items = place.items()
    if len(items) > _MOST_STEPS:
        place.wrong(f"has more than {_MOST_STEPS} steps")
    return tuple(_step(item) for item in items[:_MOST_STEPS])


def _step(place: Place) -> Step:
    fields = place.fields(_STEP_KEYS)
    expect = _expression(fields["expect"]) if "expect" in fields else None
    if "reject" in fields and "expect" not in fields:
        fields["reject"].wrong("stands beside an expect, whose lines it looks at; add one")
    send = as_text(_octets(fields["send"])) if "send" in fields else ""
    labels: list[tuple[str, tuple[str | int, ...]]] = []
    for item in fields["labels"].items() if "labels" in fields else ():
        label = item.fields(("name", "value"), required=("name", "value"))
        name = label["name"].matching(_LABEL, "a name for a label") if "name" in label else ""
        value = label["value"].text() if "value" in label else ""
        if name in {known for known, _ in labels}:
            item.wrong(f"names the label {name} twice")
        labels.append((name, expect.template(value) if expect is not None else ()))
    return Step(
        expect=expect,
        reject=_expression(fields["reject"]) if "reject" in fields else None,
        labels=tuple(labels) if expect is not None else (),
        expect_bytes=_octets(fields["expect_bytes"]) if "expect_bytes" in fields else b"",
        send=() if not send else (send,) if expect is None else expect.template(send),
        starttls=_boolean(fields["starttls"]) if "starttls" in fields else False,
    )


def _tls(place: Place, folder: Path) -> TlsSettings:
    entries = place.entries()
    for key in (key for key in entries if key in _INLINE):
        entries[key].wrong(f"is not supported; put it into a file and name that by {key.split('_')[0]}_file")
    fields = place.fields((*_TLS_KEYS, *_INLINE))
    texts = {key: fields[key].text() for key in ("ca_file", "cert_file", "key_file") if key in fields}
    files = {key: str(folder / text) for key, text in texts.items() if text}
    if ("cert_file" in files) != ("key_file" in files):
        place.wrong("cert_file and key_file go together")
    versions = {key: fields[key].choice(VERSIONS) for key in ("min_version", "max_version") if key in fields}
    return TlsSettings(
        insecure_skip_verify=_boolean(fields["insecure_skip_verify"])
        if "insecure_skip_verify" in fields
        else False,
        server_name=fields["server_name"].text() if "server_name" in fields else "",
        **files,
        **versions,
    )


def _expression(place: Place) -> Expression | None:
    text = place.text()
    try:
        return Expression(text)
    except ExpressionError as error:
        place.wrong(f"is not an expression of RE2: {error}")
        return None


def _octets(place: Place) -> bytes:
    """A text's UTF-8, or what `!!binary` stands for."""
    text = place.text()
    if place.node.tag != _BINARY:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        place.wrong("is not base64")
        return b""


def _boolean(place: Place) -> bool:
    text = place.text()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return place.boolean()


def _address(place: Place) -> str | None:
    text = place.text()
    if not text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        place.wrong(f'"{text[:60]}" is not an address')
        return None


def _duration(place: Place) -> float:
    text = place.matching(_DURATION, "a duration like 5s, 1.5s or 1m30s")
    try:
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    except ValueError:
        return 0.0
