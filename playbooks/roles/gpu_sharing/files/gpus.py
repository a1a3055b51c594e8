"""Look at this machine's GPUs and print them as JSON; divide them by MIG where that is asked.

`python3 - '{"mig": "1g.10gb", "check": false}' < gpus.py`: `mig` names the profile that every GPU
is to be divided into, an empty one that none is; without it nothing is changed. Runs on the
gateway with nothing but Python's own library (3.8 or newer).
"""

import json
import re
import subprocess
import sys
from pathlib import Path

FIELDS = ("index", "name", "uuid", "memory.total", "mig.mode.current", "driver_version")
ANSWER_S = 120
LISTED = re.compile(r"^GPU (\d+): ")
INSTANCE = re.compile(r"^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)")
# |   0  MIG 1g.10gb         19     7/7        9.50       No     14     0     0   |
PROFILE = re.compile(r"^\|\s*\d+\s+MIG (\S+)\s+\d+\s+\d+/(\d+)\s+([0-9.]+)\s")


class Wrong(Exception):
    """What stands in the way, in one line."""


def smi(*words):
    """What nvidia-smi prints."""
    status, said = answer("nvidia-smi", *words)
    if status:
        lines = said.strip().splitlines() or ["it says nothing"]
        raise Wrong(f"nvidia-smi {' '.join(words)} fails with {status}: {lines[0]}")
    return said


def answer(*command):
    """Exit status and output of a program."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=False,
        )
    except OSError as error:
        return 127, str(error)
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {ANSWER_S} s"
    return done.returncode, done.stdout.decode(errors="replace")


def gpus():
    """The GPUs in the driver's order."""
    if Path("/etc/nv_tegra_release").exists():
        return [jetson()]
    told = smi(f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
    found = [row([part.strip() for part in line.split(",")]) for line in told.splitlines() if line]
    at = None
    for line in smi("-L").splitlines():
        head, part = LISTED.match(line), INSTANCE.match(line)
        if head:
            at = next((gpu for gpu in found if gpu["index"] == int(head[1])), None)
        elif part and at is not None:
            at["instances"].append({"profile": part[1], "uuid": part[2]})
    return found


def row(parts):
    """One GPU of the query."""
    index, name, uuid, memory_mb, mode, driver = parts
    enabled = {"Enabled": True, "Disabled": False}.get(mode)
    return {
        "index": int(index),
        "product": name,
        "uuid": uuid,
        "memory_mb": int(memory_mb) if memory_mb.isdigit() else 0,
        "mig": enabled,  # null: this product cannot
        "profiles": profiles(index) if enabled else [],
        "instances": [],
        "driver": driver,
    }


def jetson():
    """A Jetson's only GPU, which has the processor's memory; nvidia-smi knows little of it."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    memory_kb = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:"))
    model = Path("/proc/device-tree/model")
    release = Path("/etc/nv_tegra_release").read_text().partition("\n")[0]
    return {
        "index": 0,
        "product": model.read_text().strip("\0\n ") if model.exists() else "NVIDIA Jetson",
        "uuid": "",
        "memory_mb": memory_kb // 1024,
        "mig": None,
        "profiles": [],
        "instances": [],
        "driver": release.lstrip("# ")[:40],
    }


def profiles(index):
    """What a GPU can be divided into, while MIG is on: name, how many at most, MiB of each.

    Profiles with an attribute (+me) are left out: not all instances of a GPU can have it.
    """
    status, said = answer("nvidia-smi", "-i", str(index), "mig", "-lgip")
    found = [PROFILE.match(line) for line in said.splitlines()] if status == 0 else []
    return [
        {"profile": one[1], "most": int(one[2]), "memory_mb": int(float(one[3]) * 1024)}
        for one in found
        if one and "+" not in one[1]
    ]


def is_right(gpu, profile):
    """Whether a GPU is divided as it is to be."""
    if not profile:
        return not gpu["mig"]
    most = next((one["most"] for one in gpu["profiles"] if one["profile"] == profile), 0)
    has = [one["profile"] for one in gpu["instances"]]
    return bool(gpu["mig"]) and most > 0 and has == [profile] * most


def divide(gpu, profile):
    """Make it so. Nothing may use the GPU meanwhile."""
    index = str(gpu["index"])
    if gpu["mig"]:
        if profile and profile not in {one["profile"] for one in gpu["profiles"]}:
            raise unknown(gpu, profile)
        # there may be none: then they say so, and fail
        answer("nvidia-smi", "mig", "-i", index, "-dci")
        answer("nvidia-smi", "mig", "-i", index, "-dgi")
    if bool(gpu["mig"]) != bool(profile):
        turn(index, on=bool(profile))
    if not profile:
        return
    listed = profiles(index)
    most = next((one["most"] for one in listed if one["profile"] == profile), 0)
    if not most:
        turn(index, on=False)
        raise unknown({**gpu, "profiles": listed}, profile)
    smi("mig", "-i", index, "-cgi", ",".join([profile] * most), "-C")


def unknown(gpu, profile):
    """What is said of a profile that a GPU does not have."""
    names = ", ".join(one["profile"] for one in gpu["profiles"]) or "none that can be read"
    return Wrong(f"{gpu['product']} has no MIG profile {profile}; it has {names}")


def turn(index, *, on):
    """Turn MIG on or off; Ampere needs a reset for that, which the driver tries by itself."""
    said = smi("-i", index, "-mig", "1" if on else "0")
    query = ("--query-gpu=mig.mode.current", "--format=csv,noheader")
    if (smi("-i", index, *query).strip() == "Enabled") == on:
        return
    answer("nvidia-smi", "--gpu-reset", "-i", index)
    if (smi("-i", index, *query).strip() == "Enabled") != on:
        last = said.strip().splitlines()[0] if said.strip() else "it says nothing"
        raise Wrong(f"MIG of GPU {index} does not turn {'on' if on else 'off'}: {last}")


def main(asked):
    """The GPUs as they are, whether something was or would be changed, and what went wrong."""
    profile = asked.get("mig")
    stale, error, found = [], "", []
    try:
        found = gpus()
        if profile is not None:
            stale = [gpu for gpu in found if gpu["mig"] is not None and not is_right(gpu, profile)]
            if profile and any(gpu["mig"] is None for gpu in found):
                raise Wrong("not every GPU here can be divided by MIG")
        if stale and not asked.get("check"):
            for gpu in stale:
                divide(gpu, profile)
            found = gpus()
    except Wrong as wrong:
        error = str(wrong)
    return {"gpus": found, "stale": bool(stale), "error": error}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    told = main(asked)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(1 if asked.get("strict") and told["error"] else 0)
