"""`python -m arete` is the `arete` command."""

from arete.cli import main

if __name__ == "__main__":
    main()
