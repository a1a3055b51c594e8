"""Which step from one version of k3s to another a node may take.

The same rule as `yolodeploy/core/k3s_version.py`, which playbooks cannot count on
being there; a test holds the two equal.
"""

import re

FORM = re.compile(r"v(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-rc(\d{1,4}))?\+k3s(\d{1,4})", re.ASCII)


def parsed(version):
    """A version as something that can be compared; None where it is none."""
    found = FORM.fullmatch(str(version))
    if found is None:
        return None
    major, minor, patch, candidate, revision = found.groups()
    # a candidate comes before what is final
    return (
        int(major),
        int(minor),
        int(patch),
        candidate is None,
        int(candidate or 0),
        int(revision),
    )


def k3s_step(now, then):
    """`same`, `up`, `down`, `skips`, or `unknown` where either is no version."""
    begins, ends = parsed(now), parsed(then)
    if begins is None or ends is None:
        return "unknown"
    if begins == ends:
        return "same"
    if ends < begins:
        return "down"
    if ends[0] != begins[0] or ends[1] > begins[1] + 1:
        return "skips"
    return "up"


def k3s_ready(node, version):
    """Whether a node, as the API tells of it, is ready at a version."""
    status = node.get("status", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    runs = status.get("nodeInfo", {}).get("kubeletVersion")
    return runs == version and conditions.get("Ready") == "True"


class FilterModule:
    """What Ansible finds here."""

    def filters(self):
        """The filters by name."""
        return {"k3s_step": k3s_step, "k3s_ready": k3s_ready}
