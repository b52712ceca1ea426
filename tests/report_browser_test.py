# SPDX-License-Identifier: Apache-2.0
"""The HTML report in a real browser: headless Chromium, opened from disk. Needs pytest, Selenium,
chromium and its driver; skipped where they are not there.

OFFLOAD_BENCH_SCREENSHOTS=DIR keeps pictures of what a reader sees."""
import base64
import json
import os
import pathlib
import shutil
import sys
import time

import pytest

from results_builder import case, run, skipped, write

webdriver = pytest.importorskip("selenium.webdriver", reason="python3-selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no chromium with its driver here")

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.report import make  # noqa: E402

H200 = ROOT / "results/h200-sxm-pcie5"
HOSTILE = "<img/src=x/onerror=window.hit=1></script><script>window.hit=1</script>]]>\u2028"


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service(DRIVER)
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pages")
    hostile = write(directory / "hostile.json", run(
        [case(policy=HOSTILE, weights=HOSTILE, mechanism=HOSTILE, engine_flags=HOSTILE),
         case(policy="__proto__", samples=[2e-3] * 3, weights=HOSTILE),
         case(policy="b", weights=HOSTILE, failure=HOSTILE)],
        skipped=[skipped("gemv", HOSTILE, HOSTILE, "cold", HOSTILE)],
        argv=["offload_bench", HOSTILE], environment={HOSTILE: HOSTILE}))
    results = {
        "quick": [H200 / "quick.json"],
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
    heads = [head.text.strip() for head in table.find_elements(By.CSS_SELECTOR, "thead th")]
    place = heads.index(title) + 1
    return texts(table.find_elements(By.CSS_SELECTOR, f"tbody tr > :nth-child({place})"))


def medians_of(path, label, **fields):
    document = json.loads(path.read_text())["offload_bench"]
    return [found["summary"]["median_s"] for found in document["cases"] if found["label"] == label
            and all(found[field] == value for field, value in fields.items())]


def in_us(text):
    value, unit = text.split()
    return float(value.replace(",", "")) * {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}[unit]


@pytest.mark.parametrize("name", ["quick", "sweeps", "cpu", "hostile", "all"])
@pytest.mark.parametrize("width", [375, 1400])
def test_every_page_fits_its_window(see, name, width):
    browser = see(name, width)
    for details in all_of(browser, "main > section details, #about details, .why"):
        browser.execute_script("arguments[0].open = true", details)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == width
    assert len(all_of(browser, "#answers .answer")) > 0
    picture(browser, f"{name}-{width}")


def test_the_answer_comes_first(see):
    browser = see("quick")
    assert one(browser, "main h2").text == "The answer"
    answers = texts(all_of(browser, "#answers .answer p"))
    assert any(text.startswith("gemv of llama3.1-70b.down_proj, cold and warm: hybrid_split wins at "
                               "160 GB/s") for text in answers)


def test_tables_sort_by_every_column(see):
    browser = see("quick")
    table = cases_table(browser, "gemv")
    table.find_element(By.CSS_SELECTOR, ".more").click()
    expected = sorted(medians_of(H200 / "quick.json", "gemv"))
    button = table.find_element(By.XPATH, ".//th[.//span='median']//button")
    button.click()
    shown = [in_us(text) for text in column(table, "median")]
    assert shown == pytest.approx([median * 1e6 for median in expected], rel=6e-3)
    head = button.find_element(By.XPATH, "..")
    assert head.get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)  # by keyboard: the other way round
    assert head.get_attribute("aria-sort") == "descending"
    assert [in_us(text) for text in column(table, "median")] == shown[::-1]
    for other in table.find_elements(By.CSS_SELECTOR, "thead button"):
        other.click()
        sorts = [head.get_attribute("aria-sort")
                 for head in table.find_elements(By.CSS_SELECTOR, "thead th")]
        assert sum(sort != "none" for sort in sorts) == 1
        assert len(column(table, "policy")) == len(expected)


def test_unknown_values_sort_last_both_ways(see):
    browser = see("quick")
    table = cases_table(browser, "gemv")
    table.find_element(By.CSS_SELECTOR, ".more").click()
    button = table.find_element(By.XPATH, ".//th[.//span='% of link']//button")
    for _ in range(2):
        button.click()
        shown = column(table, "% of link")
        assert shown.count("\u2013") > 1 and "\u2013" not in shown[:-shown.count("\u2013")]


