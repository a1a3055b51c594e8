"""The dashboard: screens and widgets over what the inventory knows and the actions that `ops` has.

Widgets do no I/O: workers read, collect and perform, and post typed messages. Nothing here imports
`sites`, `rollouts`, `images` or `serve`, and nothing but `run` is meant for other rooms.
"""
