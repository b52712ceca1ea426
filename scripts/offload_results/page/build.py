# SPDX-License-Identifier: Apache-2.0
"""One HTML page of results files: rendered here, so that a reader sees it without a script, too. Nothing of
a results file is ever markup: jinja2 escapes all of it."""
import base64
import dataclasses
import functools
import hashlib
import pathlib
import re
import shlex

from .. import redact, results as results_files, text
from ..command import one_line
from ..figures import adaptation, bandwidth, batch, beside, caption, evidence, gpus, granularity, runs, styles
from ..figures.data import NoData
from ..packages import imported
from ..results import BadInput
from ..tables import beside as beside_table
from . import answer, table

FOLDER = pathlib.Path(__file__).parent
TITLE = "How should the GPU get at weights in CPU memory?"
# What no table of policies shows: bars of rates are that table's.
CHARTS = (bandwidth, batch, granularity, adaptation, gpus, beside)
LONG = 8  # a shorter value of a variable may be any word
# Fields whose words are the program's own, even where a host goes by such a name.
VOCABULARY = frozenset(("policy", "workload", "label", "start", "path", "family", "excluded", "state", "kind",
                        "check", "by", "limited_by", "schema_version"))
RATES = (
    ("copy_h2d_bytes_per_second", "copy to the GPU"), ("copy_d2h_bytes_per_second", "copy to the host"),
    ("sm_read_pinned_bytes_per_second", "SMs read pinned memory"),
    ("sm_write_pinned_bytes_per_second", "SMs write pinned memory"),
    ("copy_h2d_beside_d2h_bytes_per_second", "copy to the GPU, copies home beside it"),
    ("copy_d2h_beside_h2d_bytes_per_second", "copy to the host, copies to the GPU beside it"),
    ("peer_copy_bytes_per_second", "copy from another GPU"),
    ("sm_read_peer_bytes_per_second", "SMs read another GPU"),
    ("host_read_of_gpu_memory_bytes_per_second", "CPU reads GPU memory"),
    ("device_read_bytes_per_second", "GPU memory"), ("host_read_bytes_per_second", "CPU reads its memory"))


@dataclasses.dataclass(frozen=True)
class Run(runs.Run):
    host_name: str = ""


def html_of(paths, title=TITLE, redacting=False):
    """(the page, what it lacks or None)."""
    jinja2 = imported("jinja2", "jinja2", " 3.0 or newer")
    found = load(paths, redacting)
    looks = styles.of_runs(found)
    parts = {}
    views = table.views(found, parts, looks)
    told = answer.of_runs(found)
    charts, lacking = drawn(found, told)
    charts, styles_of_charts = with_shared_styles(charts)
    css, script = read("page.css") + colours() + styles_of_charts, read("page.js")
    environment = jinja2.Environment(
        autoescape=True, loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=printable(jinja2))
    safe = jinja2.utils.markupsafe.Markup
    environment.filters["breakable"] = lambda name: safe.escape(one_line(name)).replace("_", safe("_<wbr>"))
    page = environment.get_template("page.html.j2").render(
        title=title, rules=safe(rules(css, script)), css=safe(css), script=safe(script), answer=told,
        views=views, shown=shown_first(views, told), parts=list(parts), look=class_of, looks=legend(looks),
        statuses=statuses(views), starts=sorted({start for view in views for start in view["starts"]}),
        charts=[(heading, safe(svg), marks) for heading, svg, marks in charts], lacking=lacking, redact=redacting,
        runs=list(map(described, found)), holds=holds(found, redacting),
        limits=[(run.name, limit) for run in found for limit in run.run.get("limits") or ()],
        loading=[(run.name, cost) for run in found for cost in run.run.get("loading_costs") or ()],
        beside=[(run.name, case, f"{results_files.label_of(case)} of {beside_table.weights_of(case)}",
                 beside_table.cells_of(case)) for run in found for case in beside_table.shown(run.cases)],
        beside_titles=beside_table.TITLES,
        costs=[(run.name, cost) for run in found for cost in run.run.get("memory_costs") or ()],
        text=text, grown=grown)
    return page, lacking


def grown(count):
    """Of memory in use, which may shrink meanwhile."""
    return f"-{text.size(-count)}" if count is not None and count < 0 else text.size(count)


def printable(jinja2):
    """What would turn the direction of text, or hide, is written as its code."""
    markup = jinja2.utils.markupsafe.Markup

    def finalize(value):
        return one_line(value) if isinstance(value, str) and not isinstance(value, markup) else value
    return finalize


def load(paths, redacting):
    """The runs, each with a name of its own."""
    files = [results_files.load(path, empty_allowed=True) for path in paths]
    # A folder may name somebody.
    names = [file.path.stem for file in files] if redacting else runs.names_of(files)
    found, seen = [], {}
    for file, name in zip(files, names):
        for index, (source, run) in enumerate(file.apart()):
            context = (file.document if source is None else source).get("context") or {}
            if redacting:
                name, run = redacted(name, run, context)
            one = name if source is None else f"{name}.{index}"
            seen[one] = seen.get(one, 0) + 1
            again = f" ({seen[one]})" if seen[one] > 1 else ""
            host = "" if redacting else str(context.get("host_name") or "")
            found.append(Run(one + again, run, tuple(run["cases"]), host))
    if not any(run.cases or run.run["skipped"] or run.run.get("memory_costs") or run.run.get("loading_costs")
               for run in found):
        raise BadInput(f"{', '.join(map(str, paths))}: nothing in it to report: no case, none skipped, no "
                       "memory costs")
    return found


