"""Net-snmp's snmptrapd.conf -> the `traps` section of netmon.yml, and the auths that it names.

Communities and passwords become references to environment variables, each with a comment that says where
in the old file its value is: the result may be shown to others.  What has no counterpart is said in
comments.  The words are those of snmptrapd.conf(5) and snmpd.conf(5).
"""

import ipaddress
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from netmon.imports.prometheus import ImportFileError
from netmon.imports.write import comment, scalar

_MAX_BYTES: Final = 1 << 20
_MAX_NOTES: Final = 200
_DIRECTIVES: Final = frozenset(
    {"authcommunity", "authuser", "authgroup", "authaccess", "setaccess", "createuser", "snmptrapdaddr"}
    | {"disableauthorization", "forward", "traphandle", "traphandledefault", "perl", "format1", "format2"}
    | {
        "ignoreauthfailure",
        "donotlogtraps",
        "donotretainnotificationlogs",
        "donotfork",
        "pidfile",
        "logoption",
    }
    | {"outputoption", "engineid", "sqlmaxqueue", "sqlsaveinterval", "agentxsocket"}
)
_SILENT: Final = frozenset(  # of the process, of no meaning elsewhere
    {"donotfork", "pidfile", "donotretainnotificationlogs", "agentxsocket", "ignoreauthfailure"}
)
_AUTH: Final = {
    "MD5": "MD5", "SHA": "SHA", "SHA-1": "SHA", "SHA1": "SHA", "SHA-224": "SHA224", "SHA224": "SHA224",
    "SHA-256": "SHA256", "SHA256": "SHA256", "SHA-384": "SHA384", "SHA384": "SHA384", "SHA-512": "SHA512",
    "SHA512": "SHA512",
}  # fmt: skip
_PRIV: Final = {
    "DES": "DES", "AES": "AES", "AES-128": "AES", "AES128": "AES", "AES-192": "AES192", "AES192": "AES192",
    "AES-256": "AES256", "AES256": "AES256",
}  # fmt: skip
_LEVELS: Final = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}
_PORT: Final = 162


@dataclass(slots=True)
class _User:
    """What `createUser` says."""

    line: int
    engine: str = ""
    auth: str = ""
    priv: str = ""
    own_priv: bool = False  # a password of its own for privacy


@dataclass(slots=True)
class _Found:
    """What was read; `notes` are what could not be carried over."""

    communities: dict[str, int] = field(default_factory=dict)  # -> its line
    users: dict[str, _User] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)  # user -> level
    listen: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    forward: list[tuple[str, int]] = field(default_factory=list)  # address, line
    everywhere: bool = False  # some community may come from anywhere
    notes: list[str] = field(default_factory=list)

    def note(self, line: int, sentence: str) -> None:
        """Something that a person has to look at."""
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(f"line {line}: {sentence}" if line else sentence)


def read_snmptrapd(path: Path) -> str | None:
    """The text of a snmptrapd.conf, or None if the file is something else.  Raises ImportFileError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1).decode(errors="replace")
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from None
    words = (line.split(None, 1)[0] for line in text.splitlines() if line.strip() and line.strip()[0] != "#")
    first = next(words, "")
    if first.lower() not in _DIRECTIVES and path.name != "snmptrapd.conf":
        return None
    if len(text) > _MAX_BYTES:
        raise ImportFileError(f"{path} is longer than {_MAX_BYTES >> 20} MiB")
    return text


def convert_snmptrapd(text: str, source: str) -> str:
    """A netmon.yml with that receiver; `source` is the file's name for its first line."""
    found = _read(text)
    head = [f"# Imported by netmon from {comment(source)}: its receiver of traps."]
    if found.notes:
        head += ["# Not carried over, or to be looked at:", *(f"#   {comment(note)}" for note in found.notes)]
    auths = _auths(found)
    traps = _traps(found)
    hosts = [
        "# The devices, whose traps these are: nobody else may send, but for what traps.allow says.",
        "hosts: []",
    ]
    return "\n".join([*head, *auths, *traps, *hosts]) + "\n"