def test_filters(see):
    browser = see("quick")
    count = one(browser, "#filter-count")
    assert count.text == "76 cases"
    one(browser, "#filter-text").send_keys("zero_copy gemv")
    assert count.text == "4 of 76 cases"
    assert set(column(cases_table(browser, "gemv"), "policy")) == {
        "pinned_zero_copy", "registered_zero_copy", "hostvmm_zero_copy", "writecombined_zero_copy"}
    assert not one(browser, "#workload-pointer_chase").is_displayed()
    one(browser, ".filters button").click()
    assert count.text == "76 cases" and one(browser, "#workload-pointer_chase").is_displayed()
    Select(one(browser, "#filter-policy")).select_by_visible_text("managed_demand")
    Select(one(browser, "#filter-start")).select_by_visible_text("cold")
    assert count.text == "3 of 76 cases"
    bars = all_of(browser, "#workload-gemv .bars tbody tr")
    assert [bar.text.split("\n")[0] for bar in bars] == ["managed_demand cold"]
    Select(one(browser, "#filter-workload")).select_by_visible_text("gemv")
    Select(one(browser, "#filter-weights")).select_by_visible_text("64MiB")
    assert count.text == "0 of 76 cases"


def test_curves_tell_their_values_under_the_pointer(see):
    browser = see("sweeps")
    chart = one(browser, "#workload-gemm .chart")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    marks = chart.find_elements(By.CSS_SELECTOR, ".layer:nth-of-type(4) .mark, .layer .mark")
    ActionChains(browser).move_to_element(marks[0]).perform()
    tip = one(browser, "#tip")
    assert tip.is_displayed() and "tokens multiplied at once: 1" in tip.text
    (median,) = medians_of(H200 / "gemm.json", "gemm.m1", policy="device_resident")
    assert f"{median * 1e6:.0f} us" in tip.text
    picture(browser, "tip")
    ActionChains(browser).move_to_element(one(browser, "#workload-gemm h2")).perform()
    assert not tip.is_displayed()


def test_keys_move_between_the_points_of_a_chart(see):
    browser = see("sweeps")
    chart = one(browser, "#workload-gemm .chart")
    browser.execute_script("arguments[0].focus()", chart)
    keys = ActionChains(browser)
    keys.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).perform()
    spoken = one(browser, "#spoken")
    assert "tokens multiplied at once: 16" in spoken.get_attribute("textContent")
    (median,) = medians_of(H200 / "gemm.json", "gemm.m16", policy="device_resident")
    assert f"{median * 1e6:.0f} us" in spoken.get_attribute("textContent")
    ActionChains(browser).send_keys(Keys.ARROW_UP).perform()  # the next slower: the split pass
    assert "hybrid_split 5.87 ms" in spoken.get_attribute("textContent")
    ActionChains(browser).send_keys(Keys.END).perform()
    assert "tokens multiplied at once: 8,192" in spoken.get_attribute("textContent")
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert not one(browser, "#tip").is_displayed()


def test_a_legend_switches_curves_off_and_values_stand_in_a_table(see):
    browser = see("sweeps")
    figure = one(browser, "#workload-gemm .figure")
    before = len(figure.find_elements(By.CSS_SELECTOR, ".layer"))
    entry = figure.find_element(By.CSS_SELECTOR, ".legend button")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert len(figure.find_elements(By.CSS_SELECTOR, ".layer")) == before - 1
    entry.click()
    assert len(figure.find_elements(By.CSS_SELECTOR, ".layer")) == before
    figure.find_element(By.CSS_SELECTOR, ".values summary").click()
    eventually(lambda: figure.find_elements(By.CSS_SELECTOR, ".values tbody tr"))
    assert "device_resident" in texts(figure.find_elements(By.CSS_SELECTOR, ".values tbody th"))


