// The form to try a task with, and what came of it.

import { fieldsOf } from "./fields.js";
import { get, post, stream } from "./server.js";
import { byId, element, number, seconds, setText, show } from "./text.js";

const WORDS = {
  accepted: "Accepted, and waiting for a worker",
  started: "Running",
  completed: "Completed",
  error: "Ended with an error",
  cancelled: "Cancelled",
};

let tasks = [];
let fields = [];
let current = null;

// Returns the names of the tasks.
export async function loadTasks() {
  try {
    ({ tasks } = await get("api/tasks"));
    setText(byId("trial-error"), "");
  } catch (error) {
    setText(byId("trial-error"), `The tasks are not known: ${error.message}`);
    return [];
  }
  // Those of Callboard itself stand last.
  tasks.sort((a, b) => a.name.startsWith("callboard.") - b.name.startsWith("callboard.") || a.name.localeCompare(b.name));
  const before = byId("task").value;
  byId("task").replaceChildren(...tasks.map(({ name }) => new Option(name, name, false, name === before)));
  if (byId("task").value !== before || !fields.length) showTask();
  return tasks.map(({ name }) => name);
}

export function prepareTrial(reload) {
  byId("task").addEventListener("change", showTask);
  byId("reload-tasks").addEventListener("click", reload);
  byId("trial").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  byId("cancel-trial").addEventListener("click", cancel);
}

function showTask() {
  const task = tasks.find(({ name }) => name === byId("task").value);
  fields = task ? fieldsOf(task.parameters) : [];
  setText(byId("task-description"), task?.description ?? "");
  byId("fields").replaceChildren(...fields.map(({ node }) => node));
  setText(byId("trial-error"), "");
}

async function send() {
  // Put together as text: a number stays as it was typed, however long it is.
  const parameters = fields.map(({ name, json }) => [name, json()]).filter(([, value]) => value !== null);
  const members = parameters.map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  const body = `{"task_type":${JSON.stringify(byId("task").value)},"parameters":{${members.join(",")}}}`;
  byId("send").disabled = true;
  setText(byId("trial-error"), "");
  show(byId("outcome"), true);
  show(byId("outcome-result"), false);
  show(byId("outcome-progress"), false);
  setState("Sending …");
  try {
    for await (const [kind, content] of stream("api/requests", { method: "POST", body })) {
      if (kind === "event") showEvent(content);
      else if (kind === "outcome") showOutcome(content);
      else if (kind === "result") showResult(content.text);
      else throw new Error(content.error);
    }
  } catch (error) {
    setState("Not performed, as far as is known", "error");
    setText(byId("trial-error"), error.message);
  } finally {
    current = null;
    byId("send").disabled = false;
    show(byId("cancel-trial"), false);
    show(byId("outcome-progress"), false);
  }
}

function showEvent(event) {
  current = event;
  show(byId("cancel-trial"), true);
  byId("cancel-trial").disabled = false;
  if (event.event === "progress") {
    const bar = byId("outcome-progress");
    show(bar, Boolean(event.total));
    if (event.total) bar.value = event.done / event.total;
    const share = event.total ? `${number((100 * event.done) / event.total)} %` : number(event.done ?? 0);
    setState(`Running: ${share}${event.message ? `, ${event.message}` : ""}`);
  } else if (event.event === "retrying") {
    setState(`Attempt ${event.attempt} failed: ${event.error}. It is tried again.`, "retrying");
  } else {
    setState(WORDS[event.event] ?? event.event, event.event);
  }
}

function showOutcome(outcome) {
  const isGood = outcome.status === "completed";
  const took = outcome.duration_ms === undefined ? "" : ` in ${seconds(outcome.duration_ms / 1000)}`;
  setState(isGood ? `Completed${took}` : `Error: ${outcome.error_code}`, isGood ? "completed" : "error");
  if (!isGood) showResult(outcome.error);
}

function showResult(text) {
  if (!text) return;
  setText(byId("outcome-result"), text);
  show(byId("outcome-result"), true);
}

function setState(text, kind = "") {
  byId("outcome-state").replaceChildren(element(kind ? `span.state.${kind}` : "span.state", text));
}

async function cancel() {
  if (!current) return;
  byId("cancel-trial").disabled = true;
  try {
    await post("api/cancellations", { user_id: current.user_id, task_id: current.task_id });
  } catch (error) {
    setText(byId("trial-error"), `Not cancelled: ${error.message}`);
  }
}
