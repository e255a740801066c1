"""netmon.yml out of what people have already: the snmp and blackbox jobs of a prometheus.yml, and file_sd.

And an snmp.yml of the days before 0.23 in the format of today (`snmp_yml`), and the receiver that a
snmptrapd.conf describes (`snmptrapd`).

Reading follows Prometheus (its configuration page: scrape_config, file_sd_config, relabel_config): each
target goes through the job's own relabelling, and what comes out as the exporter's parameters says what
the host is and how it was asked.  Only files are opened; nothing is contacted.  What cannot be carried
over is said in comments, never dropped in silence.
"""

from netmon.imports.hosts import Known
from netmon.imports.prometheus import ImportFileError, read_old_modules, read_targets
from netmon.imports.snmp_yml import convert
from netmon.imports.snmptrapd import convert_snmptrapd, read_snmptrapd
from netmon.imports.write import render

__all__ = [
    "ImportFileError",
    "Known",
    "convert",
    "convert_snmptrapd",
    "read_old_modules",
    "read_snmptrapd",
    "read_targets",
    "render",
]