def redacted(name, run, context):
    """Without what names the machine or its user: by the rules of redact.py, applied to every text of the run."""
    words, directories = redact.this_identity()
    values = [value for value in run["environment"].values() if len(value) >= LONG and value != redact.REDACTED]
    secrets = redact.redactor_for({"context": context, "offload_bench": run}, ([*words, *values], directories))

    def scrubbed(value, field=""):
        if isinstance(value, str):
            return value if field in VOCABULARY else secrets.text(value)
        if isinstance(value, dict):
            return {redact.DEVICE.sub(redact.REDACTED, key): scrubbed(below, key) for key, below in value.items()}
        return [scrubbed(below, field) for below in value] if isinstance(value, list) else value

    return scrubbed(name), scrubbed({**run, "argv": [], "environment": {}})


def drawn(found, told):
    """([(title, SVG, its marks)], what is missing or None): curves, and why the answer is as it is."""
    names = [run["name"] for run in told.get("runs", ())]
    shown = [figure for kind in CHARTS for figure in figures(kind, found)]
    shown += [figure for run in found if run.name in names for figure in figures(evidence, [run], told["label"])]
    if not shown:
        return [], None
    try:
        imported("matplotlib", "matplotlib")
    except BadInput as error:
        return [], f"no charts: {error}"
    from ..drawing import draw, page
    found = []
    with page.settings():
        for index, figure in enumerate(shown):
            chart = draw(figure)
            found.append((figure.title, chart.inline(figure.title, f"c{index}-"), chart.marks))
    return found, None


def with_shared_styles(charts):
    """(the same charts, a class for each of the few styles that stand there hundreds of times)"""
    names = {}

    def named(style):
        return f' class="s{names.setdefault(style[1], len(names))}"'

    charts = [(title, re.sub(r' style="([^"]*)"', named, svg), marks) for title, svg, marks in charts]
    return charts, "".join(f".s{number}{{{style}}}\n" for style, number in names.items())


def figures(kind, *arguments):
    try:
        return list(kind.figures(*arguments))
    except NoData:
        return []


LOOKS = (*styles.LOOKS.values(), *styles.FURTHER)


def class_of(look):
    return f"g{LOOKS.index(look)}"


def colours():
    """A class for each look, and its colour on dark ground."""
    names = {look.colour: f"--c-{look.colour[1:].lower()}" for look in LOOKS}
    light = "".join(f".{class_of(look)}{{--p:var({names[look.colour]},{look.colour})}}" for look in LOOKS)
    dark = "".join(f"{names[look.colour]}:{look.dark};" for look in LOOKS)
    return (f"{light}\n@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
            f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n")


def legend(looks):
    """{group: the class of its look}, in the order of lists."""
    return {style.group: class_of(style.look) for style in looks.values()}


def statuses(views):
    present = {cell["status"] for view in views for row in view["rows"] for cell in row["cells"]}
    present |= {"skipped"} if any(view["skipped"] for view in views) else set()
    return [status for status in ("passed", "failed", "incomplete", "skipped") if status in present]


def shown_first(views, told):
    """The index of the view that has the answer's label."""
    return next((index for index, view in enumerate(views) if told.get("label") in view["labels"]), 0)


def described(run):
    found, host = run.run, run.platform["host"]
    return {
        "name": run.name, "machine": caption.machine(run), "build": caption.build(run), "started": found["started_at"],
        "kernel": host["kernel"] if caption.known(host["kernel"]) else None, "host_name": run.host_name,
        "command": shlex.join(found["argv"]), "environment": found["environment"],
        "incomplete": None if found["complete"] else found["incomplete_reason"],
        "findings": [one["text"] for one in found.get("findings") or ()],
        "rates": [(words, text.rate(found["calibration"].get(name))) for name, words in RATES
                  if found["calibration"].get(name)],
        "counts": [(len(run.cases), "cases"), (sum(case["failure"] is not None for case in run.cases), "failed"),
                   (len(found["skipped"]), "skipped")],
    }


def holds(found, redacting):
    """(what, which) of all that the page says of the reader's machine."""
    def distinct(values):
        return ", ".join(dict.fromkeys(value for value in values if value and value != caption.REDACTED))

    variables = [name for run in found for name in run.run["environment"]]
    return [
        ("names of files", distinct(run.name for run in found)),
        ("GPU", distinct(run.platform["gpu"] and run.platform["gpu"]["name"] for run in found)),
        ("driver", distinct(run.platform["gpu"] and run.platform["gpu"]["driver_release"] for run in found)),
        ("CPU", distinct(run.platform["host"]["cpu"] for run in found)),
        ("kernel", distinct(run.platform["host"]["kernel"] for run in found)),
        ("host name", "left out" if redacting else distinct(run.host_name for run in found)),
        ("command lines, which may hold paths", "left out" if redacting
         else f"of {text.count(sum(bool(run.run['argv']) for run in found), 'run')}"),
        ("environment variables", "left out" if redacting else distinct(variables)),
        ("dates", distinct(run.run["started_at"][:10] for run in found)),
    ]


@functools.cache
def read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def rules(css, script):
    """Nothing may be loaded, from nowhere; only this very style and script may be used. Attributes `style`,
    which bars have for their lengths, can load nothing either."""
    return (f"default-src 'none'; style-src {digest(css)}; style-src-attr 'unsafe-inline'; "
            f"script-src {digest(script)}; base-uri 'none'; form-action 'none'")


def digest(content):
    found = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(found).decode('ascii')}'"
