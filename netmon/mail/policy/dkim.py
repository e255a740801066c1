"""DKIM keys: whether the selectors that a domain signs with lead to keys (RFC 6376 §3.6.1).

RFC 8301 says which RSA keys are too short, RFC 8463 what an Ed25519 key looks like.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from netmon.mail.policy.judged import Judged, Policy, PolicyError, quoted
from netmon.mail.policy.tags import parse_tags
from netmon.model import Finding, FindingKind, Severity

_ED25519_BYTES: Final = 32
_SHORTEST: Final = 1024  # RFC 8301 §3.2: verifiers take no shorter one
_SHORT: Final = 2048  # and signers should not use a shorter one


@dataclass(frozen=True, slots=True)
class Key:
    """A key as published; `revoked`: it was, and its owner has withdrawn it."""

    type: str  # rsa or ed25519
    bits: int
    revoked: bool = False
    testing: bool = False


def name(domain: str, selector: str) -> str:
    """Where the key stands."""
    return f"{selector}._domainkey.{domain}"


def parse_key(text: str) -> Key:
    """A key record.  Raises PolicyError."""
    tags = parse_tags(text)
    if "v" in tags and next(iter(tags.items())) != ("v", "DKIM1"):
        raise PolicyError(f"v={quoted(tags['v'])} is not DKIM1 at the record's beginning")
    kind = tags.get("k", "rsa")
    if kind not in {"rsa", "ed25519"}:
        raise PolicyError(f"k={quoted(kind)} is neither rsa nor ed25519")
    if "p" not in tags:
        raise PolicyError("the record has no key (p)")
    _allows(tags, "h", "sha256", "sha256")
    _allows(tags, "s", "email", "mail")
    flags = [flag.strip() for flag in tags.get("t", "").split(":")]
    if not tags["p"]:
        return Key(kind, 0, revoked=True)
    try:
        data = base64.b64decode("".join(tags["p"].split()), validate=True)
    except (binascii.Error, ValueError):
        raise PolicyError("the key (p) is not base64") from None
    return Key(kind, _bits(kind, data), testing="y" in flags)


def _allows(tags: Mapping[str, str], tag: str, wanted: str, words: str) -> None:
    allowed = [word.strip().lower() for word in tags.get(tag, wanted).split(":")]
    if wanted not in allowed and "*" not in allowed:
        raise PolicyError(f"{tag}={quoted(tags[tag])} does not allow {words}")


def _bits(kind: str, data: bytes) -> int:
    if kind == "ed25519":
        if len(data) != _ED25519_BYTES:
            raise PolicyError(f"an Ed25519 key has {_ED25519_BYTES} octets, this one {len(data)}")
        return _ED25519_BYTES * 8
    try:
        key = load_der_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PolicyError("the RSA key (p) is cut or broken") from None
    if not isinstance(key, RSAPublicKey):
        raise PolicyError("k=rsa, but the key is none of RSA")
    return key.key_size


def judge(answers: Mapping[str, Sequence[str]]) -> Judged:
    """Of the TXT records by selector."""
    findings: list[Finding] = []
    told = []
    valid = True
    for selector, texts in answers.items():
        try:
            key = _key(texts)
        except PolicyError as error:
            valid = False
            text = f"DKIM selector {selector}: {error}"
            findings.append(Finding(FindingKind.DKIM_INVALID, Severity.RISK, text, subject=selector))
            told.append(text)
            continue
        told.append(f"DKIM selector {selector}: {key.type}, {key.bits} bits")
        if key.type == "rsa" and key.bits < _SHORT:
            text = f"DKIM selector {selector}: an RSA key of {key.bits} bits; wanted {_SHORT}"
            findings.append(Finding(FindingKind.DKIM_WEAK, Severity.INFO, text, subject=selector))
        if key.testing:
            text = f"DKIM selector {selector}: t=y says that it is a test, so receivers may ignore it"
            findings.append(Finding(FindingKind.DKIM_WEAK, Severity.INFO, text, subject=selector))
    present = any(answers.values())
    return Judged(
        Policy.DKIM, present=present, valid=valid, summary="; ".join(told), findings=tuple(findings)
    )


def _key(texts: Sequence[str]) -> Key:
    if not texts:
        raise PolicyError("no key is published, so what is signed with it fails")
    if len(texts) > 1:
        raise PolicyError(f"{len(texts)} TXT records; wanted one (RFC 6376 §3.6.2.2)")
    key = parse_key(texts[0])
    if key.revoked:
        raise PolicyError("the key is revoked (p is empty), so what is signed with it fails")
    if key.type == "rsa" and key.bits < _SHORTEST:
        raise PolicyError(f"an RSA key of {key.bits} bits, which receivers ignore (RFC 8301)")
    return key
