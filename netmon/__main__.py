"""`python -m netmon` is the command line."""

from netmon.cli import main

if __name__ == "__main__":
    main()
