function answersOf(section) {
  const link = el("a", {href: `#workload-${section.workload}`}, section.workload);
  return el("div", {class: "answer"}, el("h3", null, link), el("div", null,
    section.answers.map((answer) => {
      const texts = answer.lead ? [answer.lead] : answer.sentences;
      return [severalRuns ? el("p", {class: "source"}, data.runs[answer.run].name) : null,
        texts.map((text) => el("p", null, prose(text)))];
    }).flat()));
}

function alarms() {
  return data.runs.filter((run) => !run.complete || run.failed > 0).map((run) =>
    el("p", {class: "alarm"}, severalRuns ? `${run.name}: ` : "",
      run.complete ? "" : `INCOMPLETE RUN (${run.incomplete_reason}): what follows is what was `
        + "finished. ",
      run.failed > 0 ? `${plural(run.failed, "case")} FAILED.` : ""));
}

function contents(sections) {
  const links = sections.map((section) => [section.root.id,
    section.root.querySelector("h2").firstChild.textContent]);
  byId("contents").append(el("ul", null, [["answer", "answer"], ...links, ["words", "words"]]
    .map(([id, title]) => el("li", null, el("a", {href: `#${id}`}, title.toLowerCase())))));
}

function start() {
  startTheme();
  byId("machine").append(...data.machine.map((line) => el("p", null, line)),
    el("p", {class: "hint"}, `${plural(cases.length, "case")} of ${plural(data.runs.length, "run")}: `,
      data.runs.map((run) => `${run.name} (${run.started_at.slice(0, 10)})`).join(", ")));
  byId("answers").append(...alarms(), ...(data.sections.length ? data.sections.map(answersOf)
    : [el("p", null, "No case was measured in these runs.")]));
  const sections = data.sections.map(sectionOf);
  if (sections.length) {
    const filters = filterBar((shown, inCharts) =>
      sections.forEach((section) => section.filter(shown, inCharts)));
    byId("results").append(filters.root, ...sections.map((section) => section.root));
    filters.start();
  }
  const about = [failedBlock(), skippedBlock(), limitsBlock(), memoryBlock(), platformBlock(),
    reproduceBlock(), reducedBlock()].filter(Boolean);
  byId("about").append(...about);
  contents([...sections, ...about.map((root) => ({root}))]);
}
start();
