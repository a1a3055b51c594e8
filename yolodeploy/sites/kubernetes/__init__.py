"""The site interface on Kubernetes: k3s, and any other cluster that a kubeconfig reaches.

Everything that must outlive the caller is an object in the cluster. The package `kubernetes` costs
0.2 s to load and is imported by `connection` alone, when a site is spoken to.
"""