def _read(text: str) -> _Found:
    found = _Found()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        try:
            words = shlex.split(stripped, comments=True)
        except ValueError:
            found.note(number, "a quote is not closed; the line was left out")
            continue
        if words:
            _directive(found, number, words[0].lower(), words[1:])
    for name in found.levels:
        if name not in found.users and found.levels[name] != "noAuthNoPriv":
            found.note(
                0, f"authUser {name}: no createUser here (net-snmp keeps it in /var/lib/snmp): see auths"
            )
    return found


def _directive(found: _Found, number: int, name: str, words: list[str]) -> None:  # noqa: C901, PLR0912 - a table
    if name == "authcommunity" and len(words) > 1:
        _community(found, number, words)
    elif name == "createuser" and words:
        _create_user(found, number, words)
    elif name == "authuser" and len(words) > 1:
        words = words[2:] if words[1] == "-s" else words[1:]
        if words[:1] == ["usm"]:
            words = words[1:]
        found.levels[words[0]] = _LEVELS.get(words[1].lower() if len(words) > 1 else "auth", "authNoPriv")
    elif name == "snmptrapdaddr":
        for word in ",".join(words).split(","):
            _listen(found, number, word)
    elif name == "disableauthorization":
        if words[:1] in (["yes"], ["true"], ["1"]):
            found.note(
                number,
                "disableAuthorization: a community or user is needed all the same; `allow` is open to everybody",
            )
    elif name == "forward" and len(words) > 1:
        if words[0] != "default":
            found.note(number, f"forward {words[0]}: netmon forwards every event, not those of one OID")
        place = _place(words[1])
        if place is None:
            found.note(number, f"forward to {words[1]}: not an address in numbers over UDP")
        else:
            found.forward.append((place, number))
    elif name in {"traphandle", "traphandledefault"}:
        found.note(
            number,
            f"{name}: netmon runs no programs for traps; see traps.webhooks, and netmon trap tail --json",
        )
    elif name not in _SILENT:
        found.note(number, f"{name}: has no counterpart")


def _community(found: _Found, number: int, words: list[str]) -> None:
    found.communities.setdefault(words[1], number)
    source = words[2] if len(words) > 2 else "default"  # noqa: PLR2004 - TYPES COMMUNITY SOURCE
    if source == "default":
        found.everywhere = True
    else:
        try:
            found.allow.append(str(ipaddress.ip_network(source, strict=False)))
        except ValueError:
            found.note(
                number, f"authCommunity from {source}: not a network in numbers; add it to traps.allow"
            )
    if len(words) > 3:  # noqa: PLR2004
        found.note(
            number, "authCommunity: a limit to some OIDs has no counterpart; its community takes all traps"
        )
    if "execute" in words[0] or "net" in words[0].split(","):
        found.note(
            number, "authCommunity: execute and net have no counterpart; every accepted event does all"
        )


def _create_user(found: _Found, number: int, words: list[str]) -> None:
    engine = ""
    if words[0] == "-e" and len(words) > 2:  # noqa: PLR2004
        engine, words = words[1].removeprefix("0x"), words[2:]
    name, rest = words[0], words[1:]
    user = found.users.setdefault(name, _User(number, engine))
    if rest:
        user.auth = _AUTH.get(rest[0].upper(), "")
        if not user.auth:
            found.note(number, f"createUser {name}: netmon knows no {rest[0]}")
    if len(rest) > 2:  # noqa: PLR2004
        user.priv = _PRIV.get(rest[2].upper(), "")
        if not user.priv:
            found.note(number, f"createUser {name}: netmon knows no {rest[2]}")
    user.own_priv = len(rest) > 3  # noqa: PLR2004
    if any(word in {"-m", "-l"} for word in rest):
        found.note(
            number, f"createUser {name}: a localised or master key is no password; netmon needs the password"
        )
    if engine:
        found.note(
            number, f"createUser {name}: engine ID {engine}; netmon learns it, or give it in traps.engines"
        )


