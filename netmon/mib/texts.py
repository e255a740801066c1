"""Where MIB text is: netmon's own, in a checkout and in an installed package, and the user's folders."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
SUFFIXES: Final = ("", ".txt", ".mib", ".my", ".mi2", ".smi")


def shipped_folder() -> Path:
    """The folder of the modules that come with netmon: `mibs/` of a checkout, or beside this file."""
    installed = _HERE / "texts"
    return installed if installed.is_dir() else _HERE.parents[1] / "mibs"
