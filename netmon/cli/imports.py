"""`netmon import`: prints a netmon.yml made of a prometheus.yml or a file_sd file."""

from pathlib import Path
from typing import Annotated

import typer

from netmon.cli.common import fail
from netmon.config import RESERVED_LABELS
from netmon.imports import ImportFileError, Known, read_targets, render
from netmon.mib.modules import builtin_modules
from netmon.probes import PROBES


def import_command(
    file: Annotated[Path, typer.Argument(help="A prometheus.yml, or a file_sd file (YAML or JSON).")],
) -> None:
    """Print a netmon.yml with the hosts of a prometheus.yml's snmp and blackbox jobs.

    Static and file_sd targets go through the jobs' relabelling; the jobs of one address become one host.
    What could not be carried over is said in comments.  Nothing is contacted.  Example:

        netmon import /etc/prometheus/prometheus.yml > netmon.yml
    """
    try:
        found = read_targets(file)
    except ImportFileError as error:
        fail(str(error))
    typer.echo(
        render(found, str(file), Known(set(builtin_modules()), set(PROBES), RESERVED_LABELS)), nl=False
    )