def _listen(found: _Found, number: int, word: str) -> None:
    place = _place(word, anywhere=True)
    if place is None:
        found.note(number, f"snmpTrapdAddr {word}: not an address in numbers over UDP")
    elif place not in found.listen:
        found.listen.append(place)


def _place(text: str, *, anywhere: bool = False) -> str | None:
    """`udp:1162`, `udp6:[::1]:162`, `192.0.2.1` as ADDRESS:PORT; None for other transports and names."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"udp", "udp6", "udpv6", "udpipv6"}:
        text = rest
        wildcard = "0.0.0.0" if scheme == "udp" else "::"  # noqa: S104 - what the old receiver listened on
    else:
        wildcard = "0.0.0.0"  # noqa: S104
    if re.fullmatch(r"[0-9]{1,5}", text) and anywhere:
        text = f"[{wildcard}]:{text}"
    match = re.fullmatch(r"\[?([0-9A-Fa-f:.]+?)\]?(?::([0-9]{1,5}))?", text)
    try:
        address = ipaddress.ip_address(match[1] if match else "")
    except ValueError:
        return None
    port = (match[2] if match else None) or _PORT
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004


def _auths(found: _Found) -> list[str]:
    names = list(dict.fromkeys((*found.levels, *found.users)))
    if not names:
        return []
    lines = ["auths:"]
    for name in names:
        user = found.users.get(name, _User(0))
        least = "authPriv" if user.priv else "authNoPriv" if user.auth else "noAuthNoPriv"
        level = found.levels.get(name, least)
        where = f"line {user.line}" if user.line else "its createUser"
        keys = [f"version: 3, username: {scalar(name)}, security_level: {level}"]
        if level != "noAuthNoPriv":
            variable = _variable("TRAP_AUTH", name)
            keys.append(f'auth_protocol: {user.auth or "SHA"}, password: "${{env:{variable}}}"')
        if level == "authPriv":
            variable = _variable("TRAP_PRIV" if user.own_priv or not user.line else "TRAP_AUTH", name)
            keys.append(f'priv_protocol: {user.priv or "AES"}, priv_password: "${{env:{variable}}}"')
        lines += [f"  # The passwords are in {where}."] if level != "noAuthNoPriv" else []
        lines.append(f"  {scalar('trap-' + name)}: {{{', '.join(keys)}}}")
    return lines


def _traps(found: _Found) -> list[str]:
    lines = ["traps:"]
    if found.listen:
        lines.append(f"  listen: [{', '.join(map(_quoted, found.listen))}]")
    if found.communities:
        lines.append("  communities:")
        for index, line in enumerate(found.communities.values(), 1):
            lines.append(f'    - "${{env:TRAP_COMMUNITY_{index}}}"    # that of line {line}')
    names = list(dict.fromkeys((*found.levels, *found.users)))
    if names:
        lines.append(f"  users: [{', '.join(scalar('trap-' + name) for name in names)}]")
    if not found.communities and not names:
        lines.append('  communities: ["${env:TRAP_COMMUNITY}"]    # none was authorised there')
    if found.everywhere:
        lines.append("  # Anybody could send; better name the hosts below, or their networks here.")
        lines.append('  allow: ["0.0.0.0/0", "::/0"]')
    elif found.allow:
        lines.append(f"  allow: [{', '.join(map(_quoted, dict.fromkeys(found.allow)))}]")
    if found.forward:
        lines.append("  forward:")
        for address, line in found.forward:
            lines.append(
                f'    - {{address: "{address}", community: "${{env:FORWARD_COMMUNITY}}"}}    # line {line}'
            )
    return lines


def _variable(prefix: str, name: str) -> str:
    return f"{prefix}_{re.sub('[^A-Z0-9]+', '_', name.upper()).strip('_')}"


def _quoted(text: str) -> str:
    return f'"{text}"'
