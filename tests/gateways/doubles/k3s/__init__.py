"""A double of k3s: one file that stands where the binary stands and keeps the rules named here.

It is no Kubernetes. It keeps what provisioning can meet: files and their modes, options, tokens, node passwords,
certificates, images, pods that really run in containerd, states of nodes, drains, and the messages of the real one.
Each module names its sources (docs.k3s.io, k3s-io/k3s). What only a real k3s shows is in docs/testing.md.

Faults for tests, in /run/k3s-double-faults.json (gone after a boot, as is every file there); all are optional:
  start_fails   text: `k3s server` and `k3s agent` end at once with it
  slow_start_s  seconds that a start takes longer
  join_refused  text: what a server answers to everybody who wants to join
  exit_codes    {word: code}: containers of pods whose names hold the word end with this code
  drain_hangs   true: evicted pods of this cluster never end
  node_grace_s  seconds after which a silent node is NotReady (12 without it; Kubernetes: 50)

Certificates grow old on a gateway whose clock was wrong when k3s started: Gateway.set_clock.
"""
