"""A message that is sent through the mail to see whether it arrives, and whether as it was.

It is made to be mangled: all transfer encodings, names in several scripts, lines that a careless hand
would stuff, trim or fold.  What comes back is compared part by part.  Everything here is pure: who
sends and fetches is `netmon.probes.mailflow`.
"""

from netmon.mail.canary.compare import MOST, Comparison, compare
from netmon.mail.canary.message import HEADER, build
from netmon.mail.canary.token import Signer, Token
from netmon.mail.canary.trace import Hop, authentication_results, hops

__all__ = [
    "HEADER",
    "MOST",
    "Comparison",
    "Hop",
    "Signer",
    "Token",
    "authentication_results",
    "build",
    "compare",
    "hops",
]
