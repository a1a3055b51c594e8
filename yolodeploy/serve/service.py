"""What the endpoints share: the server's state from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy import __version__
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.site import StageReport
from yolodeploy.serve.device_load import DeviceWatch
from yolodeploy.serve.gpus.watch import GpuWatch
from yolodeploy.serve.http import is_failure
from yolodeploy.serve.measure import HTTP
from yolodeploy.serve.onlookers import SHADOW, Onlookers
from yolodeploy.serve.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from yolodeploy.core.engines import EngineFor
    from yolodeploy.core.nodes import DeviceLoad
    from yolodeploy.core.release import ModelFacts
    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.core.site import Epoch
    from yolodeploy.serve.health import Health
    from yolodeploy.serve.measure import Measurements
    from yolodeploy.serve.metrics import Collect
    from yolodeploy.serve.model import Network
    from yolodeploy.serve.pipeline import Answer, Asked
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.site import Site


class Service:
    """One server. Until the model has answered its warm-up it has no pool, and nothing is known."""

    def __init__(
        self,
        config: ServeConfig,
        measurements: Measurements,
        finished: tuple[Epoch, ...],
    ) -> None:
        self.config = config
        self.measurements = measurements
        self.finished = finished
        self.threads = 0
        self.pool: Pool | None = None
        self.health: Health | None = None
        self.facts: ModelFacts | None = None
        self.network: Network | None = None
        self.engine = ""
        self.precision = ""
        self.ready_s: float | None = None
        self.leaving = False
        self.batch_sizes: Sequence[int] = ()
        self.built_for: EngineFor | None = None
        self.instance_port = 0
        self.connections: Callable[[], int] = lambda: 0
        self.onlookers = Onlookers(config.state_dir)
        self.gpus = GpuWatch()
        self.device = DeviceWatch()
        # who else tells Prometheus something: called on the event loop, each gives what is called
        # in the scrape's thread then; see `metrics.metrics_text`
        self.collectors: list[Callable[[], Collect]] = [
            lambda: self.onlookers.families,
            lambda: self.gpus.families,
        ]
        self.tokens: tuple[bytes, ...] = ()
        self.tls: SSLContext | None = None
        self.site: Site | None = None

    @property
    def ready(self) -> bool:
        """Whether traffic should come here."""
        return self.pool is not None and not self.leaving

    def refused(self, error: YolodeployError, source: str = HTTP) -> None:
        """Count a request that was answered with an error."""
        if error.code == "serve.not_ready":
            # who asks before `/readyz` says yes learns nothing about the release
            self.measurements.turned_away(error.code, source)
        else:
            self.measurements.refused(error.code, failed=is_failure(error), source=source)

    def show(self, asked: Asked, outcome: Answer | YolodeployError, source: str = HTTP) -> None:
        """Let the onlookers see a picture that was answered, if there are any."""
        # what was mirrored to us is mirrored no further: two servers could shadow each other
        if not self.onlookers.looking or source == SHADOW:
            return
        picture = shown(asked.body, asked.wanted, source, asked.request_id)
        if isinstance(outcome, YolodeployError):
            self.onlookers.failed(picture, outcome.code)
        else:
            self.onlookers.answered(picture, outcome.response)

    async def demand_health(self) -> None:
        """Look whether workers and engine live; while they are loaded, that this answers will do.

        Raises:
            Failed: `serve.stuck`, `serve.engine_silent`.
        """
        if self.health is not None:
            await self.health.demand()

    def look(self) -> tuple[float | None, DeviceLoad]:
        """The GPU memory that we take, and the device. A driver may take half a second."""
        memory_mb = self.gpus.memory_mb() if self.gpus.present else None
        return memory_mb, self.device.load(self.gpus.reading())

    def report(self, gpu_memory_mb: float | None, load: DeviceLoad) -> StageReport:
        """Everything measured: the finished epochs that are kept, then the present one."""
        config = self.config
        return StageReport(
            site=config.site,
            device=config.device,
            instance=config.instance,
            app=config.app,
            release=config.release,
            epochs=(*self.finished, *self.measurements.snapshot()),
            ready_s=self.ready_s,
            gpu_memory_mb=gpu_memory_mb,
            version=__version__,
            load=load,
        )

    def labels(self) -> dict[str, str]:
        """What runs here, as labels."""
        config = self.config
        return {
            "version": __version__,
            "app": config.app,
            "release": config.release,
            "model": self.facts.digest if self.facts else config.model_digest,
            "engine": self.engine,
            "precision": self.precision,
        }
