"""Stand-ins for DNS and certificates that the tests of policies share."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netmon.mail.policy.judged import Judged, PolicyError
from netmon.mail.policy.questions import Answer, QuestionError


class Zone:
    """Answers out of tables; a name in `broken` has none."""

    def __init__(
        self,
        texts: Mapping[str, Sequence[str]] | None = None,
        addresses: Mapping[str, Sequence[str]] | None = None,
        exchanges: Mapping[str, Sequence[str]] | None = None,
        broken: Sequence[str] = (),
    ) -> None:
        self._texts = texts or {}
        self._addresses = addresses or {}
        self._exchanges = exchanges or {}
        self._broken = broken
        self.asked: list[str] = []

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if name in self._broken:
            raise QuestionError(f"DNS is silent about {name}")

    async def texts(self, name: str) -> Answer[str]:
        """TXT records."""
        self._ask(name)
        return Answer(tuple(self._texts.get(name, ())))

    async def addresses(self, name: str) -> Answer[str]:
        """Addresses."""
        self._ask(name)
        return Answer(tuple(self._addresses.get(name, ())))

    async def exchanges(self, name: str) -> Answer[tuple[int, str]]:
        """MX records, all of one preference."""
        self._ask(name)
        return Answer(tuple((10, server) for server in self._exchanges.get(name, ())))


def said(judged: Judged) -> list[tuple[str, str]]:
    """Kind and severity of each finding."""
    return [(finding.kind, finding.severity.value) for finding in judged.findings]


def spki(der: bytes) -> bytes:
    """The public key of a certificate, as a TLSA record with selector 1 takes it."""
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def days(number: float) -> dt.datetime:
    """So many days from now."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=number)


def at_most_refused(parse: Callable[[], object]) -> None:
    """It may raise PolicyError with words that can be printed, and nothing else."""
    words = ""
    try:
        parse()
    except PolicyError as error:
        words = str(error)
    assert words.isprintable()
