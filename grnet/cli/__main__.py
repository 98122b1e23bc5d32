"""`python -m grnet.cli`: the command line where the program is not on the path."""

from grnet.cli.app import main

if __name__ == "__main__":
    main()
