# SPDX-License-Identifier: Apache-2.0
"""The CPU, as offload_bench sees it (bench/core/cpus.cpp, bench/platform/host.cpp): the same number of
threads, and the same size of the caches that are flushed."""
import math
import os
import pathlib
import platform
import re

LEAST_FLUSHED = 64 << 20


def facts(root=pathlib.Path("/")):
    cpus = len(os.sched_getaffinity(0))
    cache = last_level_cache(root)
    return {
        "cpu": cpu_name(root), "architecture": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "logical_cpus": cpus, "threads": thread_count(cpus, cpu_quota(root)),
        "last_level_cache_bytes": cache, "flushed_bytes": max(2 * (cache or 0), LEAST_FLUSHED),
        "load_average": load_average(root),
    }


def text_of(path):
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def cpu_name(root):
    found = re.search(r"^model name\s*:\s*(.+?)\s*$", text_of(root / "proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.machine()


def load_average(root):
    first = text_of(root / "proc/loadavg").partition(" ")[0]
    return float(first) if re.fullmatch(r"\d+\.\d+", first) else None


def thread_count(cpus, quota):
    """Rounded down: one thread too many is stopped, with all others, for the rest of each period."""
    return max(1, cpus if quota is None or quota >= cpus else math.floor(quota))


def cpu_quota(root):
    """CPUs' worth of time that the tightest control group on the way up grants, or None."""
    quotas = []
    mount = root / "sys/fs/cgroup"
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            quotas += [quota_of(*text_of(folder / "cpu.max").split()) for folder in upwards(mount, path)]
        elif "cpu" in controllers.split(","):
            quotas += [quota_of(text_of(folder / "cpu.cfs_quota_us"),
                                text_of(folder / "cpu.cfs_period_us"))
                       for folder in upwards(mount / "cpu", path)]
    return min((quota for quota in quotas if quota is not None), default=None)


def upwards(mount, path):
    """The folders from the mount to `path`; in a container some of these may not be there."""
    folders = [mount]
    for part in pathlib.PurePosixPath(path.lstrip("/")).parts:
        folders.append(folders[-1] / part)
    return folders


def quota_of(quota="", period=""):
    """Of no digits, as "max" and -1 are, there is no limit."""
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return int(quota) / int(period)


def last_level_cache(root):
    """All instances of the outermost level together, in bytes; None where nothing is known."""
    outermost, instances = 0, {}
    for index in sorted((root / "sys/devices/system/cpu").glob("cpu*/cache/index*")):
        level, size = text_of(index / "level"), size_of(text_of(index / "size"))
        if not level.isdecimal() or not size or text_of(index / "type") == "Instruction":
            continue
        if int(level) > outermost:
            outermost, instances = int(level), {}
        if int(level) == outermost:
            instances.setdefault(text_of(index / "shared_cpu_list"), size)
    return sum(instances.values()) or None


def size_of(text):
    """32768K, 96M."""
    found = re.fullmatch(r"(\d+)([KM]?)", text)
    return int(found[1]) << {"": 0, "K": 10, "M": 20}[found[2]] if found else 0
