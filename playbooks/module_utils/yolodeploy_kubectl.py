"""kubectl as modules of ours call it: one line where it fails, and an end to waiting."""

ANSWER_S = 60


class Wrong(Exception):
    """What ends the run, in one line."""


def kubectl(module, *words, given=None):
    """What it prints. The module's parameter `kubectl` has the program and its first words."""
    command = [*module.params["kubectl"], f"--request-timeout={ANSWER_S}s", *words]
    status, said, complaint = module.run_command(command, data=given)
    if status:
        lines = complaint.strip().splitlines() or ["it says nothing"]
        raise Wrong(f"kubectl {words[0]}: {lines[-1]}")
    return said
