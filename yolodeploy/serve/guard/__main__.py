"""`python -m yolodeploy.serve.guard --app APP`: what the guard's pod runs."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from yolodeploy.core.cluster import GUARD_JOB
from yolodeploy.serve.cluster_api import Api, Refusal, address
from yolodeploy.serve.guard.guarding import CHANGED, Guard

ROUND_S = 1.0
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def main(arguments: list[str]) -> int:
    """Guard until no trial is on; 0 then."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as process 1 it would be ignored
    job = os.environ.get(GUARD_JOB, "")
    guard = Guard(Api(given.api, Path(given.account)), given.app, job, beside=given.beside)
    told = ""
    while True:
        try:
            if guard.round():
                return 0
            said = ""
        except Refusal as refused:
            # somebody else was quicker: the next round sees what they did
            said = "" if refused.status == CHANGED else str(refused)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            said = f"the API server does not answer: {error}"
        if said and said != told:
            print(said, file=sys.stderr, flush=True)  # noqa: T201 (its log)
        told = said
        time.sleep(ROUND_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yolodeploy.serve.guard", description="Guard the trials of one app in its cluster."
    )
    parser.add_argument("--app", required=True)
    # an older guard, which would take such a trial for a switch, ends here with an error
    parser.add_argument("--beside", action="store_true", help="releases are tried beside another")
    parser.add_argument("--api", default=address(), help="the API server's URL")
    parser.add_argument("--account", default=ACCOUNT, help="folder with token and ca.crt")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
