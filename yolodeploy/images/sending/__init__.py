"""An image on its way to devices over SSH: what each lacks is staged there, then taken in.

Wires layouts (`oci`) and devices (`ssh`) together; never imports the inventory, callers pass
values.
"""
