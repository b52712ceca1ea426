# SPDX-License-Identifier: Apache-2.0
"""Takes out of results what names the machine or its user, as --redact of the program does (bench/report/redact.hpp
has the rules): for files that were measured without it."""
import os
import pathlib
import pwd
import re
import socket

REDACTED = "redacted"
COMMON = ("root", "user", "localhost")  # name nobody
HARMLESS = ("date", "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled", "caches", "load_avg", "library_build_type",
            "library_version", "json_schema_version", "redacted")  # of Google Benchmark's context
APART = r"""\s"'`=,;:()\[\]<>"""  # around a path in a sentence
# Those of Linux are the same everywhere; rates such as GB/s and names of cases do not begin with a slash.
FOLDERS = re.compile(rf"(^|[{APART}])(?!/sys(?:$|[{APART}/])|/proc/)(?:~[^{APART}/]*|\.\.?)?/"
                     rf"(?:[^{APART}/]*/)*(?=[^{APART}/])")
HOME = re.compile(rf"/(?:home|Users)/([^{APART}/]+)")
# UUIDs with and without NVIDIA's prefix, and PCI addresses.
DEVICE = re.compile(r"""(?ix) \b(?:GPU|MIG)-[0-9a-f][0-9a-f-]{3,} | \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b
                        | \b(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b""")


class Redactor:
    """What is secret in one file: `words` wherever they stand by themselves, and `directories` where a path
    begins with them."""

    def __init__(self, words, directories):
        self.words = longest_first(word for word in words if word and len(word) > 1 and word not in COMMON)
        self.directories = longest_first(name.rstrip("/") for name in directories
                                         if name and name.rstrip("/") not in ("", "."))

    def text(self, text):
        """A sentence, such as an error message: without secrets, paths cut to their last component."""
        for directory in self.directories:
            text = re.sub(rf"(^|[^\w/.~-]){re.escape(directory)}/", r"\1", text)
        return DEVICE.sub(REDACTED, self.without_words(FOLDERS.sub(r"\1", text)))

    def value(self, value):
        """Of a variable or a parameter: gone where it holds a path, an address or a device."""
        if re.search(r"[/:]|GPU-|MIG-", value):
            return REDACTED
        return self.without_words(value)

    def arguments(self, words):
        return [self.argument(word, before) for before, word in zip(["", *words], words)]

    def argument(self, word, before):
        flag, equals, value = word.partition("=")
        if not word.startswith("--"):
            return self.option(before, word)
        return f"{flag}={self.option(flag, value)}" if equals else word

    def option(self, flag, value):
        if flag == "--benchmark_context":
            return REDACTED
        if flag in ("--benchmark_filter", "explain"):  # names of cases have slashes, but are not paths
            return self.text(value)
        return self.without_words(",".join(map(last_component, value.split(","))))

    def without_words(self, text):
        for word in self.words:
            text = re.sub(rf"(^|[^\w-]){re.escape(word)}(?![\w-])", rf"\1{REDACTED}", text, flags=re.IGNORECASE)
        return text


def longest_first(names):
    return sorted(set(names), key=lambda name: (-len(name), name))


def last_component(path):
    stripped = path.rstrip("/") or path[:1]
    return stripped.rpartition("/")[2] or stripped


def this_identity():
    """Names of whoever runs this, and directories of theirs: most submit where they measured."""
    home = os.path.expanduser("~")
    host = socket.gethostname()
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        account = os.environ.get("USER", "")
    return [host, host.partition(".")[0], account, last_component(home)], [os.getcwd(), home]


def redacted(document, identity=None):
    """A copy of valid results without what names the machine or its user; one that is redacted stays as it is."""
    run = document["offload_bench"]
    secrets = redactor_for(document, identity or this_identity())
    return {**document, "context": context(document["context"]), "offload_bench": {
        **run, "redacted": True,
        "incomplete_reason": maybe(secrets.text, run["incomplete_reason"]),
        "argv": secrets.arguments(run["argv"]),
        "benchmark_flags": secrets.arguments(run["benchmark_flags"]),
        "environment": environment(run["environment"], secrets),
        "options": options(run["options"], secrets),
        **({"weight_files": [{**one, "path": secrets.option("--model", one["path"])}
                             for one in run["weight_files"]]} if "weight_files" in run else {}),
        "platform": platform(run["platform"], secrets),
        **({"gpus": [one_of_several(one, secrets) for one in run["gpus"]]} if "gpus" in run else {}),
        **({"rank": {**run["rank"], "host": gone(run["rank"]["host"])}} if run.get("rank", {}).get("host") else {}),
        "cases": [case(one, secrets) for one in run["cases"]],
        "skipped": with_text(run["skipped"], "reason", secrets),
        "memory_costs": with_text(run["memory_costs"], "failure", secrets),
        **({"loading_costs": with_text(run["loading_costs"], "failure", secrets)}
           if "loading_costs" in run else {}),
        **({"findings": with_text(run["findings"], "text", secrets)} if "findings" in run else {}),
    }}


