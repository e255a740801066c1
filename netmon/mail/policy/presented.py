"""What one address of a mail server presented; judges hold policies against it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Presented:
    """A look at one address.

    `fault` says why nothing was presented; `no_tls` that the server answered and has no TLS to offer,
    where another fault says nothing about TLS.  `chain` is DER, the server's own certificate first.
    `untrusted` is OpenSSL's word on the chain by the trust store, "" if it is trusted.
    """

    server: str
    address: str
    chain: tuple[bytes, ...] = ()
    untrusted: str = ""
    name_valid: bool = False
    fault: str = ""
    no_tls: bool = False
