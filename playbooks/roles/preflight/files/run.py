"""Run `look`, which came along: {"files": [[name, text], …], "asked": …, "call": …} on stdin.

One program for one connection: nothing is written on the gateway, and the files import each other
as they do here. What is called is `look.CALL.main(asked)`; its answer is printed as JSON.
"""

import json
import sys
from types import ModuleType

sent = json.load(sys.stdin)
package = ModuleType("look")
package.__path__ = []
sys.modules["look"] = package
for name, text in sent["files"]:
    module = ModuleType("look." + name)
    sys.modules[module.__name__] = module
    exec(compile(text, "look/" + name + ".py", "exec"), module.__dict__)  # noqa: S102
    setattr(package, name, module)
sys.stdout.write(json.dumps(getattr(package, sent["call"]).main(sent["asked"])) + "\n")
