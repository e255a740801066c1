"""Hold the dashboards against Grafana's published schema, @grafana/schema: `make dashboards-schema`.

The package is TypeScript, so the JSON becomes constants of its types and tsc is the judge: whole
dashboards, and each panel's options and custom field settings by the kind of panel.  It needs npm and
the network, so it is no part of the tests; they go through the SDK's types of the same version.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dashboards.build import FOLDER, texts

PACKAGES: Final = ("@grafana/schema@11.6.0", "typescript@5.8.3")
WORK: Final = FOLDER.parent / "build" / "grafana-schema"
# Panels and what their settings are called in the schema's folders; stat panels have no settings of fields.
KINDS: Final = {
    "bargauge": ("BarGauge", False),
    "stat": ("Stat", False),
    "state-timeline": ("StateTimeline", True),
    "table": ("Table", True),
    "timeseries": ("TimeSeries", True),
}
_RAW: Final = "./node_modules/@grafana/schema/dist/esm/raw"
_TSCONFIG: Final = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "module": "esnext",
        "moduleResolution": "bundler",
        "target": "es2022",
        "skipLibCheck": True,
        "types": [],
    },
    "files": ["check.ts"],
}


def source() -> str:
    """A TypeScript file that compiles if the dashboards are of the schema's types."""
    lines = [
        f'import type {{ Dashboard }} from "{_RAW}/dashboard/x/dashboard_types.gen";',
        # A word of an enum is no member of it to tsc: take the words.
        "type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;",
        "type Some<T> = Partial<Plain<T>>;",
    ]
    for kind, (name, _) in KINDS.items():
        folder = kind.replace("-", "")
        lines.append(
            f'import type * as {name} from "{_RAW}/composable/{folder}/panelcfg/x/{name}PanelCfg_types.gen";'
        )
    for place, text in enumerate(texts().values()):
        lines.append(f"export const d{place}: Plain<Dashboard> = {text};")
        for panel in json.loads(text)["panels"]:
            if panel["type"] == "row":
                continue
            name, fields = KINDS[panel["type"]]
            lines.append(f"({json.dumps(panel['options'])}) satisfies Some<{name}.Options>;")
            custom = panel["fieldConfig"]["defaults"].get("custom", {})
            lines.append(
                f"({json.dumps(custom)}) satisfies {f'Some<{name}.FieldConfig>' if fields else '{}'};"
            )
    return "\n".join(lines) + "\n"


def install(folder: Path, packages: Sequence[str]) -> None:
    """Packages of npm in a folder of their own, whose scripts are not run; nothing if they are there."""
    mark = folder / "installed"
    if mark.exists() and mark.read_text() == str(packages):
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text("{}\n")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *packages]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603  # constants
    mark.write_text(str(packages))


def main(folder: Path = WORK) -> int:
    """Install the schema in `folder` and compile; tsc's exit code."""
    install(folder, PACKAGES)
    (folder / "tsconfig.json").write_text(json.dumps(_TSCONFIG))
    (folder / "check.ts").write_text(source())
    done = subprocess.run(["node_modules/.bin/tsc", "-p", "."], cwd=folder, check=False)  # noqa: S607
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
