"""Where the packed file begins."""

import sys

from k3s.command import main

sys.exit(main(sys.argv))
