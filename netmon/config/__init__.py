"""netmon.yml -> frozen records; no I/O but reading files.

A strict YAML file in, a `Config` out, or a `ConfigError` that names every mistake as
`file:line:column: path: what was seen, what is wanted`.  The modules, bottom up: `nodes` and `compose`
(YAML with positions), `mistakes`, `expand` (`${env:}`, `${file:}`), `shapes` and `strict` (keys, sorts,
references), `records` (the schema, in pydantic), `words` (pydantic's errors as sentences), `merge`
(groups and defaults), `whole` (checks across hosts), `windows`, `redact` and `public`, `load`, `glance`.
"""

from netmon.config.glance import state_path
from netmon.config.load import load
from netmon.config.mistakes import ConfigError, Mistake
from netmon.config.public import public_dump, schema, starter
from netmon.config.receiver import receiver_settings
from netmon.config.records import PUBLIC_AUTH, Config, DomainConfig, HostConfig, MailflowConfig, ProbeEntry
from netmon.config.values import RESERVED_LABELS, Listen

__all__ = [
    "PUBLIC_AUTH",
    "RESERVED_LABELS",
    "Config",
    "ConfigError",
    "DomainConfig",
    "HostConfig",
    "Listen",
    "MailflowConfig",
    "Mistake",
    "ProbeEntry",
    "load",
    "public_dump",
    "receiver_settings",
    "schema",
    "starter",
    "state_path",
]
