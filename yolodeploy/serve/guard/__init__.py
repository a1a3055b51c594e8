"""The guard of a trial in a Kubernetes site: switches, watches, and goes back when nobody commits.

It runs in a pod of its own from the server's image, needs nobody outside the cluster, and asks the
API server with the standard library alone. Nothing of the server is imported here.
"""
