"""Which engine serves: what the release asks for, once it has proved itself; never another one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from yolodeploy.core.errors import Failed, NotFound, Refused
from yolodeploy.serve import narration, warm_up
from yolodeploy.serve.agreement import agreement
from yolodeploy.serve.engine_cache import cache_of
from yolodeploy.serve.engines.onnx_session import is_quantised
from yolodeploy.serve.model import content_of
from yolodeploy.serve.pipeline import Pipeline

if TYPE_CHECKING:
    from yolodeploy.core.release import Precision, Serving
    from yolodeploy.core.serving import DetectResponse, ServeConfig
    from yolodeploy.serve.engines.engine import Engine
    from yolodeploy.serve.model import LoadedModel

DEFAULT = "onnxruntime"
MOST_OUTPUT_OFF = 0.05  # root of the mean square, as a share of the plain output's
BATCH_WAIT_MS = 2.0

logger = logging.getLogger(__name__)


def chosen(model: LoadedModel, config: ServeConfig, threads: int) -> LoadedModel:
    """The model in the engine of the release. `model` is in ONNX Runtime on the CPU.

    Raises:
        NotFound: `model.engine_missing`, and no fallback is allowed.
        Refused: `model.engine_precision`, `model.engine_disagrees`, `model.engine_refused`.
    """
    serving = config.serving
    if (serving.engine or DEFAULT) == DEFAULT:
        _demand(model.engine, serving.precision or model.engine.precision)
        return model
    try:
        other = _proven(model, config, threads)
    except (NotFound, Refused) as error:
        if not serving.fallback:
            raise
        logger.warning("falling back to %s: %s", model.engine.name, narration.told(error))
        return model
    model.engine.close()
    return other


def _proven(model: LoadedModel, config: ServeConfig, threads: int) -> LoadedModel:
    engine = _opened(model, config, threads)
    # pictures of several shapes cannot share a batch
    any_size = model.any_size and _batch(config) == 1
    other = model._replace(engine=engine, any_size=any_size)
    try:
        _demand_agreement(model, other, config)
    except Refused:
        engine.close()
        raise
    return other


def _opened(model: LoadedModel, config: ServeConfig, threads: int) -> Engine:
    serving, facts = config.serving, model.facts
    content = content_of(config.model)
    quantised = is_quantised(content)
    precision: Precision = serving.precision or ("int8" if quantised else "f32")
    if quantised != (precision == "int8"):
        reason = "the model is quantised" if quantised else "the model is not quantised"
        raise Refused(
            "model.engine_precision", engine=serving.engine, precision=precision, reason=reason
        )
    if serving.engine == "openvino":
        try:
            from yolodeploy.serve.engines.openvino import OpenVino
        except ImportError as error:
            raise NotFound("model.engine_missing", engine="OpenVINO", reason=error) from error
        return OpenVino(content, threads, precision)

    from yolodeploy.serve.engines.batching import Batched
    from yolodeploy.serve.engines.onnx_gpu import GpuPlan, OnnxGpu

    plan = GpuPlan(
        engine="tensorrt" if serving.engine == "tensorrt" else "cuda",
        precision=precision,
        model_digest=facts.digest,
        batch=_batch(config),
        vram_mb=config.vram_mb,
        cache=str(cache_of(config)),
        release=config.release,
    )
    given = model.engine.inputs[0]._replace(shape=(1, 3, facts.height, facts.width))
    engine = OnnxGpu(content, facts.opset, plan, given)
    if plan.batch == 1:
        return engine
    wait_ms = BATCH_WAIT_MS if serving.batch_wait_ms is msgspec.UNSET else serving.batch_wait_ms
    return Batched(engine, plan.batch, wait_ms / 1000)


def _batch(config: ServeConfig) -> int:
    return config.serving.batch or 1


def _demand(engine: Engine, precision: str) -> None:
    if engine.precision != precision:
        reason = f"the model is in {engine.precision}"
        raise Refused(
            "model.engine_precision", engine=engine.name, precision=precision, reason=reason
        )


def _demand_agreement(plain: LoadedModel, other: LoadedModel, config: ServeConfig) -> None:
    """Hold an engine against the plain one on the warm-up pictures.

    Raises:
        Refused: `model.engine_disagrees`.
    """
    serving = config.serving
    conf = max(serving.conf, 0.01)
    shown = warm_up.pictures()
    expected = _answers(plain, shown, serving, conf / 2)
    if isinstance(expected, Failed):
        # it answers, if badly: requests shall show that to the gates
        logger.warning("f32 is no measure: %s", narration.told(expected))
        return
    answers = _answers(other, shown, serving, conf / 2)
    if isinstance(answers, Failed):
        raise _disagrees(other, str(answers)) from answers
    found = agreement(expected, answers, conf)
    off = _outputs_off(plain, other)
    told = f"{found}, outputs off by {off:.4f}"
    logger.info("%s in %s against f32: %s", other.engine.name, other.engine.precision, told)
    # a model that finds nothing in these pictures is judged by its bare figures
    if found.close and (found.boxes or off <= MOST_OUTPUT_OFF):
        return
    if not serving.accept_difference:
        raise _disagrees(other, told)
    logger.warning("that difference is accepted by the release")


def _answers(
    model: LoadedModel, shown: list[bytes], serving: Serving, conf: float
) -> list[DetectResponse] | Failed:
    pipeline = Pipeline(model, "")
    try:
        return [warm_up.answer(pipeline, picture, serving, conf) for picture in shown]
    except Failed as error:
        return error


def _disagrees(other: LoadedModel, reason: str) -> Refused:
    engine = other.engine
    return Refused(
        "model.engine_disagrees", engine=engine.name, precision=engine.precision, reason=reason
    )


def _outputs_off(plain: LoadedModel, other: LoadedModel) -> float:
    """The largest relative difference of an output on noise; NaN when one is not finite."""
    facts = plain.facts
    chance = np.random.default_rng(0)
    blob = chance.random((1, 3, facts.height, facts.width)).astype(plain.input_type)
    pairs = zip(plain.engine.runner().infer(blob), other.engine.runner().infer(blob), strict=True)
    return max(_off(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in pairs)


def _off(plain: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    size = float(np.sqrt(np.mean(plain**2)))
    return float(np.sqrt(np.mean((plain - other) ** 2))) / (size or 1.0)
