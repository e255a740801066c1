"""snmp_exporter's snmp.yml of 0.21 and 0.22 -> the format since 0.23: modules and auths apart.

The old file has its modules at the top, each with its own `version` and `auth`.  Since 0.23 a module says
only what to read, and credentials have names of their own, which a query gives by `auth=`.  So equal
credentials become one auth, and comments say which modules had it.  Nothing else of a module changes.

Credentials are carried over as they are, for the file holds them already and shall work at once;
`from_env` puts references to environment variables in their place, to be set for the agent.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

_MODULE_KEYS: Final = frozenset({"walk", "get", "metrics"})
_AUTH_KEYS: Final = (
    "community", "security_level", "username", "password", "auth_protocol", "priv_protocol",
    "priv_password", "context_name",
)  # fmt: skip
_SECRETS: Final = ("community", "password", "priv_password")
_NUMBERS: Final = frozenset({"max_repetitions", "retries", "fixed_size"})
_FLAGS: Final = frozenset({"implied"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_NO_VARIABLE: Final = re.compile(r"[^A-Z0-9]+")
_PUBLIC: Final = {("1", ()): "public_v1", ("2", ()): "public_v2"}

Auth = tuple[str, tuple[tuple[str, str], ...]]  # version and fields that differ from the defaults


def is_old(document: Any) -> bool:
    """Whether a document is such a file: mappings at the top that walk or get something."""
    return (
        isinstance(document, dict)
        and bool(document)
        and not {"modules", "scrape_configs"} & set(document)
        and all(isinstance(module, dict) and _MODULE_KEYS & set(module) for module in document.values())
    )


def is_new(document: Any) -> bool:
    """Whether a document is an snmp.yml of today already."""
    modules = document.get("modules") if isinstance(document, dict) else None
    return isinstance(modules, dict) and any(
        isinstance(module, dict) and _MODULE_KEYS & set(module) for module in modules.values()
    )


def convert(document: Mapping[str, Mapping[str, Any]], source: str, *, from_env: bool = False) -> str:
    """The text of the new file; `document` holds texts only, as YAML's base schema gives them."""
    users: dict[Auth, list[str]] = {}
    for name, module in document.items():
        users.setdefault(_auth_of(module), []).append(name)
    named = dict(_named(users))
    lines = [
        f"# Converted by netmon from {_comment(source)}.",
        "# Queries name the auth by auth=NAME, public_v2 by default; a module has none of its own now.",
    ]
    lines += [
        f"# auth={_comment(name)}: {_comment(', '.join(users[auth]))}"
        for name, auth in named.items()
        if name != "public_v2"
    ]
    lines += (
        ["# Set the environment variables named below for the agent."]
        if from_env
        else ["# It holds credentials: let nobody but the agent read it."]
        if any(set(dict(auth[1])) & set(_SECRETS) for auth in users)
        else []
    )
    auths = {name: _written(name, auth, from_env=from_env) for name, auth in named.items()}
    modules = {
        name: {key: _value(key, value) for key, value in module.items() if key not in ("auth", "version")}
        for name, module in document.items()
    }
    body = yaml.dump(
        {"auths": auths, "modules": modules},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
    )
    return "\n".join(lines) + "\n" + body


class _Dumper(yaml.CSafeDumper):
    """Writes what is shared as often as it stands there: anchors help nobody who edits the file."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of the base class
        return True


def _auth_of(module: Mapping[str, Any]) -> Auth:
    given = module.get("auth")
    auth = given if isinstance(given, dict) else {}
    version = str(module.get("version", "2"))
    fields = {key: str(auth[key]) for key in _AUTH_KEYS if auth.get(key) not in (None, "")}
    if version != "3":  # what the protocol does not use says nothing
        fields = {key: text for key, text in fields.items() if key == "community"}
    if fields.get("community") == "public":
        del fields["community"]
    return version, tuple(sorted(fields.items()))


def _named(users: Mapping[Auth, list[str]]) -> Iterator[tuple[str, Auth]]:
    """A name for each: the usual one of a public community, else after the first module that has it."""
    taken = set(_PUBLIC.values())
    for auth, modules in users.items():
        if auth in _PUBLIC:
            yield _PUBLIC[auth], auth
            continue
        base = f"{modules[0]}_v{auth[0]}"
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        yield name, auth


def _written(name: str, auth: Auth, *, from_env: bool) -> dict[str, Any]:
    version, fields = auth
    written: dict[str, Any] = {"version": _number(version)}
    if version != "3" and not dict(fields):
        written["community"] = "public"
    for key, text in fields:
        if key in _SECRETS and from_env:
            written[key] = f"${{env:{_NO_VARIABLE.sub('_', f'{name}_{key}'.upper()).strip('_')}}}"
        else:
            written[key] = text.replace("${", "$${")  # 0.21 knew no variables
    return written


def _value(key: str, value: Any) -> Any:
    """Numbers and flags as such where the format has them, so that other readers take the file too."""
    if isinstance(value, dict):
        if key == "enum_values":
            return {_number(number): state for number, state in value.items()}
        return {inner: _value(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_value("", item) for item in value]
    if key in _NUMBERS:
        return _number(value)
    if key in _FLAGS and value in ("true", "false"):
        return value == "true"
    return value


def _number(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def _comment(text: str) -> str:
    """One line, whatever the file holds: to YAML, U+0085 and U+2028 end one too."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:500])
