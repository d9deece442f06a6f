// The figures of now, the processes and what is wrong.

import { byId, count, element, number, seconds, setText, show } from "./text.js";

const figures = new Map();

export function showNow(frame) {
  const { status, problems } = frame;
  const sum = (name) => (status ? status.queues.reduce((total, queue) => total + queue[name], 0) : null);
  setFigure("On their way", number(frame.active));
  setFigure("Ended a second", number(frame.rate_per_s));
  setFigure("Half within", milliseconds(frame.median_ms));
  setFigure("95 % within", milliseconds(frame.p95_ms));
  setFigure("Waiting", optional(sum("waiting")));
  setFigure("Delayed", optional(sum("delayed")));
  setFigure("Dead letters", optional(sum("dead")), sum("dead") > 0);
  byId("processes").replaceChildren(...(status ? processes(status) : []).map((text) => element("span", text)));
  setText(byId("place"), frame.redis);
  showProblems(problems);
}

function setFigure(name, value, isAlarming = false) {
  if (!figures.has(name)) {
    const shown = element("dd");
    const figure = element("div", element("dt", name), shown);
    figures.set(name, { figure, shown });
    byId("figures").append(figure);
  }
  const { figure, shown } = figures.get(name);
  setText(shown, value);
  figure.classList.toggle("alarming", isAlarming);
}

function processes({ queues, workers, ingresses, schedulers, stream, memory }) {
  const leader = ingresses.find((ingress) => ingress.leads);
  const own = workers.filter((worker) => worker.role === "worker");
  const alive = own.filter((worker) => worker.alive).length;
  const lost = own.length - alive;
  const parts = [
    leader ? `Ingress ${leader.host ?? "unknown"} (pid ${leader.pid ?? "?"}) holds the lease` : "No ingress holds the lease",
    `${number(ingresses.length - (leader ? 1 : 0))} on standby`,
    count(alive, "worker process", "worker processes") + (lost ? `, ${number(lost)} lost` : ""),
    count(schedulers.length, "scheduler", "schedulers"),
    `stream: ${number(stream.lag)} unread, ${number(stream.pending)} being taken in`,
    `Redis ${number(memory.used_bytes / 2 ** 20)} MiB`,
  ];
  if (queues.length > 1) {
    parts.push(...queues.map(({ name, waiting, in_hand }) => `queue ${name}: ${number(waiting + in_hand)}`));
  }
  return parts;
}

function showProblems(problems) {
  const list = byId("problems");
  const text = problems.join("\n");
  show(list, problems.length > 0);
  // Written only when they change, or a screen reader would read them out each time.
  if (list.dataset.shown !== text) {
    list.dataset.shown = text;
    list.replaceChildren(...problems.map((problem) => element("li", problem[0].toUpperCase() + problem.slice(1))));
  }
}

function optional(value) {
  return value === null ? "–" : number(value);
}

function milliseconds(value) {
  return value === null ? "–" : seconds(value / 1000);
}
