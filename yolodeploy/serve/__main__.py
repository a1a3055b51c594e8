"""`python -m yolodeploy.serve`: the server by hand, or as a site starts it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import get_args

import msgspec

from yolodeploy.core.errors import Refused, UsageError, YolodeployError
from yolodeploy.core.release import EngineName, Precision, Serving
from yolodeploy.core.serving import ServeConfig
from yolodeploy.serve import narration
from yolodeploy.serve.settings import checked

logger = logging.getLogger("yolodeploy.serve")


def main(arguments: list[str]) -> int:
    """Serve until told to stop; the exit code (see `core.errors`)."""
    parent = os.getppid()
    given = _parser().parse_args(arguments)
    narration.begin()
    # read when numpy is loaded: the workers are the parallelism, for masks and cut-outs too
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        if given.config:
            return _run(read_config(Path(given.config)), parent)
        config = _by_hand(given)
        if config.host not in ("127.0.0.1", "::1", "localhost") and not config.token_file:
            told = Refused("serve.no_tokens", host=config.host, port=config.port)
            logger.warning("%s", narration.told(told))
        return _run(config, parent)
    except YolodeployError as error:
        logger.error("%s", narration.told(error))
        return error.exit_code


def _run(config: ServeConfig, parent: int) -> int:
    if config.exit_with_parent:
        from yolodeploy.serve.parent import exit_with_parent

        exit_with_parent(parent)
    from yolodeploy.serve.loading import begin_loading

    loading = begin_loading(checked(config))
    from yolodeploy.serve.server import serve

    return serve(config, loading)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yolodeploy serve", description="Detect with one YOLO model over HTTP."
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="an ONNX file")
    parser.add_argument("--config", metavar="FILE", help="a ServeConfig as JSON, instead of MODEL")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    parser.add_argument("--state-dir", metavar="DIR", help="what outlives it (one a port)")
    parser.add_argument("--conf", type=float, default=Serving().conf, help="least score, 0 to 1")
    parser.add_argument("--iou", type=float, default=Serving().iou, help="most overlap, 0 to 1")
    parser.add_argument("--max-det", type=int, default=Serving().max_det, help="boxes a picture")
    parser.add_argument("--threads", type=int, default=0, help="0: what the cgroup allows")
    parser.add_argument("--engine", choices=get_args(EngineName), help="onnxruntime by default")
    parser.add_argument("--precision", choices=get_args(Precision), help="the model's own")
    parser.add_argument("--fallback", action="store_true", help="to the CPU, without the engine")
    parser.add_argument("--accept-difference", action="store_true", help="of its boxes to f32's")
    parser.add_argument("--settings", default="", metavar="FILE", help="cameras and sinks, TOML")
    parser.add_argument("--token-file", default="", metavar="FILE", help="who may ask; mode 0600")
    parser.add_argument("--tls-certificate", default="", metavar="FILE", help="PEM chain")
    parser.add_argument("--tls-key", default="", metavar="FILE", help="its key")
    return parser


def read_config(path: Path) -> ServeConfig:
    """A server's configuration.

    Raises:
        UsageError: `serve.config_unreadable`, `serve.config_invalid`.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServeConfig)
    except OSError as error:
        raise UsageError("serve.config_unreadable", path=path, reason=error.strerror) from error
    except msgspec.DecodeError as error:
        raise UsageError("serve.config_invalid", reason=error) from error


def _by_hand(given: argparse.Namespace) -> ServeConfig:
    if given.model is None:
        raise UsageError("serve.config_invalid", reason="neither MODEL nor --config is given")
    return ServeConfig(
        model=given.model,
        state_dir=given.state_dir or str(_own_folder() / str(given.port)),
        claims=str(_own_folder() / "claims"),
        host=given.host,
        port=given.port,
        serving=Serving(
            given.conf,
            given.iou,
            given.max_det,
            given.threads,
            engine=given.engine or msgspec.UNSET,
            precision=given.precision or msgspec.UNSET,
            fallback=given.fallback or msgspec.UNSET,
            accept_difference=given.accept_difference or msgspec.UNSET,
        ),
        settings=_there(given.settings),
        token_file=given.token_file,
        tls_certificate=given.tls_certificate,
        tls_key=given.tls_key,
    )


def _there(settings: str) -> str:
    """A site's file may come later; who names one by hand means one that is there."""
    if settings and not Path(settings).is_file():
        raise UsageError(
            "camera.settings_unreadable", path=settings, reason="there is no such file"
        )
    return settings


def _own_folder() -> Path:
    """What outlives a server by hand: a folder a port, so that two share neither by mistake.

    What was measured, and messages that could not be delivered, must not go with the process; and
    all of one person's servers agree here who reads which camera.
    """
    if home := os.environ.get("YOLODEPLOY_HOME"):
        return Path(home) / "serve"
    states = os.environ.get("XDG_STATE_HOME")
    return (Path(states) if states else Path.home() / ".local/state") / "yolodeploy/serve"


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # a thread may still be inside the engine, which would crash the interpreter's tidy end
    os._exit(code)
