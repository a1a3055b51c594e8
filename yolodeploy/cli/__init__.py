"""The scripted front end: commands, output formats, exit codes.

stdout is data, stderr is narration. A command calls one action of `ops` and prints what it
returned; nothing is decided here, and nothing heavy is imported before a command needs it.
"""
