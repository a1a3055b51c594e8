"""`python -m yolodeploy.serve.building --config FILE`: build a release's engine, and end.

What a server does at its start, where a GPU is free and nobody waits for it: the model is loaded,
its engine is built and held against f32. The server then finds it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve import narration

logger = logging.getLogger("yolodeploy.serve")


def main(arguments: list[str]) -> int:
    """0 when the engine is kept; else the error's exit code."""
    parser = argparse.ArgumentParser(prog="yolodeploy.serve.building")
    parser.add_argument("--config", required=True, metavar="FILE")
    narration.begin()
    try:
        _build(Path(parser.parse_args(arguments).config))
    except YolodeployError as error:
        logger.error("%s", narration.told(error))
        return error.exit_code
    return 0


def _build(file: Path) -> None:
    from yolodeploy.serve.__main__ import read_config
    from yolodeploy.serve.engine_cache import EngineCache, cache_of
    from yolodeploy.serve.loading import begin_loading
    from yolodeploy.serve.settings import checked

    config = checked(read_config(file))
    ready = begin_loading(config).result()
    wanted = ready.built_for
    if wanted is None or EngineCache(cache_of(config)).told(wanted.key) is None:
        raise Failed("serve.engine_not_kept", engine=ready.engine, path=cache_of(config))
    logger.info("engine %s is there", wanted.key)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # a thread may still be inside the engine, which would crash the interpreter's tidy end
    os._exit(code)
