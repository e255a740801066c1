"""Hatch's build hook: compiles netmon's hot modules into the wheel, if ``NETMON_COMPILE=1`` says so.

mypyc makes C of the same source, so a machine without a C compiler loses speed and nothing else.  The
work is done on a copy: nothing compiled ever lies beside the sources, where it would be imported in
their stead long after they have changed.  An editable installation is therefore never compiled.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "NETMON_COMPILE"
# mypyc checks types on its way, and `make check` has done so with the packages at hand that are not here.
LENIENT = ("--follow-imports=silent", "--ignore-missing-imports")
BUILD = """
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(sys.argv[1:], group_name="netmon", opt_level="3", debug_level="0")
setup(name="netmon", packages=[], ext_modules=modules, script_args=["--quiet", "build_ext", "--inplace"])
"""


class CompileHook(BuildHookInterface[Any]):
    """Adds to the wheel what is compiled; `modules` in its configuration names the sources."""

    def _wanted(self, version: str) -> bool:
        return os.environ.get(SWITCH, "") not in ("", "0") and version == "standard"

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling."""
        compiler = [str(name) for name in self.config["compiler"]]
        return compiler if os.environ.get(SWITCH, "") not in ("", "0") else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile on a copy of the sources."""
        if not self._wanted(version):
            return
        self._folder = Path(tempfile.mkdtemp(prefix="netmon-compile-"))
        shutil.copytree(Path(self.root) / "netmon", self._folder / "netmon")
        run = subprocess.run(
            [sys.executable, "-c", BUILD, *LENIENT, *self.config["modules"]],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        built = sorted(path for path in self._folder.rglob("*.so") if "build" not in path.parts)
        if run.returncode or len(built) <= len(self.config["modules"]):
            raise RuntimeError(f"netmon could not be compiled; {SWITCH}=0 does without\n{run.stdout}")
        for path in built:
            build_data["force_include"][str(path)] = str(path.relative_to(self._folder))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Throw the copy away."""
        if self._wanted(version):
            shutil.rmtree(self._folder)
