"""The version that this binary says it is; `parts.py` writes another into the file that it packs."""

VERSION = "v1.36.2+k3s1"
COMMIT = "0d0ub1e0"
