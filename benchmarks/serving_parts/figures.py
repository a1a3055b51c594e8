"""From rounds to figures: medians, shares of the limits, ratios to the peers."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmarks.serving_parts.servers import Loaded, Server

LITSERVES = ["litserve_1", "litserve_2", "litserve_best"]
FLASKS = ["flask", "flask_pt", "flask_openvino"]


class Rounds(NamedTuple):
    """What was measured: loads and limits by (name, clients), a round each."""

    clients: tuple[int, ...]
    torch: bool
    servers: list[Server]
    loads: dict[tuple[str, int], list[Loaded]]
    limits: dict[tuple[str, int], list[dict[str, float]]]

    def per_round(self, figure: Callable[[Loaded], float], name: str, clients: int) -> list[float]:
        """A figure of each round."""
        return [figure(loaded) for loaded in self.loads[name, clients]]

    def mean(self, figure: Callable[[Loaded], float], name: str, clients: int) -> float:
        """The median of a figure over the rounds."""
        return median(self.per_round(figure, name, clients))

    def ratio(self, ours: str, names: list[str], clients: int) -> float:
        """Requests a second against the best of some peers; rounds are compared one by one."""
        return min(
            median(
                a / b
                for a, b in zip(
                    self.per_round(_per_s, ours, clients),
                    self.per_round(_per_s, name, clients),
                    strict=True,
                )
            )
            for name in names
        )

    def cpu_ratio(self, ours: str, name: str, clients: int) -> float:
        """The same in CPU time a request, which a busy machine changes less."""
        pairs = zip(
            self.per_round(_cpu_ms, name, clients),
            self.per_round(_cpu_ms, ours, clients),
            strict=True,
        )
        return median(a / b for a, b in pairs)

    def share(self, limit: str, name: str, clients: int, *, http: bool) -> float:
        """A limit's CPU time, `http`: with that of a bare request, as a share of a server's."""
        bare = self.per_round(_cpu_ms, "bare_http", clients)
        return median(
            (run["cpu_ms"] + http * request) / ours
            for run, request, ours in zip(
                self.limits[limit, clients],
                bare,
                self.per_round(_cpu_ms, name, clients),
                strict=True,
            )
        )


def figures_of(rounds: Rounds) -> dict[str, float]:
    """Everything, by name."""
    figures = limit_figures(rounds) | server_figures(rounds) | share_figures(rounds)
    figures |= ratio_figures(rounds) | ceiling_figures(rounds, figures)
    figures["p99_to_p50_4"] = figures["ours_4_p99_ms"] / figures["ours_4_p50_ms"]
    figures["rss_mb"] = figures["ours_rss_mb"]
    return figures


def limit_figures(rounds: Rounds) -> dict[str, float]:
    """What nobody can beat."""
    figures: dict[str, float] = {}
    for (what, clients), runs in rounds.limits.items():
        for name in ("cpu_ms", "per_s", "p99_to_p50"):
            figures[f"{what}_{clients}_{name}"] = median(run[name] for run in runs)
    return figures


def server_figures(rounds: Rounds) -> dict[str, float]:
    """Everybody's rate, cost, latencies and memory."""
    figures: dict[str, float] = {}
    for server in rounds.servers:
        for clients in rounds.clients:
            name = f"{server.name}_{clients}"
            loads = rounds.loads[server.name, clients]
            pooled = [ms for loaded in loads for ms in loaded.latencies_ms]
            figures[f"{name}_per_s"] = rounds.mean(_per_s, server.name, clients)
            figures[f"{name}_cpu_ms"] = rounds.mean(_cpu_ms, server.name, clients)
            figures[f"{name}_p50_ms"] = quantile(pooled, 0.5)
            figures[f"{name}_p99_ms"] = quantile(pooled, 0.99)
            failures = sum(loaded.failures for loaded in loads)
            if failures:
                figures[f"{name}_failures"] = failures
        figures[f"{server.name}_rss_mb"] = server.rss_mb()
    return figures


def share_figures(rounds: Rounds) -> dict[str, float]:
    """How near ours comes to the limits, in CPU time."""
    figures: dict[str, float] = {}
    for clients in rounds.clients:
        figures[f"bound_share_{clients}"] = rounds.share("pipeline", "ours", clients, http=True)
        figures[f"engine_share_{clients}"] = rounds.share("raw", "ours", clients, http=False)
    figures["bound_share_best"] = rounds.share("pipeline_best", "ours_best", 4, http=True)
    return figures


def ratio_figures(rounds: Rounds) -> dict[str, float]:
    """Ours against the peers, at 4 clients."""
    figures = {
        "to_litserve": rounds.ratio("ours", LITSERVES[:2], 4),
        "to_fastapi": rounds.ratio("ours", ["fastapi"], 4),
        "best_to_litserve": rounds.ratio("ours_best", LITSERVES, 4),
        "best_to_litserve_640": rounds.ratio("ours_best", LITSERVES[:2], 4),
        "best_to_litserve_in_cpu": rounds.cpu_ratio("ours_best", "litserve_best", 4),
    }
    for name in LITSERVES[:2]:
        figures[f"to_{name}_in_cpu"] = rounds.cpu_ratio("ours", name, 4)
    if rounds.torch:
        figures |= {
            "to_flask": rounds.ratio("ours", ["flask"], 4),
            "to_flask_in_cpu": rounds.cpu_ratio("ours", "flask", 4),
            "best_to_flask": rounds.ratio("ours_best", FLASKS, 4),
            "best_to_flask_in_cpu": rounds.cpu_ratio("ours_best", "flask_openvino", 4),
            "best_to_flask_pt": rounds.ratio("ours_best", ["flask_pt"], 4),
            "best_to_flask_pt_in_cpu": rounds.cpu_ratio("ours_best", "flask_pt", 4),
        }
    return figures


def ceiling_figures(rounds: Rounds, figures: dict[str, float]) -> dict[str, float]:
    """The bare engine, without server or picture, against the same peers.

    A target above such a ratio cannot be met on this processor by anybody.
    """
    pairs = {"to_litserve": ("raw", LITSERVES[:2]), "best_to_litserve": ("raw_best", LITSERVES)}
    if rounds.torch:
        pairs |= {"to_flask": ("raw", FLASKS[:1]), "best_to_flask": ("raw_best", FLASKS)}
    return {
        f"ceiling_{name}": figures[f"{limit}_4_per_s"]
        / max(figures[f"{peer}_4_per_s"] for peer in peers)
        for name, (limit, peers) in pairs.items()
    }


def quantile(values: list[float], share: float) -> float:
    """Of all values, by rank."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _per_s(loaded: Loaded) -> float:
    return loaded.per_s


def _cpu_ms(loaded: Loaded) -> float:
    return loaded.cpu_ms
