"""Tell whether a kubeconfig with a token is good for long enough yet: `yes` or `no`.

`python3 - '{"file": …, "authority": …, "days": …}' < good.py`; reads only.
"""

import base64
import json
import sys
import time
from pathlib import Path

DAY_S = 86400


def good(asked):
    """Whether it is this site's, and has a third of its time left."""
    try:
        told = json.loads(Path(asked["file"]).read_text(encoding="utf-8"))
        authority = told["clusters"][0]["cluster"]["certificate-authority-data"]
        claims = told["users"][0]["user"]["token"].split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        left_s = ends - time.time()
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return authority == asked["authority"] and left_s > asked["days"] * DAY_S / 3


if __name__ == "__main__":
    sys.stdout.write("yes\n" if good(json.loads(sys.argv[1])) else "no\n")
