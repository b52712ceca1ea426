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
from offload_results import results  # noqa: E402
from offload_results.report import make  # noqa: E402

H200 = ROOT / "results/h200-sxm-pcie5"
SENTENCE = "gemv of w, cold: __proto__ wins at 51.2 GB/s, b failed."
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
         case(policy="b", weights=HOSTILE, failure=HOSTILE)], sentences=[HOSTILE, SENTENCE])
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
        "cpu": [ROOT / "results/epyc-2vcpu/quick.json"],
        "hostile": [hostile],
        "all": sorted(H200.glob("*.json")),
    }
    found = {}
    for name, paths in results.items():
        text, _ = make.html_of(paths)
        found[name] = directory / f"{name}.html"
        found[name].write_text(text, encoding="utf-8")
    return found


@pytest.fixture
def see(browser, pages):
    """Opens a page of a given width; behind the test nothing may have gone wrong in it."""
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


def cases_table(browser, workload):
    """The table of cases: the last of its section."""
    return all_of(browser, f"#workload-{workload} .table")[-1]


def column(table, title):
    """The text of its cells, asked of the browser at once: each question takes milliseconds."""
    def shown(selector):
        return [text.strip() for text in table.parent.execute_script(
            "return [...arguments[0].querySelectorAll(arguments[1])].map((one) => one.innerText)",
            table, selector)]

    place = shown("thead th").index(title) + 1
    return shown(f"tbody tr > :nth-child({place})")


def cases_of(path, label, **fields):
    return [found for found in results.load(path).cases if found["label"] == label
            and all(found[name] == value for name, value in fields.items())]


def medians_of(path, label, **fields):
    return [found["summary"]["median_s"] for found in cases_of(path, label, **fields)]
