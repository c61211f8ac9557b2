import type { Message } from "@zephyr/data";
import type { AlignEvent, RatedAnswer, Sample, StageName } from "./align.ts";
import { createChart } from "./chart.ts";

type Outcome = "finished" | "stopped" | "failed";

/** The page as the recipe sees it. Text of the model goes in as text, never as markup. */
export interface Page {
  onStart(listener: () => void): void;
  onStop(listener: () => void): void;
  /** Says why there is no WebGPU and how to get it. */
  missing(reason: string): void;
  begin(): void;
  adapter(description: string): void;
  show(event: AlignEvent): void;
  end(outcome: Outcome, error?: unknown): void;
}

const STAGES: Readonly<Record<StageName, { title: string; what: string }>> = {
  dSFT: { title: "dSFT", what: "learns to answer from the teacher's dialogues" },
  answers: { title: "Feedback", what: "answers each question four times; rules rate every answer" },
  pairs: { title: "Binarize", what: "the best answer is chosen, a random other is rejected" },
  dDPO: { title: "dDPO", what: "learns to prefer the chosen answers" },
  result: { title: "Result", what: "answers questions that it never saw" },
};

const CHARTS: readonly { stage: "dSFT" | "dDPO"; key: string; title: string; note: string; include?: number[] }[] = [
  { stage: "dSFT", key: "loss", title: "dSFT loss", note: "Nats per token of the teacher's answers." },
  { stage: "dDPO", key: "loss", title: "dDPO loss", note: "Begins at log 2 = 0.693, where policy and reference are one model." },
  {
    stage: "dDPO",
    key: "rewards/margins",
    title: "Reward margin",
    note: "Implicit reward of the chosen answer minus that of the rejected one.",
    include: [0],
  },
  {
    stage: "dDPO",
    key: "rewards/accuracies",
    title: "Reward accuracy",
    note: "Share of the pairs whose chosen answer has the higher reward.",
    include: [0, 1],
  },
];

const SHOWN_SAMPLES = 8;

/** Fills the page with its empty stages and charts. */
export function openPage(): Page {
  const [start, stop, status] = [button("start"), button("stop"), byId("status")];
  const stages = new Map(Object.keys(STAGES).map((name) => [name as StageName, stageItem(name as StageName)]));
  byId("stages").replaceChildren(...[...stages.values()].map(({ item }) => item));
  const charts = CHARTS.map((options) => ({ ...options, chart: createChart(options) }));
  byId("charts").replaceChildren(...charts.map(({ chart }) => chart.element));
  let began = 0;
  let adapter = "";
  const state = (name: string): void => {
    document.body.dataset["state"] = name;
  };
  const ready = (): void => {
    start.disabled = false;
    status.textContent = "Ready. It takes seconds on a GPU, a minute or two on a processor.";
    state("ready");
  };
  return {
    onStart(listener) {
      start.addEventListener("click", listener);
      ready();
    },
    onStop(listener) {
      stop.addEventListener("click", () => {
        status.textContent = "Stopping.";
        listener();
      });
    },
    missing(reason) {
      status.textContent = `Nothing can be trained here: this browser offers no WebGPU. ${reason}`;
      byId("missing-reason").textContent = reason;
      byId("missing").hidden = false;
      state("missing");
    },
    begin() {
      began = performance.now();
      for (const { chart } of charts) chart.clear();
      for (const stage of stages.values()) stage.update(0, 0);
      for (const id of ["pair", "samples"]) byId(id).hidden = true;
      start.disabled = true;
      stop.hidden = false;
      status.textContent = "Starting: compiling the kernels.";
      state("running");
    },
    adapter(description) {
      adapter = description;
    },
    show(event) {
      if (event.kind === "stage") stages.get(event.stage)!.update(event.done, event.total);
      if (event.kind === "pair") showPair(event, stages.get("pairs")!);
      if (event.kind === "samples") showSamples(event.samples);
      if (event.kind !== "step") return;
      // For scripts of the reader's own: every step with all its metrics, under TRL's names.
      document.dispatchEvent(new CustomEvent("zephyr-step", { detail: { stage: event.stage, ...event.step } }));
      const { step, totalSteps, metrics } = event.step;
      status.textContent = `${event.stage}, step ${step} of ${totalSteps}, ${seconds(performance.now() - began)} so far, on ${adapter}.`;
      for (const { stage, key, chart } of charts) if (stage === event.stage) chart.add(step, metrics[key]!);
    },
    end(outcome, error) {
      stop.hidden = true;
      start.disabled = false;
      start.textContent = "Align it again";
      const time = seconds(performance.now() - began);
      const said = {
        finished: `Done in ${time} on ${adapter}.`,
        stopped: `Stopped after ${time}. Nothing is kept.`,
        failed: `It failed after ${time}: ${error instanceof Error ? error.message : String(error)}`,
      };
      status.textContent = said[outcome];
      state(outcome);
    },
  };
}

