"""A double of a cluster: kmock serves the API, this package adds what its emulator lacks.

`store` has versions, preconditions, server-side apply and the history that watches are fed from;
`controllers` has those of Deployments and Jobs, a scheduler that counts GPUs, kubelets that pull
and start; `quotas` bounds numbers of objects; `streams` has watches and logs that are followed;
`faults` is what a test may break. A guard's pod is the real guard in a process of its own; servers
answer what a test has said.
"""

from tests.kubernetes.double.cluster import CUSTOM, METRICS, Cluster
from tests.kubernetes.double.faults import Fault
from tests.kubernetes.double.servers import Answers, report
from tests.kubernetes.double.store import KINDS

__all__ = ["CUSTOM", "KINDS", "METRICS", "Answers", "Cluster", "Fault", "report"]
