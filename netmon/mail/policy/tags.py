"""Tag lists, `name=value; name=value`, as DKIM, DMARC, MTA-STS and TLS-RPT records are written.

RFC 6376 §3.2; RFC 7489 §6.4, RFC 8461 §3.1 and RFC 8460 §3 say the same but for details.
"""

import re
from collections.abc import Sequence
from typing import Final

from netmon.mail.policy.judged import PolicyError, quoted

LONGEST: Final = 8192  # characters of a record; DNS itself would allow 64 KB
_MOST: Final = 64  # tags
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def parse_tags(text: str) -> dict[str, str]:
    """The tags in their order, without the white space around them.

    Raises PolicyError: no tag list, a tag twice, too long, not ASCII.
    """
    if len(text) > LONGEST:
        raise PolicyError(f"the record has {len(text)} characters, more than {LONGEST}")
    if not text.isascii():
        raise PolicyError(f"the record is not plain ASCII: {quoted(text)}")
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()  # a semicolon may end the list
    if len(parts) > _MOST:
        raise PolicyError(f"the record has {len(parts)} tags, more than {_MOST}")
    tags: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise PolicyError(f"{quoted(part.strip())} is no tag of the form name=value")
        if name in tags:
            raise PolicyError(f"the tag {name} stands twice")
        tags[name] = value.strip()
    return tags


def one_record(texts: Sequence[str], version: str) -> str | None:
    """The one TXT record that begins with `version`; None where there is none.

    Others are of no concern (RFC 8461 §3.1, RFC 7489 §6.6.3).  Raises PolicyError for several, which
    count as none.
    """
    found = [text for text in texts if _version(text) == version]
    if len(found) > 1:
        raise PolicyError(f"{len(found)} records begin with v={version}; wanted one")
    return found[0] if found else None


def _version(text: str) -> str:
    name, _, value = text[:LONGEST].partition(";")[0].partition("=")
    return value.strip() if name.strip() == "v" else ""