interface StageItem {
  item: HTMLElement;
  update(done: number, total: number): void;
}

function stageItem(name: StageName): StageItem {
  const { title, what } = STAGES[name];
  const bar = element("progress", { "aria-label": `${title}: progress`, max: "1", value: "0" }) as HTMLProgressElement;
  const count = element("span", { class: "count" });
  const item = element("li", {}, element("b", {}, title), element("span", { class: "what" }, what), bar, count);
  return {
    item,
    update(done, total) {
      bar.value = total === 0 ? 0 : done / total;
      count.textContent = total > 1 ? `${done}/${total}` : "";
      item.dataset["state"] = total === 0 ? "waiting" : done < total ? "running" : "done";
    },
  };
}

function showPair({ pair, pairs, prompts }: AlignEvent & { kind: "pair" }, stage: StageItem): void {
  stage.update(pairs, pairs);
  const { prompt, chosen, rejected, score_chosen, score_rejected } = pair;
  byId("pair-note").textContent =
    `${pairs} of ${prompts} questions gave a pair; in the others the two answers were rated alike. This pair lies furthest apart.`;
  byId("pair-prompt").textContent = textOf(prompt);
  for (const [name, messages, score] of [
    ["chosen", chosen, score_chosen],
    ["rejected", rejected, score_rejected],
  ] as const) {
    byId(name).textContent = textOf(messages);
    byId(`${name}-score`).textContent = `${score} of 5`;
  }
  byId("pair").hidden = false;
}

function showSamples(samples: readonly Sample[]): void {
  const mean = (answers: (RatedAnswer | undefined)[]): string =>
    (answers.reduce((sum, answer) => sum + answer!.rating, 0) / answers.length).toFixed(2);
  const isWhole = samples.every(({ after }) => after !== undefined);
  const before = `Mean rating of ${samples.length} answers: ${mean(samples.map((sample) => sample.before))} after dSFT`;
  byId("samples-note").textContent = isWhole
    ? `${before}, ${mean(samples.map(({ after }) => after))} after dDPO (1 is worst, 5 is best). Changed answers come first.`
    : `${before} (1 is worst, 5 is best). The answers after dDPO follow.`;
  const changed = samples.filter(({ before, after }) => after !== undefined && after.content !== before.content);
  const shown = [...changed, ...samples.filter((sample) => !changed.includes(sample))].slice(0, SHOWN_SAMPLES);
  byId("answers").replaceChildren(...shown.map(sampleArticle));
  byId("samples").hidden = false;
}

function sampleArticle({ prompt, before, after }: Sample): HTMLElement {
  const answer = (title: string, rated: RatedAnswer | undefined): HTMLElement =>
    element(
      "div",
      {},
      element("h4", {}, title, element("span", { class: "score" }, rated ? `${rated.rating} of 5` : "")),
      element("p", { class: "text" }, rated?.content ?? "…"),
    );
  const both = element("div", { class: "pair" }, answer("after dSFT", before), answer("after dDPO", after));
  return element("article", {}, element("h3", { class: "text" }, textOf(prompt)), both);
}

const textOf = (turns: string | readonly Message[]): string =>
  typeof turns === "string" ? turns : turns.map(({ content }) => content).join("\n");

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(0)} s`;

function element(name: string, attributes: Record<string, string>, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`page: index.html has no element with the id ${id}`);
  return found;
}

const button = (id: string): HTMLButtonElement => byId(id) as HTMLButtonElement;
