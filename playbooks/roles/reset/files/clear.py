"""Take k3s off this machine and print as JSON what was taken away; nothing of anybody else's.

`python3 - '{"check": false, "files": […], "trees": […], "folders": […]}' < clear.py`, as root. It
works on whatever is left of k3s: half an installation, one that is broken, or none.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

STOP_S, GONE_S = 60, 15
UNITS = Path("/etc/systemd/system")
DATA = "/var/lib/rancher/k3s"
PROGRAMS = (f"{DATA}/data/", "/usr/local/bin/k3s")
MOUNTED = ("/run/k3s/", f"{DATA}/", "/var/lib/kubelet/")
LINKS = ("cni0", "flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "kube-ipvs0")
LINKED, PROGRAM_LINKS = ("kubectl", "crictl", "ctr"), ("k3s", "/usr/local/bin/k3s")
TABLES = ("kube-proxy", "flannel-ipv4", "flannel-ipv6")
NETWORK = "cbr0"  # what flannel calls its network in the comments of CNI's rules
# Debian's containerd makes this folder when it starts, and does not miss it before
SHARED, ENGINES = "/etc/cni", ("containerd", "dockerd", "crio", "podman")
OF_COMMENTS = ("flanneld ", "rule to explicitly ACCEPT traffic that comply to network policies")
taken, kept = [], []


def main(asked):
    """What was taken away, or would be; and what was left because it is somebody else's."""
    check = asked["check"]
    stop_units(check)
    kill_processes(check)
    clear_network(check)
    unmount(check)
    for path in map(Path, asked["files"]):
        remove_file(path, check)
    for tree in map(Path, asked["trees"]):
        remove_tree(tree, check)
    for place in map(Path, [*asked["folders"], *ansible_folders()]):
        if not (str(place).startswith(SHARED) and any(map(shutil.which, ENGINES))):
            remove_empty(place, check)
    if taken and not check:
        run("systemctl", "daemon-reload")
        run("systemctl", "reset-failed", "k3s.service", "k3s-agent.service")
    return {"taken": taken, "kept": kept}


# --- units and processes


def stop_units(check):
    """Stopped and no longer started."""
    for unit in ("k3s.service", "k3s-agent.service"):
        words = (
            "systemctl",
            "show",
            "--property",
            "LoadState,ActiveState,UnitFileState",
            "--value",
        )
        loaded, active, enabled, *_ = [*run(*words, unit)[1], "", "", ""]
        if active not in ("inactive", "failed", ""):
            taken.append(f"unit {unit}")
            if not check:
                run("systemctl", "stop", unit, wait_s=STOP_S)
                run("systemctl", "kill", "--signal", "KILL", unit)
        if loaded == "loaded" and enabled == "enabled" and not check:
            run("systemctl", "disable", unit)


def kill_processes(check):
    """Those of the units' cgroups, of k3s's own programs, and of the containers under them."""
    found = processes()
    if not found:
        return
    taken.append(f"{len(found)} processes")
    if check:
        return
    deadline = time.monotonic() + GONE_S
    while found and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        found = processes()


def processes():
    """Process numbers, without this one and those above it."""
    parents, ours = {}, set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            pid = int(path.name)
            after_name = (path / "stat").read_text(errors="replace").rpartition(") ")[2].split()
            if after_name[0] == "Z":
                continue
            parents[pid] = int(after_name[1])
            if is_ours(path):
                ours.add(pid)
        except OSError:
            continue  # it ended meanwhile
    grown = True
    while grown:
        below = {pid for pid, parent in parents.items() if parent in ours}
        grown = not below <= ours
        ours |= below
    mine = os.getpid()
    while mine > 1:
        ours.discard(mine)
        mine = parents.get(mine, 0)
    return ours


def is_ours(path):
    """Whether a process runs a program of k3s, or in the cgroup of one of its units."""
    words = (path / "cmdline").read_bytes().split(b"\0")
    named = [word.decode(errors="replace") for word in words[:2]]
    # Debian's containerd has the same name, but not this path
    if any(word.startswith(PROGRAMS[0]) or word == PROGRAMS[1] for word in named):
        return True
    return (
        re.search(r"/k3s(-agent)?\.service(/|$)", (path / "cgroup").read_text(), re.M) is not None
    )


