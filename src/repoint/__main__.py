"""Run the command line as `python -m repoint`."""

from repoint.cli.door import main

if __name__ == "__main__":
    main()
