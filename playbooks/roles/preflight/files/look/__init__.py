"""Look at a gateway and judge it: a file a subject, a function a check.

Runs there (see ../run.py) with nothing but Python's own library (3.8 or newer), and changes
nothing: the disk is measured with a file that never has a name. What a check is called, when it is
made and what it says stands in ../../vars/main/.
"""
