"""Labels, annotations and taints of a node, and whether it takes new pods.

Runs where kubectl answers, on a server. What is right already is left alone.
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.yolodeploy_kubectl import Wrong, kubectl

DOCUMENTATION = r"""
module: node
short_description: Labels, annotations and taints of a node, and whether it takes new pods
description:
  - Whatever is not named stays as it is. Nothing is written in check mode.
options:
  name:
    description: The node.
    type: str
    required: true
  labels:
    description: Values by key; an empty value takes the label away.
    type: dict
    default: {}
  annotations:
    description: Values by key; an empty value takes the annotation away.
    type: dict
    default: {}
  taints:
    description: VALUE:EFFECT by key; an empty text takes the taint away.
    type: dict
    default: {}
  schedulable:
    description: Whether it takes new pods; left alone where it is not said.
    type: bool
  kubectl:
    description: The program and its first words.
    type: list
    elements: str
    default: [/usr/local/bin/k3s, kubectl]
author: yolodeploy
"""
RETURN = r"""
did: {description: The kubectl verbs that were or would be used., type: list, returned: always}
"""


def differing(wanted, found):
    """KEY=VALUE or KEY- for each that is not as wanted."""
    words = []
    for key, told in sorted(wanted.items()):
        value = "" if told is None else str(told)
        if value and found.get(key) != value:
            words.append(f"{key}={value}")
        elif not value and key in found:
            words.append(f"{key}-")
    return words


def steps(asked, node):
    """The commands that make it so."""
    metadata, spec = node["metadata"], node.get("spec", {})
    name = metadata["name"]
    labels = differing(asked["labels"], metadata.get("labels") or {})
    if labels:
        yield ["label", "node", name, "--overwrite", *labels]
    annotations = differing(asked["annotations"], metadata.get("annotations") or {})
    if annotations:
        yield ["annotate", "node", name, "--overwrite", *annotations]
    have = {
        one["key"]: f"{one.get('value', '')}:{one['effect']}" for one in spec.get("taints") or []
    }
    taints = differing(asked["taints"], have)
    if taints:
        yield ["taint", "node", name, "--overwrite", *taints]
    if asked["schedulable"] is not None and asked["schedulable"] == bool(spec.get("unschedulable")):
        yield ["uncordon" if asked["schedulable"] else "cordon", name]


def main():
    """Run as Ansible runs it."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "annotations": {"type": "dict", "default": {}},
            "taints": {"type": "dict", "default": {}},
            "schedulable": {"type": "bool"},
            "kubectl": {
                "type": "list",
                "elements": "str",
                "default": ["/usr/local/bin/k3s", "kubectl"],
            },
        },
        supports_check_mode=True,
    )
    try:
        node = json.loads(kubectl(module, "get", "node", module.params["name"], "--output=json"))
        wanted = list(steps(module.params, node))
        if not module.check_mode:
            for words in wanted:
                kubectl(module, *words)
    except Wrong as wrong:
        module.fail_json(msg=str(wrong))
    module.exit_json(changed=bool(wanted), did=[words[0] for words in wanted])


if __name__ == "__main__":
    main()
