# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, opened from disk: what a reader sees, sorts, filters, opens and prints, by
pointer and by keyboard, and what no results file can do to it. Needs pytest, Selenium, chromium and its
driver; skipped where they are not there."""
import base64

import pytest
from report_pages import (  # noqa: F401  # see is a fixture that the tests name
    H200, HOSTILE, SENTENCE, all_of, eventually, one, opener, picture, policies, rows_of, see, texts)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from offload_results import results


@pytest.mark.parametrize("name", ["quick", "machines", "models", "many_weights", "hostile", "all"])
@pytest.mark.parametrize("width", [400, 1280])
def test_every_page_fits_its_window(see, name, width):
    browser = see(name, width)
    for details in all_of(browser, "details"):
        browser.execute_script("arguments[0].open = true", details)
    all_of(browser, ".view:not([hidden]) .opener")[0].send_keys(Keys.ENTER)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == width
    cut = browser.execute_script("""
      return [...document.querySelectorAll("main *")].filter((one) => one.offsetParent && !one.closest(".scroll, .chart, select"))
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))""")
    assert cut == []
    picture(browser, f"{name}-{width}")


def test_the_first_column_stays_when_the_table_scrolls(see):
    browser = see("many_weights", 700)
    scroll = one(browser, ".view:not([hidden]) .scroll")
    first, second = one(scroll, "tbody th"), one(scroll, "tbody td")
    before = first.location["x"], second.location["x"]
    browser.execute_script("arguments[0].scrollLeft = 300", scroll)
    assert (first.location["x"], second.location["x"]) == (before[0], before[1] - 300)


@pytest.mark.parametrize("name", ["machines", "models", "many_weights"])
@pytest.mark.parametrize("width", [400, 1280])
def test_bars_of_all_columns_are_on_one_axis(see, name, width):
    """Tracks are equally long, whatever stands in the heads of their columns."""
    browser = see(name, width)
    tracks = browser.execute_script("""
      return [...document.querySelectorAll(".view:not([hidden]) .bar")].map((bar) => Math.round(bar.offsetWidth))""")
    assert max(tracks) - min(tracks) <= 1 and min(tracks) > 25


def test_the_answer_comes_first_and_its_sentences_stand_below_the_table(see):
    browser = see("hostile")
    assert one(browser, "main section").get_attribute("id") == "answer"
    one(browser, ".sentences summary").click()
    assert any(SENTENCE in text for text in texts(all_of(browser, ".sentences li")))


def test_choosing_a_table_shows_it_alone(see):
    browser = see("quick")
    assert texts(all_of(browser, ".view:not([hidden]) h2 bdi")) == ["gemv"]
    Select(one(browser, "#view")).select_by_visible_text("pointer_chase")
    assert texts(all_of(browser, ".view:not([hidden]) h2 bdi")) == ["pointer_chase"]
    assert one(browser, "#count").text == f"{len(rows_of(browser))} rows" and len(rows_of(browser)) == 29


def test_tables_sort_by_every_column(see):
    browser = see("models")
    shown = rows_of(browser)
    for index, head in enumerate(all_of(browser, ".view:not([hidden]) thead th")):
        if index == 1:
            continue  # by which it is sorted at first
        button = one(head, "button")
        button.click()
        once = [row[index] for row in rows_of(browser)]
        button.send_keys(Keys.ENTER)  # by keyboard: the other way round
        twice = [row[index] for row in rows_of(browser)]
        known = [text for text in once if text]
        assert head.get_attribute("aria-sort") in ("ascending", "descending")
        assert sorted(once) == sorted(row[index] for row in shown)
        # What has no figure is last either way; figures alike keep their order.
        assert set(once[len(known):]) <= {""} and set(twice[len(known):]) <= {""}
        assert once[0] == twice[len(known) - 1] and once != twice
    sorts = [head.get_attribute("aria-sort") for head in all_of(browser, ".view:not([hidden]) thead th")]
    assert sum(sort != "none" for sort in sorts) == 1


def test_sorting_by_a_second_column_goes_by_its_figures(see):
    browser = see("models")
    all_of(browser, ".view:not([hidden]) thead th button")[3].click()
    cases = {(case["policy"], case["start"]): case for case in results.load(H200 / "decode-qwen3-30b-a3b.json").cases
             if case["label"] == "decode/tokens:1" and case["start"] == "steady"}
    order = [policy for policy in policies(browser) if (policy, "steady") in cases]
    rates = [cases[policy, "steady"]["model"]["tokens_per_second_ceiling"] for policy in order]
    assert rates == sorted(rates, reverse=True) and len(rates) > 10


def test_filters_act_on_tables_and_charts(see):
    browser = see("marks")

    def marks():
        return [mark.get_attribute("data-policy") for mark in all_of(browser, ".mark") if mark.is_displayed()
                and mark.get_attribute("data-tip") in ("54.8 GB/s", "9.3 GB/s", "1 GB/s")]

    assert marks() == ["pinned_copy", "managed_demand", "in_no_table"]
    one(browser, "#words").send_keys("zero_copy SMs")
    assert set(policies(browser)) == {
        "pinned_zero_copy", "registered_zero_copy", "hostvmm_zero_copy", "writecombined_zero_copy"}
    assert one(browser, "#count").text == "4 of 33 rows" and marks() == ["in_no_table"]
    one(browser, "#filters button").click()
    assert one(browser, "#count").text == "33 rows" and len(marks()) == 3
    Select(one(browser, "#group")).select_by_visible_text("managed, faults")
    Select(one(browser, "#start")).select_by_visible_text("cold")
    assert set(policies(browser)) == {"managed_demand", "managed_prefer_device", "managed_readmostly_demand",
                                      "managed_readmostly_prefer_host"}
    assert marks() == ["managed_demand", "in_no_table"]


def test_the_status_filters(see):
    browser = see("hostile")
    assert len(policies(browser)) == 5
    Select(one(browser, "#status")).select_by_visible_text("failed")
    assert policies(browser) == ["b"]
    Select(one(browser, "#status")).select_by_visible_text("skipped")
    assert policies(browser) == [] and one(browser, ".skipped").is_displayed()
    browser = see("quick")
    Select(one(browser, "#status")).select_by_visible_text("noise, drift, findings")
    assert 0 < len(policies(browser)) < 33 and "pinned_copy" not in policies(browser)


def test_a_row_opens_by_enter_and_closes_by_escape(see):
    browser = see("quick")
    button = opener(browser, "managed_prefer_host")
    button.send_keys(Keys.ENTER)
    drawer = one(browser, ".drawer")
    assert button.get_attribute("aria-expanded") == "true"
    [cold] = [case for case in results.load(H200 / "quick.json").cases if case["label"] == "gemv"
              and (case["policy"], case["start"]) == ("managed_prefer_host", "warm")]
    assert cold["mechanism"] in drawer.text and cold["memory"] in drawer.text
    assert len(one(drawer, "polyline").get_attribute("points").split()) == len(cold["samples_s"])
    assert "takes 0.2 s a case" in drawer.text  # why energy is not known
    button.send_keys(Keys.ESCAPE)
    assert not all_of(browser, ".drawer") and browser.switch_to.active_element == button
    assert button.get_attribute("aria-expanded") == "false"


def test_a_row_opens_by_a_click_on_any_cell_and_arrows_walk_the_rows(see):
    browser = see("quick")
    cell = one(browser, ".view:not([hidden]) tbody td")
    cell.click()
    assert len(all_of(browser, ".drawer")) == 1
    cell.click()
    assert not all_of(browser, ".drawer")
    first, second = all_of(browser, ".view:not([hidden]) .opener")[:2]
    first.send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element == second
    second.send_keys(Keys.ARROW_UP)
    assert browser.switch_to.active_element == first
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_pointing_at_a_policy_says_its_figure_and_lights_it_everywhere(see):
    browser = see("marks")
    cell = one(browser, ".view:not([hidden]) tr[data-policy=pinned_copy] td")
    ActionChains(browser).move_to_element(cell).perform()
    tip = one(browser, "#tip")
    [rate] = [case["gb_per_s"] for case in results.load(H200 / "quick.json").cases
              if (case["label"], case["policy"]) == ("gemv", "pinned_copy")]
    assert tip.is_displayed() and tip.text.startswith(f"{rate:.3g} GB/s; ") and "slower than the best" in tip.text
    lit = browser.execute_script("return [...document.querySelectorAll('.lit')].map((one) => one.dataset.policy)")
    assert set(lit) == {"pinned_copy"} and len(lit) > 2
    other = one(browser, ".view:not([hidden]) tr[data-policy=pinned_ring_copy] td")
    ActionChains(browser).move_to_element(other).perform()  # drawn as one with it
    assert "lit" in one(browser, ".mark[data-tip='54.8 GB/s']").get_attribute("class").split()
    mark = one(browser, ".mark[data-tip='9.3 GB/s']")

    def told():
        """Scrolling takes a tip away, and moving to what is not in the window scrolls."""
        ActionChains(browser).move_to_element(mark).move_by_offset(0, -60).move_to_element(mark).perform()
        return tip.text == "9.3 GB/s"
    eventually(told)
    assert "lit" in one(browser, "tr[data-policy=managed_demand]").get_attribute("class").split()


def test_focus_lights_and_tells_as_the_pointer_does(see):
    browser = see("marks")
    browser.execute_script("arguments[0].focus()", opener(browser, "pinned_copy"))
    assert "lit" in one(browser, ".mark[data-policy=pinned_copy]").get_attribute("class").split()


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
    for button in all_of(browser, ".opener"):
        button.send_keys(Keys.ENTER)
    for details in all_of(browser, "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return window.hit") is None
    assert all_of(browser, "img, iframe, link") == [] and len(all_of(browser, "script")) == 1
    shown = one(browser, "body").get_attribute("textContent")
    assert shown.count(HOSTILE.removesuffix("\u2028") + "\\u2028") > 8
    assert "__proto__" in policies(browser) and "\\u202eturned\\u2066around" in policies(browser)


def test_foreign_scripts_do_not_run(browser, pages):
    browser.get(pages["cpu"].as_uri())
    browser.get_log("browser")
    browser.execute_script("const s = document.createElement('script'); s.textContent = "
                           "'window.hit = 1'; document.body.append(s); "
                           "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'")
    assert browser.execute_script("return window.hit") is None
    eventually(lambda: "Content Security Policy" in " ".join(
        entry["message"] for entry in browser.get_log("browser")))


def test_paper_shows_the_table_on_white(see):
    browser = see("models", theme="dark")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    emulated = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 700, "height": 1000, "deviceScaleFactor": 1, "mobile": False})  # of A4
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not one(browser, ".filters").is_displayed()
    scroll = one(browser, ".view:not([hidden]) .scroll")
    assert browser.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth", scroll) == 0
    picture(browser, "print")


def test_a_reader_without_a_script_sees_all_tables(browser, pages):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(pages["quick"].as_uri())
        shown = browser.execute_cdp_cmd("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
        views = browser.execute_cdp_cmd("DOM.querySelectorAll", {"nodeId": shown, "selector": ".view"})["nodeIds"]
        boxes = [browser.execute_cdp_cmd("DOM.getBoxModel", {"nodeId": view})["model"]["height"] for view in views]
        assert len(boxes) == 3 and min(boxes) > 200
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_everything_to_press_has_a_name_and_a_key(see):
    browser = see("sweeps")
    nameless = browser.execute_script("""
      return [...document.querySelectorAll("button, select, input, a, summary")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))).length""")
    assert nameless == 0
    assert browser.execute_script("""
      return [...document.querySelectorAll("[tabindex]")].every((e) =>
        e.tabIndex <= 0 && (e.tabIndex < 0 || e.getAttribute("aria-label")))""")
    assert len(browser.execute_script("""
      const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
      return ids.filter((id, at) => ids.indexOf(id) !== at)""")) == 0
    one(browser, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the table"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.execute_script("return document.activeElement.closest('#table') !== null")
