"""Sites that are clusters."""
