"""Bringing the model up beside the event loop, which answers `/healthz` meanwhile.

Imports nothing heavy: it is the first thing that a server does, and the engine's libraries are
loaded in its thread.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, Failed
from yolodeploy.serve import narration
from yolodeploy.serve.allowance import processors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.engines import EngineFor
    from yolodeploy.core.release import ModelFacts
    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.serve.model import Network
    from yolodeploy.serve.pipeline import Pipeline

logger = logging.getLogger(__name__)


class Ready(NamedTuple):
    """A model that has answered, with one pipeline a worker.

    `batch_sizes` is how often a batch had one picture, two, …: it grows while the server serves,
    and has no entry where nothing is batched.
    """

    facts: ModelFacts
    engine: str
    precision: str
    threads: int
    network: Network
    pipelines: Sequence[Pipeline]
    batch_sizes: Sequence[int] = ()
    built_for: EngineFor | None = None


def begin_loading(config: ServeConfig) -> Future[Ready]:
    """Load and warm up in a thread of its own, while the web server's packages are imported.

    It is a daemon: nothing can interrupt an engine that loads, and a stop must not wait for it.
    """
    outcome: Future[Ready] = Future()
    threads = config.serving.threads or processors()

    def work() -> None:
        try:
            ready = _loaded(config, threads)
        # whatever it is ends the process, and the event loop is who ends it
        except Exception as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(ready)

    Thread(target=work, name="loading", daemon=True).start()
    return outcome


def _loaded(config: ServeConfig, threads: int) -> Ready:
    from yolodeploy.serve.choosing import DEFAULT, chosen
    from yolodeploy.serve.engines.batching import Batched
    from yolodeploy.serve.model import load
    from yolodeploy.serve.pipeline import Pipeline

    serving = config.serving
    plain = (serving.engine or DEFAULT) == DEFAULT or bool(serving.fallback)
    model = load(config.model, threads if plain else 1)
    if config.model_digest and config.model_digest != model.facts.digest:
        raise Corrupt(
            "model.other_digest",
            path=config.model,
            digest=model.facts.digest,
            wanted=config.model_digest,
        )
    model = chosen(model, config, threads)
    # a batch fills only when as many workers as it holds wait for it
    workers = max(threads, 2 * (serving.batch or 0))
    scaled = bool(serving.scaled_decode)
    pipelines = [Pipeline(model, config.release, scaled_decode=scaled) for _ in range(workers)]
    _warm_up(pipelines, config)
    engine = model.engine
    sizes = engine.sizes if isinstance(engine, Batched) else ()
    return Ready(
        model.facts, engine.name, engine.precision, threads, model.network, pipelines, sizes,
        engine.built_for,
    )  # fmt: skip


def _warm_up(pipelines: Sequence[Pipeline], config: ServeConfig) -> None:
    """One grey picture through all stages of each, at once: that is how they will work."""
    from yolodeploy.serve import warm_up

    def work(index: int) -> None:
        try:
            serving = config.serving
            asked = warm_up.asked(warm_up.grey(), serving, serving.conf)
            # the session for lone requests is woken too
            pipelines[index].answer(asked, alone=index == 0)
        except Failed as error:
            # it answers, if badly: requests shall show that to the gates
            logger.warning("warm-up: %s", narration.told(error))

    with ThreadPoolExecutor(len(pipelines)) as pool:
        for outcome in [pool.submit(work, index) for index in range(len(pipelines))]:
            outcome.result()
