# SPDX-License-Identifier: Apache-2.0
"""Charts of the HTML report in a real browser: pointer, keys, legend, and what is not known. Needs
pytest, Selenium, chromium and its driver; skipped where they are not there."""
import json

from report_pages import (  # noqa: F401  # see is a fixture that the tests name
    H200, eventually, medians_of, one, picture, see, texts)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from offload_results import text


def test_curves_tell_their_values_under_the_pointer(see):
    browser = see("sweeps")
    chart = one(browser, "#workload-gemm .chart")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    marks = chart.find_elements(By.CSS_SELECTOR, ".layer:nth-of-type(4) .mark, .layer .mark")
    ActionChains(browser).move_to_element(marks[0]).perform()
    tip = one(browser, "#tip")
    assert tip.is_displayed() and "tokens multiplied at once: 1" in tip.text
    (median,) = medians_of(H200 / "gemm.json", "gemm/tokens:1", policy="device_resident")
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
    (median,) = medians_of(H200 / "gemm.json", "gemm/tokens:16", policy="device_resident")
    assert f"{median * 1e6:.0f} us" in spoken.get_attribute("textContent")
    ActionChains(browser).send_keys(Keys.ARROW_UP).perform()  # the next slower: the split pass
    (median,) = medians_of(H200 / "gemm.json", "gemm/tokens:16", policy="hybrid_split")
    assert f"hybrid_split {text.rough_seconds(median)};" in spoken.get_attribute("textContent")
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


def test_what_is_unknown_is_no_bar(see):
    browser = see("quick")
    why = one(browser, "#workload-gemv .why")
    why.find_element(By.CSS_SELECTOR, "summary").click()
    eventually(lambda: why.find_elements(By.CSS_SELECTOR, ".bar-cell"))
    cells = why.find_elements(By.CSS_SELECTOR, ".bar-cell")
    unknown = [cell for cell in cells if "n/a" in cell.text]
    assert len(unknown) > 5
    for cell in unknown:
        assert cell.find_elements(By.CSS_SELECTOR, ".unknown")
        assert not cell.find_elements(By.CSS_SELECTOR, ".fill")
    (reason,) = {case["evidence"]["energy"]["reason"] for case in
                 json.loads((H200 / "quick.json").read_text())["offload_bench"]["cases"]
                 if case["workload"] == "gemv"}
    assert reason.endswith(" s a case: --evidence all")
    assert any(reason in text for text in texts(
        why.find_elements(By.CSS_SELECTOR, ".notes li")))
    picture(browser, "why")


def test_of_many_weights_the_largest_stand_first(see):
    browser = see("many_weights")
    figure = one(browser, "#workload-gemv .figure")
    select = Select(figure.find_element(By.CSS_SELECTOR, ".pick select"))
    assert select.first_selected_option.text == "w9"
    assert len(select.options) == 11  # ten weights, or all
    shown = [float(text.replace(",", "")) for text in texts(
        figure.find_elements(By.CSS_SELECTOR, ".bar-cell"))]
    assert len(shown) > 10 and shown == sorted(shown, reverse=True)
    select.select_by_visible_text("all 10")
    assert len(figure.find_elements(By.CSS_SELECTOR, "thead th")) == 11