def redactor_for(document, identity):
    """By whoever runs this, and by what the file says of its own machine."""
    run = document["offload_bench"]
    host = document["context"].get("host_name")
    host = host if isinstance(host, str) and host != REDACTED else ""
    words, directories = identity
    users = HOME.findall(" ".join([*run["argv"], *run["environment"].values(), *paths_in(run["options"])]))
    homes = [f"/{parent}/{user}" for user in users for parent in ("home", "Users")]
    files = [one["path"] for one in run.get("weight_files", ())]
    parents = [str(pathlib.PurePosixPath(path).parent) for path in [*paths_in(run["options"]), *files]]
    gpus = [run["platform"]["gpu"], *(one["gpu"] for one in run.get("gpus", ()))]
    devices = [name for one in gpus for name in device_names(one)]
    return Redactor([*words, host, host.partition(".")[0], *users, *devices],
                    [*directories, *homes, *parents])


def paths_in(found):
    """Files before 1.3 know fewer options."""
    tuning = found.get("tuning") or {}
    return [path for path in (*found.get("models", ()), tuning.get("file_directory"), found.get("output"),
                              found.get("ci_json")) if path]


def device_names(gpu):
    """A PCI address is also written without its domain."""
    if gpu is None:
        return []
    names = [gpu["uuid"], gpu["settings"]["serial"], gpu["pci_bus_id"], gpu["pci_bus_id"].partition(":")[2]]
    return [name for name in names if name and name != REDACTED]


def maybe(change, value):
    return None if value is None else change(value)


def gone(value):
    """What does not exist stays so."""
    return REDACTED if value else value


def context(found):
    kept = {name: value if name in HARMLESS else REDACTED for name, value in found.items()}
    return {**kept, "executable": last_component(found["executable"]), "redacted": True}


def environment(found, secrets):
    return {name: secrets.value(value) if name.startswith(("BENCHMARK_", "CUDA_")) and name != "BENCHMARK_CONTEXT"
            else gone(value) for name, value in found.items()}


def options(found, secrets):
    def path(flag, value):
        return maybe(lambda word: secrets.option(flag, word), value)

    tuning = found["tuning"]
    if "file_directory" in tuning:
        tuning = {**tuning, "file_directory": path("--file-directory", tuning["file_directory"])}
    return {**found, "redact": True, "tuning": tuning,
            "models": [path("--model", model) for model in found["models"]],
            "output": path("--output", found["output"]), "ci_json": path("--ci-json", found["ci_json"]),
            "explain": maybe(secrets.text, found["explain"]),
            "benchmark_flags": secrets.arguments(found["benchmark_flags"])}


def platform(found, secrets):
    changed = {**found, "redacted": True, "gpu": maybe(lambda one: gpu(one, secrets), found["gpu"]),
               "gpu_absent_reason": maybe(secrets.text, found["gpu_absent_reason"]),
               "host": host(found["host"], secrets)}
    if found["link"]:
        changed["link"] = link(found["link"], secrets)
    return changed


def one_of_several(found, secrets):
    """A run on several GPUs has each by itself, the first in its platform as well."""
    return {**found, "gpu": maybe(lambda one: gpu(one, secrets), found["gpu"]),
            "link": maybe(lambda one: link(one, secrets), found["link"])}


def link(found, secrets):
    return {**found, "reason": maybe(secrets.text, found["reason"])}


def gpu(found, secrets):
    settings = found["settings"]
    changed = {**found, "uuid": gone(found["uuid"]), "pci_bus_id": gone(found["pci_bus_id"]),
               "settings": {**settings, "serial": gone(settings["serial"]),
                            "unknown": reasons(settings["unknown"], secrets)}}
    if found.get("pci"):
        changed["pci"] = {**found["pci"], "unknown": reasons(found["pci"]["unknown"], secrets)}
    return changed


def host(found, secrets):
    settings = found["settings"]
    modules = settings["kernel_modules"]
    parameters = {name: {key: secrets.value(value) for key, value in modules[name].items()}
                  for name in ("nvidia_uvm", "nvidia")}
    return {**found, "kernel": maybe(secrets.text, found["kernel"]), "settings": {
        **settings, "kernel_command_line": gone(settings["kernel_command_line"]),
        "kernel_modules": {**modules, **parameters},
        "iommu_parameters": maybe(lambda some: list(map(secrets.value, some)), settings["iommu_parameters"]),
        "ranks": {name: gone(value) for name, value in settings["ranks"].items()},
        "unknown": reasons(settings["unknown"], secrets)}}


def reasons(unknown, secrets):
    return {field: secrets.text(reason) for field, reason in unknown.items()}


def with_text(items, name, secrets):
    return [{**item, name: maybe(secrets.text, item[name])} for item in items]


def case(found, secrets):
    def collector(one):
        has_reason = isinstance(one, dict) and one.get("reason")
        return {**one, "reason": secrets.text(one["reason"])} if has_reason else one

    changed = {**found, "failure": maybe(secrets.text, found["failure"]),
               "evidence": {name: collector(one) for name, one in found["evidence"].items()}}
    if found.get("members"):
        changed["members"] = with_text(found["members"], "failure", secrets)
    if found.get("series"):
        changed["series"] = {**found["series"], "um": collector(found["series"]["um"])}
    return changed


def named_in(value, path=()):
    """The places of strings that hold a device's identifier or a home directory: where no rule looks, such as the
    name of a case, nothing may be left either."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from named_in(name, path)
            yield from named_in(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from named_in(item, (*path, index))
    elif isinstance(value, str) and (DEVICE.search(value) or HOME.search(value)):
        yield path
