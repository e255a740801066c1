"""`netmon import`: a netmon.yml of a prometheus.yml, file_sd file or snmptrapd.conf; an old snmp.yml anew."""

from pathlib import Path
from typing import Annotated

import typer

from netmon.cli.common import fail, working
from netmon.config import RESERVED_LABELS
from netmon.imports import (
    ImportFileError,
    Known,
    convert,
    convert_snmptrapd,
    read_old_modules,
    read_snmptrapd,
    read_targets,
    render,
)
from netmon.mib.modules import builtin_modules
from netmon.probes import PROBES


def import_command(
    file: Annotated[
        Path,
        typer.Argument(
            help="A prometheus.yml, a file_sd file (YAML or JSON), a snmptrapd.conf, or a snmp.yml of 0.21."
        ),
    ],
    *,
    secrets_from_env: Annotated[
        bool,
        typer.Option(help="Of an snmp.yml: name environment variables in the place of its credentials."),
    ] = False,
) -> None:
    """Print a netmon.yml with the hosts of a prometheus.yml's snmp and blackbox jobs, or convert an snmp.yml.

    Static and file_sd targets go through the jobs' relabelling; the jobs of one address become one host.
    What could not be carried over is said in comments.  Nothing is contacted.  Example:

        netmon import /etc/prometheus/prometheus.yml > netmon.yml

    An snmp.yml of snmp_exporter 0.21 or 0.22 is printed in the format since 0.23, for module_files.  Its
    credentials are carried over as they are, so let nobody but the agent read the result:

        (umask 077; netmon import old.yml > snmp.yml)

    Of a snmptrapd.conf the section traps is printed, and the auths that it needs, without its secrets.
    """
    try:
        with working(f"reading {file}"):
            text = _converted(file, secrets_from_env=secrets_from_env)
    except ImportFileError as error:
        fail(str(error))
    typer.echo(text, nl=False)


def _converted(file: Path, *, secrets_from_env: bool) -> str:
    """What is printed.  Raises ImportFileError."""
    trapd = read_snmptrapd(file)
    if trapd is not None:
        return convert_snmptrapd(trapd, str(file))
    old = read_old_modules(file)
    if old is not None:
        return convert(old, str(file), from_env=secrets_from_env)
    known = Known(set(builtin_modules()), set(PROBES), RESERVED_LABELS)
    return render(read_targets(file), str(file), known)
