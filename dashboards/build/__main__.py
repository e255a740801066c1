"""Write the dashboards: `python -m dashboards.build`."""

from pathlib import Path

from dashboards.build import FOLDER, texts


def main(folder: Path = FOLDER) -> None:
    """Write every dashboard into `folder`."""
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
