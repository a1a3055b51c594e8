"""Bringing the model up beside the event loop, which answers `/healthz` meanwhile."""

from __future__ import annotations

import asyncio
import logging
from threading import Thread
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, Failed
from yolodeploy.serve import narration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.release import ModelFacts
    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.serve.pipeline import Pipeline

logger = logging.getLogger(__name__)


class Ready(NamedTuple):
    """A model that has answered, with one pipeline a worker."""

    facts: ModelFacts
    engine: str
    pipelines: Sequence[Pipeline]


def begin_loading(config: ServeConfig, threads: int) -> asyncio.Future[Ready]:
    """Load and warm up in a thread of its own.

    It is a daemon: nothing can interrupt an engine that loads, and a stop must not wait for it.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Ready] = loop.create_future()

    def work() -> None:
        try:
            ready = _loaded(config, threads)
        # whatever it is ends the process, and the event loop is who ends it
        except Exception as error:
            loop.call_soon_threadsafe(outcome.set_exception, error)
        else:
            loop.call_soon_threadsafe(outcome.set_result, ready)

    Thread(target=work, name="loading", daemon=True).start()
    return outcome


def _loaded(config: ServeConfig, threads: int) -> Ready:
    from yolodeploy.serve.model import engine_name, load
    from yolodeploy.serve.pipeline import Pipeline

    model = load(config.model, threads)
    if config.model_digest and config.model_digest != model.facts.digest:
        raise Corrupt(
            "model.other_digest",
            path=config.model,
            digest=model.facts.digest,
            wanted=config.model_digest,
        )
    pipelines = [Pipeline(model, config.release) for _ in range(threads)]
    for pipeline in pipelines:
        _warm_up(pipeline, config)
    return Ready(model.facts, engine_name(), pipelines)


def _warm_up(pipeline: Pipeline, config: ServeConfig) -> None:
    """One grey picture through all stages: buffers are touched, libraries set themselves up."""
    import numpy as np

    from yolodeploy.serve.opencv import cv2
    from yolodeploy.serve.pipeline import Asked
    from yolodeploy.serve.postprocess import Wanted

    picture = cv2.imencode(".jpg", np.full((72, 128, 3), 114, np.uint8))[1].tobytes()
    serving = config.serving
    wanted = Wanted(serving.conf, serving.iou, serving.max_det)
    try:
        pipeline.answer(Asked(picture, wanted, "warm-up", perf_counter_ns()))
    except Failed as error:
        # it answers, if badly: requests shall show that to the gates
        logger.warning("warm-up: %s", narration.told(error))