# --- network


def clear_network(check):
    """Pods' namespaces, interfaces and rules."""
    links = {one["ifname"]: one for one in listed("ip", "-json", "link", "show")}
    ports = {one["ifindex"] for one in links.values() if one.get("master") == "cni0"}
    for name in [one.name for one in folder("/run/netns") if one.name.startswith("cni-")]:
        inside = listed("ip", "-netns", name, "-json", "link", "show")
        # another user of CNI has namespaces of that name too; its cables end elsewhere
        if any(one.get("link_index") in ports for one in inside if one["ifname"] != "lo"):
            take(f"namespace {name}", check, "ip", "netns", "delete", name)
    for name, one in links.items():
        if one.get("master") == "cni0":
            take(f"interface {name}", check, "ip", "link", "delete", name)
    for name in LINKS:
        if name in links:
            take(f"interface {name}", check, "ip", "link", "delete", name)
    for save in saves():
        clear_rules(save, check)
    for line in run("nft", "list", "tables")[1] if shutil.which("nft") else []:
        words = line.split()
        if len(words) == 3 and words[2] in TABLES:
            take(f"table {words[2]}", check, "nft", "delete", *words)
    sets = program("ipset")
    for name in run(sets, "list", "-name")[1] if sets else []:
        if re.match(r"(inet6:)?KUBE-", name):
            take(f"set {name}", check, sets, "destroy", name)


def saves():
    """Programs that tell all rules of a kind. Legacy ones load modules: only where rules are."""
    for family, names in (("iptables", "ip_tables_names"), ("ip6tables", "ip6_tables_names")):
        found = program(f"{family}-nft-save") or program(f"{family}-save")
        if found:
            yield found
        try:
            legacy = bool(Path("/proc/net", names).read_text().strip())
        except OSError:
            legacy = False
        if legacy and program(f"{family}-legacy-save"):
            yield program(f"{family}-legacy-save")


def program(name):
    """Where it is: the system's, or that which k3s brought."""
    beside = [str(path) for path in Path(DATA, "data").glob("*/bin/aux")]
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *beside]
    return shutil.which(name, path=os.pathsep.join(places))


def clear_rules(save, check):
    """Take k3s's chains and rules out of a family's tables; all others stay where they are."""
    script, count = [], 0
    for table, lines in tables(run(save)[1]).items():
        changes = ours_of_table(lines)
        if changes:
            count += len(changes)
            script += [f"*{table}", *changes, "COMMIT"]
    if not script:
        return
    name = Path(save).name.replace("-save", "")
    taken.append(f"{count} rules and chains of {name}")
    if not check:
        restore = str(Path(save).with_name(Path(save).name.replace("-save", "-restore")))
        status, said = run(restore, "--noflush", given="\n".join([*script, ""]))
        if status != 0:
            kept.append(f"rules of {name}: {' '.join(said)[:300]}")


def tables(lines):
    """The lines of each table."""
    found, table = {}, None
    for line in lines:
        if line.startswith("*"):
            table = found.setdefault(line[1:].strip(), [])
        elif table is not None and line.startswith((":", "-A ")):
            table.append(line)
    return found


def ours_of_table(lines):
    """What takes k3s's part out of a table."""
    chains = {line[1:].split()[0] for line in lines if line.startswith(":")}
    rules = [line for line in lines if line.startswith("-A ")]
    ours = {name for name in chains if name.startswith(("KUBE-", "FLANNEL-"))}
    ours |= ours_of_cni({name for name in chains if name.startswith("CNI-")}, rules)
    away = []
    for rule in rules:
        chain, target = rule.split()[1], target_of(rule)
        commented = any(f'--comment "{one}' in rule for one in OF_COMMENTS)
        if chain not in ours and (target in ours or commented):
            away.append("-D " + rule[3:])
    return [
        *away,
        *(f"-F {name}" for name in sorted(ours)),
        *(f"-X {name}" for name in sorted(ours)),
    ]


