"""`python -m ops` is `ugc`."""

from ops.cli import main

if __name__ == "__main__":
    main()
