"""`python -m nisba` is the command line."""

from nisba.cli import main

if __name__ == "__main__":
    main()
