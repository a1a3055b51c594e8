"""The servers of a cluster's apps: what they measured, and what they see in a picture."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.core.reports import broken, read_report
from yolodeploy.core.serving import DetectResponse, ErrorResponse
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import InstanceState, StageReport
from yolodeploy.sites.kubernetes.comparing import compared
from yolodeploy.sites.kubernetes.connection import AT_ONCE, Connection
from yolodeploy.sites.kubernetes.objects import Pod
from yolodeploy.sites.kubernetes.seen import Running
from yolodeploy.sites.kubernetes.states import proxy

SCRAPE_S = 3.0
LARGEST_ANSWER = 8 << 20
LARGEST_PICTURE = 64 << 20  # 50 megapixels as JPEG


class Servers:
    """Pods, asked through the API server's proxy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reports(self, pods: Iterable[tuple[str, Running]]) -> list[StageReport]:
        """What every pod that answers has measured."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = pool.map(lambda pair: self._report(*pair), pods)
        return [report for report in found if report is not None]

    def compared(self, app: str, pods: Iterable[Pod]) -> list[ShadowReport]:
        """What every pod that mirrors says of how the second server answers."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = pool.map(lambda pod: compared(self._connection, app, pod), pods)
        return [report for report in found if report is not None]

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance.

        Raises:
            Failed: `site.detect`.
        """
        answer = self._picture(instance, "/detect", picture, LARGEST_ANSWER)
        try:
            return msgspec.json.decode(answer, type=DetectResponse)
        except msgspec.DecodeError as error:
            raise Failed("site.detect", instance=instance.name, status=200, reason=error) from error

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """The same picture with everything drawn in.

        Raises:
            Failed: `site.detect`.
        """
        return self._picture(instance, "/detect?format=annotated", picture, LARGEST_PICTURE)

    def _report(self, app: str, pod: Running) -> StageReport | None:
        """What a pod has measured, under the names that it has here."""
        path = f"{proxy(app, pod.name)}/sketches"
        names = StageReport(
            site=self._connection.site,
            device=pod.device,
            instance=pod.name,
            app=app,
            release=pod.release,
        )
        try:
            answer = self._connection.call(
                "GET", path, limit_s=SCRAPE_S, largest=LARGEST_ANSWER, tries=1
            )
        except YolodeployError as error:
            # else it is being replaced, or broken; its state says which
            return broken(names, error.text()) if error.code == "kubernetes.too_large" else None
        return read_report(answer, names)

    def _picture(self, instance: InstanceState, path: str, picture: bytes, largest: int) -> bytes:
        status, answer = self._connection.ask(
            "POST",
            f"{proxy(instance.app, instance.name)}{path}",
            body=picture,
            content_type="application/octet-stream",
            largest=largest,
        )
        if status == 200:
            return answer
        try:
            reason = msgspec.json.decode(answer, type=ErrorResponse).text
        except msgspec.DecodeError:
            reason = answer[:200].decode(errors="replace")
        raise Failed("site.detect", instance=instance.name, status=status, reason=reason)
