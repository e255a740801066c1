"""The data that is handed to developers beside the repository: captures of devices, peers' own files."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[3] / "shared"


def shared(name: str) -> Path:
    """The path of a file or folder of it.  FileNotFoundError says what is missing."""
    path = _FOLDER / name
    if not path.exists():
        raise FileNotFoundError(
            f"{name} is not in the folder shared beside the repository: this test needs it"
        )
    return path
