// SPDX-License-Identifier: Apache-2.0
const FEW = 4; // sentences of a workload that all stand at the top

function answersOf(section) {
  const link = el("a", {href: `#workload-${section.workload}`}, section.workload);
  const total = section.answers.reduce((sum, {lead, sentences}) =>
    sum + (lead ? 1 : sentences.length), 0);
  return el("div", {class: "answer"}, el("h3", null, link), el("div", null,
    section.answers.map((answer) => {
      const texts = answer.lead ? [answer.lead] : answer.sentences;
      const shown = total > FEW ? texts.slice(0, 1) : texts;
      return [severalRuns ? el("p", {class: "source"}, data.runs[answer.run].name) : null,
        shown.map((text) => el("p", null, prose(text))),
        shown.length < texts.length ? later(`${texts.length - shown.length} more`,
          () => el("div", null, texts.slice(1).map((text) => el("p", null, prose(text))))) : null];
    })));
}

/// Runs whose files say not who wins.
function unanswered() {
  return data.runs.filter((run) => run.unanswered).map((run) =>
    el("p", {class: "hint"}, severalRuns ? `${run.name}: ` : "", run.unanswered));
}

function memoryAnswers() {
  return data.memory_answers.length === 0 ? [] : [el("div", {class: "answer"},
    el("h3", null, el("a", {href: "#memory"}, "host memory")),
    el("div", null, data.memory_answers.map((text) => el("p", null, prose(text)))))];
}

/// What the run says of its own noise.
function findings() {
  return data.runs.flatMap((run) => run.findings.map((text) =>
    el("p", {class: "alarm"}, severalRuns ? `${run.name}: ` : "", text)));
}

function alarms() {
  return data.runs.filter((run) => !run.complete || run.failed > 0).map((run) =>
    el("p", {class: "alarm"}, severalRuns ? `${run.name}: ` : "",
      run.complete ? "" : `INCOMPLETE RUN (${run.incomplete_reason}): what follows is what was `
        + "finished. ",
      run.failed > 0 ? `${plural(run.failed, "case")} FAILED.` : ""));
}

function contents(sections) {
  const links = sections.map(({root}) => root.id);
  byId("contents").append(el("ul", null, ["answer", ...links, "words"].map((id) =>
    el("li", null, el("a", {href: `#${id}`}, id.replace(/^workload-/, ""))))));
}

function start() {
  startTheme();
  byId("machine").append(...data.machine.map((line) => el("p", null, line)),
    el("p", {class: "hint"},
      `${plural(cases.length, "case")} of ${plural(data.runs.length, "run")}: `,
      data.runs.map((run) => `${run.name} (${run.started_at.slice(0, 10)})`).join(", ")));
  byId("answers").append(...alarms(), ...findings(), ...unanswered(),
    ...data.sections.filter((section) => section.answers.length > 0).map(answersOf),
    ...memoryAnswers());
  if (cases.length === 0 && data.memory_answers.length === 0) {
    byId("answers").append(el("p", null, "No case was measured: what was skipped stands below."));
  }
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
