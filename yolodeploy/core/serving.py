"""What a site tells a server process, and what the server answers.

Server and site may be of different versions (the server comes out of the image), so both sides
ignore fields that they do not know.
"""

from __future__ import annotations

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Box
from yolodeploy.core.release import ModelFacts, Serving


class ServeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The server's configuration file (JSON).

    `model` is a path to an ONNX file. Two sockets are opened on `host`: `instance_port` (0: any
    free one) answers for this process from its start, `port` (0: none) is shared with other
    processes of the same app and joined only when the model has answered. `state_dir` holds what
    outlives the process: its address (`instance.json`), epoch counter and measurements.

    `token_file` (mode 0600, one token a line; none: everybody may ask) holds what requests for
    detections must bring, `tls_certificate` and `tls_key` (PEM) make the shared port speak TLS.
    `settings` is the site's own file (TOML, or JSON by its suffix), which names cameras, sinks and
    more, and is read again when it changes; where there is none, there are none. `claims` is the
    folder in which servers of one machine agree who reads which camera, `spools` the one of what
    was not delivered yet, which the next release's server takes over (none: in the state folder).
    On a cluster `account` takes the place of `claims`: the folder of the pod's account, with which
    servers agree through Leases (one that has none there reads no camera).
    `mirror` is the path of a file that need not be there: while it is, what this server sees is
    mirrored as it says (see `core.beside.Mirror`), unless the site's settings name a shadow.
    `engine_cache` keeps built TensorRT engines (none: `engines` in the state folder), `vram_mb` is
    the GPU memory that this process may take (0: no limit).
    """

    model: str
    state_dir: str
    host: str = "127.0.0.1"
    port: int = 0
    instance_port: int = 0
    site: str = ""
    device: str = ""
    instance: str = ""
    app: str = ""
    release: str = ""
    model_digest: str = ""
    serving: Serving = Serving()
    exit_with_parent: bool = False
    token_file: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    engine_cache: str = ""
    vram_mb: int = 0
    settings: str = ""
    claims: str = ""
    account: str = ""
    spools: str = ""
    mirror: str | msgspec.UnsetType = msgspec.UNSET


class InstanceAddress(msgspec.Struct, frozen=True, kw_only=True):
    """`instance.json` in the state folder: where this life of the process answers."""

    pid: int
    host: str
    port: int
    epoch: int
    ready: bool = False


class Probability(msgspec.Struct, frozen=True):
    """How likely the whole picture shows a class; `score` from 0 to 1."""

    class_id: int
    score: float


class DetectResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `POST /detect`.

    `boxes` are in pixels of the picture as sent, `width` and `height` are its size, `stages_ms`
    has one entry a stage and `total`. Only a classifier's answer has `probabilities` (best first,
    at most five); then there are no boxes.
    """

    boxes: tuple[Box, ...]
    classes: tuple[str, ...]
    width: int
    height: int
    stages_ms: dict[str, float]
    request_id: str = ""
    release: str = ""
    model: str = ""
    probabilities: tuple[Probability, ...] | msgspec.UnsetType = msgspec.UNSET


class ErrorResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request that cannot be served: a code of the catalogue, text, remedy."""

    code: str
    text: str
    remedy: str = ""


class Healthy(msgspec.Struct, frozen=True):
    """The answer to `GET /healthz` when all is well."""

    healthy: bool = True


class Ready(msgspec.Struct, frozen=True):
    """The answer to `GET /readyz` when traffic may come."""

    ready: bool = True


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `GET /info`: what runs here. `model` is None until it has been loaded.

    `settings` is the digest of the site's settings that are followed, empty for none;
    `settings_error` why those that are there now are not, empty when they are. Neither is there
    where the server has no file of settings. `leases`: it knows how to agree with servers of other
    machines who reads a camera; older ones do not say so, and do not know.
    """

    version: str
    engine: str
    precision: str
    threads: int
    app: str
    release: str
    epoch: int
    ready: bool
    model: ModelFacts | None
    serving: Serving
    settings: str | msgspec.UnsetType = msgspec.UNSET
    settings_error: str | msgspec.UnsetType = msgspec.UNSET
    leases: bool | msgspec.UnsetType = msgspec.UNSET


known(ServeConfig, InstanceAddress, DetectResponse, ErrorResponse, ServerInfo)
