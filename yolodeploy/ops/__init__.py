"""The actions: what a person can ask for, one function each, and the operations that run long ones.

Wires the rooms below together. Both front ends call these and nothing beneath them; nothing here
prints or knows a widget.
"""
