"""The servers of an embedded site, each asked at its own address.

One that does not answer is being replaced, or broken; its state says which.
"""

from __future__ import annotations

import msgspec

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.core.kept_settings import Follower, follower_of
from yolodeploy.core.reports import broken, read_report
from yolodeploy.core.serving import DetectResponse, ErrorResponse, ServerInfo
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import InstanceState, StageReport
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.launch import identity
from yolodeploy.sites.embedded.probe import LARGEST_PICTURE, Answer, request
from yolodeploy.sites.embedded.store import InstanceRow

SCRAPE_S = 2.0


def report(site: str, folder: SiteFolder, row: InstanceRow) -> StageReport | None:
    """What a server has measured, under the names that it has here; None without an answer."""
    counted = identity(folder, row.name)
    if counted is None:
        return None
    names = StageReport(
        site=site,
        device=row.device,
        instance=counted,
        app=row.app,
        release=row.release,
    )
    try:
        answer = request(f"{row.url}/sketches", timeout_s=SCRAPE_S)
    except Failed as error:
        return broken(names, error.text())
    except YolodeployError:
        return None
    return read_report(answer.body, names) if answer.status == 200 else None


def compared(row: InstanceRow) -> ShadowReport | None:
    """What it says of its shadow; None where it has none, or what cannot be read."""
    try:
        answer = request(f"{row.url}/shadow", timeout_s=SCRAPE_S)
        return msgspec.json.decode(answer.body, type=ShadowReport) if answer.status == 200 else None
    except (YolodeployError, msgspec.DecodeError):
        return None


def follower(row: InstanceRow) -> Follower | None:
    """What it says of the site's settings and of its cameras; None without an answer."""
    try:
        info = msgspec.json.decode(request(f"{row.url}/info").body, type=ServerInfo)
        cameras = msgspec.json.decode(
            request(f"{row.url}/cameras").body, type=tuple[CameraState, ...]
        )
    except (YolodeployError, msgspec.DecodeError):
        return None
    return follower_of(info, row.device, row.name, row.app, cameras)


def detect(instance: InstanceState, picture: bytes) -> DetectResponse:
    """Send one picture to one instance.

    Raises:
        Failed: `site.detect`.
    """
    answer = request(f"{instance.url}/detect", body=picture, who=instance.name)
    if answer.status != 200:
        raise _refused(instance, answer)
    try:
        return msgspec.json.decode(answer.body, type=DetectResponse)
    except msgspec.DecodeError as error:  # a server of another version, or a broken one
        raise _refused(instance, answer) from error


def draw(instance: InstanceState, picture: bytes) -> bytes:
    """The same picture with everything drawn in.

    Raises:
        Failed: `site.detect`.
    """
    answer = request(
        f"{instance.url}/detect?format=annotated",
        body=picture,
        who=instance.name,
        largest=LARGEST_PICTURE,
    )
    if answer.status != 200:
        raise _refused(instance, answer)
    return answer.body


def _refused(instance: InstanceState, answer: Answer) -> Failed:
    try:
        reason = msgspec.json.decode(answer.body, type=ErrorResponse).text
    except msgspec.DecodeError as error:
        reason = str(error)
    return Failed("site.detect", instance=instance.name, status=answer.status, reason=reason)
