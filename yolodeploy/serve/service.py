"""What the endpoints share: the server's state from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy import __version__
from yolodeploy.core.site import StageReport
from yolodeploy.serve.gpus.watch import GpuWatch
from yolodeploy.serve.onlookers import Onlookers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from yolodeploy.core.release import ModelFacts
    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.core.site import Epoch
    from yolodeploy.serve.measure import Measurements
    from yolodeploy.serve.metrics import Collect
    from yolodeploy.serve.pool import Pool


class Service:
    """One server. `pool` and `facts` are None until the model has answered its warm-up."""

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
        self.facts: ModelFacts | None = None
        self.engine = ""
        self.precision = ""
        self.leaving = False
        self.batch_sizes: Sequence[int] = ()
        self.connections: Callable[[], int] = lambda: 0
        self.onlookers = Onlookers(config.state_dir)
        self.gpus = GpuWatch()
        # what else tells Prometheus something; see `metrics.metrics_text`
        self.collectors: list[Collect] = [self.onlookers.families, self.gpus.families]
        self.tokens: tuple[bytes, ...] = ()
        self.tls: SSLContext | None = None

    @property
    def ready(self) -> bool:
        """Whether traffic should come here."""
        return self.pool is not None and not self.leaving

    def report(self) -> StageReport:
        """Everything measured: the finished epochs that are kept, then the present one."""
        config = self.config
        return StageReport(
            site=config.site,
            device=config.device,
            instance=config.instance,
            app=config.app,
            release=config.release,
            epochs=(*self.finished, *self.measurements.snapshot()),
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