def test_a_case_opens_its_samples_and_evidence(see):
    browser = see("quick")
    table = cases_table(browser, "gemv")
    opener = table.find_element(By.XPATH, ".//button[contains(., 'managed_prefer_host')]")
    opener.send_keys(Keys.ENTER)
    detail = table.find_element(By.CSS_SELECTOR, ".detail")
    assert len(detail.find_elements(By.CSS_SELECTOR, ".dot")) == 12
    states = {element.find_element(By.CSS_SELECTOR, "h6").text: element
              for element in detail.find_elements(By.CSS_SELECTOR, ".collector")}
    unified = next(element for title, element in states.items() if title.startswith("Unified"))
    assert "measured" in unified.text and "12,671" in unified.text  # regions mapped
    energy = next(element for title, element in states.items() if title.startswith("Energy"))
    assert "unavailable" in energy.text and "--evidence all" in energy.text
    opener = table.find_element(By.CSS_SELECTOR, "[aria-expanded=true]")
    assert browser.switch_to.active_element == opener
    opener.click()
    assert not table.find_elements(By.CSS_SELECTOR, ".detail")


def test_what_is_unknown_is_no_bar(see):
    browser = see("quick")
    why = one(browser, "#workload-gemv .why")
    why.find_element(By.CSS_SELECTOR, "summary").click()
    eventually(lambda: why.find_elements(By.CSS_SELECTOR, ".bar-cell"))
    unknown = [cell for cell in why.find_elements(By.CSS_SELECTOR, ".bar-cell") if "n/a" in cell.text]
    assert len(unknown) > 5
    for cell in unknown:
        assert cell.find_elements(By.CSS_SELECTOR, ".unknown")
        assert not cell.find_elements(By.CSS_SELECTOR, ".fill")
    assert any("takes 0.3 s a case" in text for text in texts(
        why.find_elements(By.CSS_SELECTOR, ".notes li")))
    picture(browser, "why")


def test_themes(see):
    def ground():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    browser = see("quick", theme="dark")
    dark = ground()
    picture(browser, "dark")
    button = one(browser, "#theme")
    assert button.text == "Light"
    button.send_keys(Keys.ENTER)
    light = ground()
    assert light == "rgb(255, 255, 255)" != dark and button.text == "Dark"
    browser = see("quick", theme="light")
    assert ground() == light
    one(browser, "#theme").click()
    assert ground() == dark


def test_names_from_results_stay_text(see):
    browser = see("hostile")
    table = cases_table(browser, "gemv")
    table.find_element(By.CSS_SELECTOR, ".opener").click()
    for details in all_of(browser, "details"):
        browser.execute_script("arguments[0].open = true", details)
    eventually(lambda: len(all_of(browser, "#about details table")) > 3)
    assert browser.execute_script("return window.hit") is None
    assert all_of(browser, "img, iframe, link") == []
    assert len(all_of(browser, "script")) == 2
    shown = one(browser, "body").get_attribute("textContent")
    assert shown.count(HOSTILE) > 8
    assert "FAILED: <img/src=x/onerror" in table.text
    assert "__proto__" in column(table, "policy")


def test_foreign_scripts_do_not_run(browser, pages):
    browser.get(pages["cpu"].as_uri())
    browser.get_log("browser")
    browser.execute_script("const s = document.createElement('script'); s.textContent = "
                           "'window.hit = 1'; document.body.append(s); "
                           "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'")
    assert browser.execute_script("return window.hit") is None
    eventually(lambda: "Content Security Policy" in " ".join(
        entry["message"] for entry in browser.get_log("browser")))


def test_paper_shows_every_row_on_white(see):
    browser = see("quick", theme="dark")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    assert len(column(cases_table(browser, "gemv"), "policy")) == 26
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})
    assert browser.execute_script(
        "return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not one(browser, ".filters").is_displayed()
    picture(browser, "print")


def test_everything_to_press_has_a_name_and_a_key(see):
    browser = see("sweeps")
    nameless = browser.execute_script("""
      return [...document.querySelectorAll("button, select, input, a, summary")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))).length""")
    assert nameless == 0
    assert browser.execute_script("""
      return [...document.querySelectorAll("[tabindex]")].every((e) =>
        e.tabIndex <= 0 && (e.tabIndex < 0 || e.getAttribute("aria-label") || e.tagName === "PRE"))""")
    assert len(browser.execute_script("""
      const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
      return ids.filter((id, at) => ids.indexOf(id) !== at)""")) == 0
    body = one(browser, "body")
    body.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the answer"
