"""The inference server: one process that answers `POST /detect` for one model.

It runs inside images and in embedded sites and imports only `yolodeploy.core` of ours. Nothing
heavy may be imported here: `python -m yolodeploy.serve --help` answers without an engine.
"""
