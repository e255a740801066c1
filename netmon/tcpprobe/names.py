"""Distinguished names, serial numbers and cipher suites in the words of blackbox_exporter's labels.

Dashboards join on these texts, so they are Go's: crypto/x509/pkix prints the attributes that it knows in
one order of its own, the last first, and those that it does not know before them by number and DER.
"""

from typing import Final

from cryptography import x509

# In the order of a name; several values of one kind stand together (RFC 4514 §2.2).
_KNOWN: Final = (
    ("2.5.4.6", "C", True),
    ("2.5.4.10", "O", True),
    ("2.5.4.11", "OU", True),
    ("2.5.4.7", "L", True),
    ("2.5.4.8", "ST", True),
    ("2.5.4.9", "STREET", True),
    ("2.5.4.17", "POSTALCODE", True),
    ("2.5.4.3", "CN", False),
    ("2.5.4.5", "SERIALNUMBER", False),
)
_ESCAPED: Final = frozenset(',+"\\<>;')
_PRINTABLE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C
_SHORT: Final = 128  # lengths in one octet


def distinguished(name: x509.Name) -> str:
    """A name as Go's pkix.Name prints it."""
    values: dict[str, list[str]] = {}
    others = []
    named = {oid for oid, _, _ in _KNOWN}
    for attribute in name:
        oid, value = attribute.oid.dotted_string, attribute.value
        if not isinstance(value, str):
            continue
        if oid in named:
            values.setdefault(oid, []).append(value)
        else:
            others.append(f"{oid}=#{_der(value).hex()}")
    parts = others
    for oid, short, several in _KNOWN:
        found = values.get(oid, [])
        kept = found if several else [each for each in found[-1:] if each]
        if kept:
            parts.append("+".join(f"{short}={_escaped(value)}" for value in kept))
    return ",".join(reversed(parts))


def serial_number(certificate: x509.Certificate) -> str:
    """The serial number in lower-case hex, whole octets."""
    number = abs(certificate.serial_number)
    return number.to_bytes((number.bit_length() + 7) // 8, "big").hex()


def cipher_suite(name: str) -> str:
    """OpenSSL's name of a cipher suite as IANA's, as ``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256``."""
    if name.startswith("TLS_"):
        return name
    parts = [
        word
        for part in name.split("-")
        for word in ((f"{part[:3]}_{part[3:]}",) if part in ("AES128", "AES256") else (part,))
    ]
    exchange = []
    while parts and parts[0] in ("ECDHE", "DHE", "RSA", "ECDSA", "DSS", "PSK"):
        exchange.append(parts.pop(0))
    rest = "_".join(parts)
    if rest.startswith(("AES_128_SHA", "AES_256_SHA")):
        rest = f"{rest[:7]}_CBC_{rest[8:]}"
    elif rest.startswith("CHACHA20") and not rest.endswith("SHA256"):
        rest += "_SHA256"
    return f"TLS_{'_'.join(exchange) or 'RSA'}_WITH_{rest}"


def _escaped(text: str) -> str:
    last = len(text) - 1
    return "".join(
        f"\\{c}" if c in _ESCAPED or (c == " " and at in (0, last)) or (c == "#" and at == 0) else c
        for at, c in enumerate(text)
    )


def _der(text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    tag = _PRINTABLE_STRING if set(text) <= _PRINTABLE else _UTF8_STRING
    length = len(octets)
    if length < _SHORT:
        return bytes((tag, length)) + octets
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + octets
