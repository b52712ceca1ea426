// SPDX-License-Identifier: Apache-2.0
// One tip for all charts; what it says is spoken too when a key brought it up.
const tip = {
  /// lines: [[text, text or null]]; x and y are of the window.
  show(title, lines, x, y, spoken) {
    const box = byId("tip");
    box.replaceChildren(el("strong", null, title), ...lines.map(([name, value]) =>
      el("div", null, el("span", null, name), value === null ? null : el("b", null, value))));
    box.hidden = false;
    const left = x + 14 + box.offsetWidth > window.innerWidth ? x - 14 - box.offsetWidth : x + 14;
    const top = Math.min(y + 12, window.innerHeight - box.offsetHeight - 8);
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${Math.max(8, top)}px`;
    if (spoken) {
      byId("spoken").textContent =
        [title, ...lines.map((line) => line.filter(Boolean).join(" "))].join("; ");
    }
  },
  hide() {
    byId("tip").hidden = true;
  },
};
document.addEventListener("scroll", tip.hide, {passive: true});
