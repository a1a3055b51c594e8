"""Commands on devices: the system's OpenSSH, its host keys, and programs that run at the other end.

Knows addresses and bytes, not images, sites or people; imports only core. Nothing is asked of a
terminal, and nothing secret passes through here: keys are files and agents of OpenSSH's own.
"""
