"""`python -m firelane`: the same as the command `firelane`."""

import sys

from firelane.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
