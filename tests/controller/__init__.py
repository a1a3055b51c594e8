"""The controller, and what it tells."""
