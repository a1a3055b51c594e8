"""What takes a TensorRT engine in before its release is switched to: a pod with the app's volume.

It runs from the release's image without a GPU, takes only the files that its Job names by digest,
and knows nobody. Nothing of the server is imported here but how engines lie on disk.
"""
