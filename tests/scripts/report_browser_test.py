# SPDX-License-Identifier: Apache-2.0
"""The HTML report in a real browser, opened from disk: what a reader sees, sorts, filters, opens
and prints, and what no results file can do to it. Needs pytest, Selenium, chromium and its driver;
skipped where they are not there."""
import base64
import json

import pytest
from report_pages import (  # noqa: F401  # see is a fixture that the tests name
    H200, HOSTILE, ROOT, SENTENCE, all_of, cases_of, cases_table, column, eventually, one,
    picture, see, texts)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from offload_results.tables import cells
from offload_results import results
from offload_results.report import page as report_page
from offload_results.intervals import is_rough


@pytest.mark.parametrize("name", ["quick", "sweeps", "cpu", "hostile", "all"])
@pytest.mark.parametrize("width", [375, 1400])
def test_every_page_fits_its_window(see, name, width):
    browser = see(name, width)
    for details in all_of(browser, "main > section details, #about details, .why"):
        browser.execute_script("arguments[0].open = true", details)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == width
    assert len(all_of(browser, "#answers p")) > 0
    picture(browser, f"{name}-{width}")


def test_the_answer_comes_first(see):
    browser = see("hostile")
    assert one(browser, "main h2").text == "The answer"
    assert SENTENCE in texts(all_of(browser, "#answers .answer p"))


def test_a_run_made_before_answers_says_so(see):
    browser = see("before_answers")
    assert texts(all_of(browser, "#answers p")) == ["made before 2.0: run again for answers"]
    assert set(column(cases_table(browser, "gemv"), "verdict")) <= {"\u2013", "is on the GPU"}


def test_numbers_are_written_by_the_shared_table(see):
    browser = see("quick")
    spelled = ("{number: threeDigits, seconds: (value) => duration(value * 1e6), rate: rateText, "
               "traffic: decimalBytes, size, percent_number: (ratio) => percent(ratio, 1), "
               "ratio: ratioText, two_digits: twoDigits, rough, "
               "rough_seconds: (value) => roughDuration(value * 1e6)}")
    examples = [one for one in json.loads((ROOT / "tests/data/numbers.json").read_text())
                if one["kind"] not in ("percent", "times")]  # which the page writes nowhere
    found = browser.execute_script(
        f"{report_page.read('numbers.js')}; const spelled = {spelled};"
        "return arguments[0].map(({kind, value, least, most}) => spelled[kind](value, least, most))",
        examples)
    assert found == [one["text"] for one in examples]


def test_tables_sort_by_every_column(see):
    browser = see("quick")
    table = cases_table(browser, "gemv")
    table.find_element(By.CSS_SELECTOR, ".more").click()
    expected = sorted(cases_of(H200 / "quick.json", "gemv"),
                      key=lambda case: case["summary"]["median_s"])
    button = table.find_element(By.XPATH, ".//th[.//span='median']//button")
    button.click()
    shown = column(table, "median")
    assert shown == list(map(cells.median, expected))
    rough = [cells.gigabytes_per_second(case) for case in expected if is_rough(case)]
    assert rough == [text for text, case in zip(column(table, "GB/s"), expected) if is_rough(case)]
    assert any(".." in text for text in rough)
    head = button.find_element(By.XPATH, "..")
    assert head.get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)  # by keyboard: the other way round
    assert head.get_attribute("aria-sort") == "descending"
    assert column(table, "median") == shown[::-1]
    for other in table.find_elements(By.CSS_SELECTOR, "thead button"):
        other.click()
        sorts = browser.execute_script(
            "return [...arguments[0].querySelectorAll('thead th')].map((head) => head.ariaSort)",
            table)
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
    whole = len(results.load(H200 / "quick.json").cases)
    of_demand = [case for case in results.load(H200 / "quick.json").cases
                 if (case["policy"], case["start"]) == ("managed_demand", "cold")]
    count = one(browser, "#filter-count")
    assert count.text == f"{whole} cases"
    one(browser, "#filter-text").send_keys("zero_copy gemv")
    assert count.text == f"4 of {whole} cases"
    assert set(column(cases_table(browser, "gemv"), "policy")) == {
        "pinned_zero_copy", "registered_zero_copy", "hostvmm_zero_copy", "writecombined_zero_copy"}
    assert not one(browser, "#workload-pointer_chase").is_displayed()
    one(browser, ".filters button").click()
    assert count.text == f"{whole} cases" and one(browser, "#workload-pointer_chase").is_displayed()
    Select(one(browser, "#filter-policy")).select_by_visible_text("managed_demand")
    Select(one(browser, "#filter-start")).select_by_visible_text("cold")
    assert count.text == f"{len(of_demand)} of {whole} cases"
    bars = all_of(browser, "#workload-gemv .bars tbody tr")
    assert [bar.text.split("\n")[0] for bar in bars] == ["managed_demand cold"]
    Select(one(browser, "#filter-workload")).select_by_visible_text("gemv")
    Select(one(browser, "#filter-weights")).select_by_visible_text("64MiB")
    assert count.text == f"0 of {whole} cases"


def test_a_case_opens_its_samples_and_evidence(see):
    browser = see("quick")
    table = cases_table(browser, "gemv")
    table.find_element(By.CSS_SELECTOR, ".more").click()
    opener = table.find_element(By.XPATH, ".//button[contains(., 'managed_prefer_host')]")
    opener.send_keys(Keys.ENTER)
    detail = table.find_element(By.CSS_SELECTOR, ".detail")
    (cold,) = cases_of(H200 / "quick.json", "gemv", policy="managed_prefer_host", start="cold")
    assert len(detail.find_elements(By.CSS_SELECTOR, ".dot")) == len(cold["samples_s"])
    states = {element.find_element(By.CSS_SELECTOR, "h6").text: element
              for element in detail.find_elements(By.CSS_SELECTOR, ".collector")}
    unified = next(element for title, element in states.items() if title.startswith("Unified"))
    maps = cold["evidence"]["um"]["remote_maps"]
    assert maps > 999 and "measured" in unified.text and f"{maps:,}" in unified.text
    energy = next(element for title, element in states.items() if title.startswith("Energy"))
    assert "unavailable" in energy.text and "--evidence all" in energy.text
    opener = table.find_element(By.CSS_SELECTOR, "[aria-expanded=true]")
    assert browser.switch_to.active_element == opener
    opener.click()
    assert not table.find_elements(By.CSS_SELECTOR, ".detail")


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
    assert len(column(cases_table(browser, "gemv"), "policy")) == len(cases_of(H200 / "quick.json", "gemv"))
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
        e.tabIndex <= 0
        && (e.tabIndex < 0 || e.getAttribute("aria-label") || e.tagName === "PRE"))""")
    assert len(browser.execute_script("""
      const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
      return ids.filter((id, at) => ids.indexOf(id) !== at)""")) == 0
    body = one(browser, "body")
    body.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the answer"
