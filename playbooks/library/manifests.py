"""Applies Kubernetes objects, and says honestly whether that changed any.

kubectl's server-side apply prints the same words whether it changed something or not.
"""

import hashlib
import json

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.yolodeploy_kubectl import Wrong, kubectl

DOCUMENTATION = r"""
module: manifests
short_description: Applies Kubernetes objects, and says whether that changed any
description:
  - Each object carries the digest of what it is to be as an annotation, so that a field which is no
    longer set is noticed as well. What somebody changed by hand is put right.
  - Nothing is written in check mode.
options:
  objects:
    description: The objects, in the order in which they depend on each other.
    type: list
    elements: dict
    required: true
  kubectl:
    description: The program and its first words.
    type: list
    elements: str
    default: [/usr/local/bin/k3s, kubectl]
author: yolodeploy
"""
RETURN = r"""
applied: {description: KIND/NAME of what was or would be applied., type: list, returned: always}
"""

ANNOTATION = "yolodeploy.io/digest"
MANAGER = "yolodeploy"


def marked(wanted):
    """The object with its digest."""
    text = json.dumps(wanted, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    metadata = dict(wanted["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION: digest}
    return {**wanted, "metadata": metadata}


def present(wanted, found):
    """Whether all that is wanted is there; the server adds defaults of its own."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            present(value, found.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(map(present, wanted, found))
        )
    return wanted == found or (wanted in ("", None, False) and found is None)


def stale(module, wanted):
    """Whether the cluster has it otherwise, or not at all."""
    metadata = wanted["metadata"]
    space = ["--namespace", metadata["namespace"]] if "namespace" in metadata else []
    kind = f"{wanted['kind'].lower()}/{metadata['name']}"
    told = kubectl(module, "get", kind, *space, "--ignore-not-found", "--output=json")
    return not told.strip() or not present(wanted, json.loads(told))


def run(module):
    """Apply what is stale, one after the other."""
    applied = []
    for wanted in map(marked, module.params["objects"]):
        if not stale(module, wanted):
            continue
        if not module.check_mode:
            given = json.dumps(wanted)
            words = ("--server-side", "--force-conflicts", f"--field-manager={MANAGER}")
            kubectl(module, "apply", *words, "--filename=-", given=given)
        applied.append(f"{wanted['kind']}/{wanted['metadata']['name']}")
    return applied


def main():
    """Run as Ansible runs it."""
    module = AnsibleModule(
        argument_spec={
            "objects": {"type": "list", "elements": "dict", "required": True},
            "kubectl": {
                "type": "list",
                "elements": "str",
                "default": ["/usr/local/bin/k3s", "kubectl"],
            },
        },
        supports_check_mode=True,
    )
    try:
        applied = run(module)
    except Wrong as wrong:
        module.fail_json(msg=str(wrong))
    module.exit_json(changed=bool(applied), applied=applied)


if __name__ == "__main__":
    main()
