# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that opens reports from disk, for tests. Needs pytest, Selenium, chromium and
its driver; a module that imports it is skipped where they are not there.

OFFLOAD_BENCH_SCREENSHOTS=DIR keeps pictures of what a reader sees."""
import base64
import json
import os
import pathlib
import shutil
import sys
import time

import pytest

from committed import SCHEMA_1
from results_builder import answered, case, run, skipped, write

webdriver = pytest.importorskip("selenium.webdriver", reason="python3-selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("no chromium with its driver here", allow_module_level=True)

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.page import build  # noqa: E402

H200 = ROOT / "results/h200-sxm-pcie5"
SENTENCE = "gemv of w, cold: __proto__ wins at 51.2 GB/s, b failed."
LONG = "long_name_" * 30
TURNED = "\u202eturned\u2066around"
HOSTILE = "<img/src=x/onerror=window.hit=1></script><script>window.hit=1</script>]]>\u2028"


def started():
    """A browser, until it is asked for again."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service(DRIVER)
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


def written(directory):
    """{name of a page: where it is}"""
    cases, answer = answered(
        [case(policy=HOSTILE, weights=HOSTILE, mechanism=HOSTILE, engine_flags=HOSTILE),
         case(policy="__proto__", samples=[2e-3] * 3, weights=HOSTILE),
         case(policy="b", weights=HOSTILE, failure=HOSTILE), case(policy=LONG, weights=HOSTILE),
         case(policy=TURNED, weights=HOSTILE)], sentences=[HOSTILE, SENTENCE])
    hostile = write(directory / "hostile.json", run(
        cases, answers=[answer], skipped=[skipped("gemv", HOSTILE, HOSTILE, "cold", HOSTILE)],
        argv=["offload_bench", HOSTILE], environment={HOSTILE: HOSTILE}))
    results = {
        "quick": [H200 / "quick.json"],
        "before_answers": [SCHEMA_1 / "another-card.json"],
        "many_weights": [write(directory / "many_weights.json", run(
            [case(policy=f"p{policy}", weights=f"w{weights}", size=(weights + 1) << 24,
                  samples=[(1 + policy) * 1e-3] * 3)
             for weights in range(10) for policy in range(12)]))],
        "sweeps": [H200 / "gemm.json", H200 / "micro.json", H200 / "memory-cost.json"],
        "marks": [H200 / "quick.json"],
        "cpu": [ROOT / "results/epyc-2vcpu/quick.json"],
        "hostile": [hostile],
        "models": sorted(H200.glob("decode-*.json")),
        "machines": [H200 / "quick.json", ROOT / "results/h200-sxm-pcie5-second-card/quick.json",
                     ROOT / "results/epyc-2vcpu/quick.json"],
        "all": sorted(H200.glob("*.json")),
    }
    found = {}
    for name, paths in results.items():
        text, _ = build.html_of(paths)
        if name == "marks":
            text = text.replace('<section id="runs"', f'{MARKS}<section id="runs"')
        found[name] = directory / f"{name}.html"
        found[name].write_text(text, encoding="utf-8")
    return found


# As charts mark what they draw of a policy
MARKS = """<figure class="chart" data-marks='[[["pinned_copy", "pinned_ring_copy"], "steady", "54.8 GB/s"],
[["managed_demand"], "cold", "9.3 GB/s"], [["in_no_table"], "cold", "1 GB/s"]]'><svg viewBox="0 0 100 20">
<g data-mark="0"><path d="M0 0h50v8H0z"/></g><g data-mark="1"><path d="M0 10h9v8H0z"/></g>
<g data-mark="2"><path d="M60 10h9v8H0z"/></g></svg></figure>"""


@pytest.fixture
def see(browser, pages):
    """Opens a page of a given width; after the test nothing may have gone wrong in it."""
    def opened(name, width=1400, theme="light"):
        emulate(browser, width, theme)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(pages[name].as_uri())
        return browser

    yield opened
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    assert {url for url in requests(browser) if not url.startswith("file://")} == set()


def emulate(browser, width, theme):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "media": "", "features": [{"name": "prefers-color-scheme", "value": theme}]})


def requests(browser):
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def picture(browser, name):
    directory = os.environ.get("OFFLOAD_BENCH_SCREENSHOTS")
    if directory:
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": False})
        (pathlib.Path(directory) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def all_of(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def one(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def texts(elements):
    return [element.text for element in elements]


def eventually(check, seconds=5):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def rows_of(browser, selector=".view:not([hidden])"):
    """The rows of the table that is shown, filtered ones left out: each a list of its cells' texts, asked of
    the browser at once, for each question takes milliseconds."""
    return browser.execute_script("""
      return [...document.querySelector(arguments[0]).querySelectorAll("tbody > tr:not(.drawer)")]
        .filter((row) => !row.hidden).map((row) => [...row.cells].map((cell) => cell.innerText.trim()))""",
        selector)


def policies(browser):
    return [row[0].split("\n")[0].split(" ")[0] for row in rows_of(browser)]


def opener(browser, policy):
    return one(browser, f".view:not([hidden]) tr[data-policy='{policy}'] .opener")