def ours_of_cni(chains, rules):
    """Chains of CNI that serve k3s's network, and the common ones where nobody else uses CNI."""
    ours = set()
    for rule in rules:
        if rf"name: \"{NETWORK}\"" in rule:
            ours |= {rule.split()[1], target_of(rule)} & chains
    single = {name for name in chains if re.fullmatch(r"CNI-((DN|SN)-)?[0-9a-f]{16,}", name)}
    if single <= ours and not list(Path("/etc/cni/net.d").glob("*.conf*")):
        return chains
    return ours & single


def target_of(rule):
    """The chain that a rule leads to."""
    found = re.search(r" -[jg] (\S+)", rule)
    return found[1] if found else ""


# --- mounts and files


def unmount(check):
    """What is mounted in k3s's folders, the innermost first; disks of /etc/fstab stay."""
    own = fixed_mounts()
    for path in sorted(mounts(), reverse=True):
        if path.startswith(MOUNTED) and path not in own:
            taken.append(f"mount {path}")
            if not check and run("umount", path)[0] != 0:
                run("umount", "--lazy", path)


def mounts():
    """Where something is mounted."""
    lines = Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines()
    return {unescaped(line.split()[1]) for line in lines}


def fixed_mounts():
    """Where the system mounts disks by itself."""
    try:
        lines = Path("/etc/fstab").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return set()
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    return {unescaped(one[1]) for one in fields if len(one) > 1}


def unescaped(text):
    """A path with the spaces that it has."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def remove_file(path, check):
    """A file or link. A link to k3s's program is ours only where it leads there."""
    if not path.is_symlink() and not path.is_file():
        return
    if path.name in LINKED and not (path.is_symlink() and str(path.readlink()) in PROGRAM_LINKS):
        return
    taken.append(str(path))
    if not check:
        path.unlink()


def remove_tree(path, check):
    """A folder with all that is in it, but what is mounted there."""
    if path.is_symlink() or not path.is_dir():
        return remove_file(path, check)
    taken.append(f"{path}/")
    if not check:
        empty_out(path, mounts())
    return None


def empty_out(path, mounted):
    """Without following a link or entering a disk that is mounted in it."""
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            if entry.path in mounted:
                kept.append(f"{entry.path} (a disk is mounted there)")
            else:
                empty_out(Path(entry.path), mounted)
        else:
            Path(entry.path).unlink()
    if str(path) in mounted:
        return
    with contextlib.suppress(OSError):  # it holds such a disk
        path.rmdir()


def remove_empty(path, check):
    """A folder that was made for ours and holds nothing any more."""
    if path.is_dir() and not path.is_symlink() and not folder(path) and not os.path.ismount(path):
        taken.append(f"{path}/")
        if not check:
            path.rmdir()


def ansible_folders():
    """Where Ansible staged what it brought: root's, and that of who logged in."""
    for name in ("root", os.environ.get("SUDO_USER", "root")):
        with contextlib.suppress(RuntimeError):  # nobody of that name any more
            home = Path(f"~{name}").expanduser()
            yield from (home / ".ansible/tmp", home / ".ansible")


def folder(path):
    """What is in it; nothing where there is none."""
    try:
        return sorted(Path(path).iterdir())
    except OSError:
        return []


def take(name, check, *command):
    """Do it, or say that it would be done."""
    taken.append(name)
    if not check:
        run(*command)


def listed(*words):
    """What a program tells as JSON; nothing where it cannot."""
    status, lines = run(*words)
    try:
        return json.loads("\n".join(lines)) if status == 0 else []
    except ValueError:
        return []


def run(*words, given="", wait_s=30):
    """Status and lines of a program; one that is missing or hangs is a failed one."""
    try:
        ended = subprocess.run(
            words,
            input=given.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=wait_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return 1, [str(err)]
    return ended.returncode, ended.stdout.decode(errors="surrogateescape").splitlines()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
