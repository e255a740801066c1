"""The config as the receiver of traps is told it: with the secrets, so it goes through a pipe alone."""

from collections.abc import Mapping
from typing import Final

from netmon.config.records import Config
from netmon.probes.snmp_target import user_of
from netmon.traps.records import Forward, Settings

FOLDER: Final = "events"  # under `state.path`


def receiver_settings(config: Config, hosts: Mapping[str, str]) -> Settings | None:
    """What the receiver needs to know; None where the config has no `traps`.

    `hosts` are the numeric addresses that are known now, each with its host's name.
    """
    traps = config.traps
    if traps is None:
        return None
    return Settings(
        folder=config.state.path / FOLDER,
        communities=tuple(community.reveal().encode() for community in traps.communities),
        users=tuple(user_of(config.auths[name]) for name in traps.users),
        allow=traps.allow,
        hosts=dict(hosts),
        engines=dict(traps.engines),
        relays=traps.relays,
        learn=traps.learn,
        rate=traps.rate,
        burst=traps.burst,
        fold=traps.fold,
        retention=config.state.retention,
        max_size=config.state.max_size,
        log=traps.log,
        forward=tuple(
            Forward(entry.address.host, entry.address.port, entry.community.reveal().encode())
            for entry in traps.forward
        ),
        mib_dirs=config.mib_dirs,
        rules={name: entry.rule() for name, entry in traps.rules.items()},
    )
