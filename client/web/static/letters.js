// The dead letters, and what may be done about them.

import { get, post } from "./server.js";
import { button, byId, element, number, setText, show, since, userOf } from "./text.js";

const PAGE = 50;
let skipped = 0;
let shownKept = null;
let shownText = null;
let lastLook = null;

export function prepareLetters() {
  byId("letters-task").addEventListener("change", () => turnTo(0));
  byId("newer").addEventListener("click", () => turnTo(Math.max(0, skipped - PAGE)));
  byId("older").addEventListener("click", () => turnTo(skipped + PAGE));
  byId("retry-all").addEventListener("click", () => act("retry", all()));
  byId("purge-all").addEventListener("click", async () => {
    const task = byId("letters-task").value;
    if (await isSure(`Remove all dead letters${task ? ` of ${task}` : ""} for good?`)) act("purge", all());
  });
}

export function nameTasks(names) {
  const select = byId("letters-task");
  const before = select.value;
  select.replaceChildren(new Option("All tasks", ""), ...names.map((name) => new Option(name, name, false, name === before)));
}

// The list is read anew when a look at the queues finds another number of them than it shows.
export function hearOfLetters({ status, looks }) {
  for (const cell of document.querySelectorAll("[data-died]")) setText(cell, since(cell.dataset.died));
  if (!status || looks === lastLook) return;
  lastLook = looks;
  if (status.queues.reduce((total, queue) => total + queue.dead, 0) !== shownKept) load();
}

function turnTo(newSkipped) {
  skipped = newSkipped;
  load();
}

async function load() {
  try {
    const query = new URLSearchParams({ skip: skipped });
    if (byId("letters-task").value) query.set("task_type", byId("letters-task").value);
    showLetters(await get(`api/dead-letters?${query}`));
  } catch (error) {
    setText(byId("letters-note"), `Not read: ${error.message}`);
  }
}

function showLetters({ total, kept, letters, has_more }) {
  shownKept = kept;
  const text = JSON.stringify([letters, has_more, total, kept]);
  if (text === shownText) return;
  shownText = text;
  const open = new Set([...document.querySelectorAll("#letters .details")].map((row) => row.dataset.id));
  const focused = document.activeElement?.dataset?.keep;
  byId("letters").tBodies[0].replaceChildren(...letters.map(letterRow));
  for (const letter of letters) if (open.has(letter.id)) toggle(rowOf(letter.id), letter.id);
  // The list is made anew, and whoever is at one of its buttons stays there.
  if (focused) document.querySelector(`[data-keep="${CSS.escape(focused)}"]`)?.focus();
  const count = total === kept ? number(kept) : `${number(total)} of ${number(kept)}`;
  setText(byId("letters-note"), kept ? `${count} kept, each for a week` : "");
  show(byId("letters"), letters.length > 0);
  show(byId("no-letters"), !kept);
  show(byId("pages"), skipped > 0 || has_more);
  byId("newer").disabled = skipped === 0;
  byId("older").disabled = !has_more;
  byId("retry-all").disabled = byId("purge-all").disabled = !letters.length;
}

function letterRow(letter) {
  const name = letter.task_type ?? "(unreadable)";
  const details = button("Details", () => toggle(row, letter.id));
  details.ariaExpanded = "false";
  const retry = button("Retry", () => act("retry", { ids: [letter.id] }));
  const purge = button("Purge", async () => {
    if (await isSure(`Remove this dead letter of ${name} for good?`)) act("purge", { ids: [letter.id] });
  }, "danger");
  for (const made of [details, retry, purge]) {
    made.dataset.keep = `${made.textContent} ${letter.id}`;
    made.ariaLabel = `${made.textContent} ${name}, ${letter.id}`;
  }
  const died = element("td.wide", since(letter.died_at));
  died.title = died.dataset.died = letter.died_at;
  const attempts = element("td.number", letter.attempts === null ? "" : String(letter.attempts));
  attempts.dataset.label = "Attempts";
  const user = element("td", userOf(letter));
  user.dataset.label = "User";
  const reason = element("td.wide", element("span", letter.error), element("p.what", letter.error_code ?? ""));
  const row = element("tr", element("td.wide", name), reason, user, attempts, died, element("td.actions.wide", details, retry, purge));
  row.dataset.letter = letter.id;
  return row;
}

function rowOf(id) {
  return document.querySelector(`[data-letter="${CSS.escape(id)}"]`);
}

async function toggle(row, id) {
  const isOpen = row.nextSibling?.dataset?.id === id;
  row.querySelector("button").ariaExpanded = String(!isOpen);
  if (isOpen) {
    row.nextSibling.remove();
    return;
  }
  const text = element("pre", "…");
  text.tabIndex = 0;
  const cell = element("td.wide", text);
  cell.colSpan = 6;
  const details = element("tr.details", cell);
  details.dataset.id = id;
  row.after(details);
  try {
    const letter = await get(`api/dead-letters/${encodeURIComponent(id)}`);
    const parameters = letter.data ?? letter.parameters_json;
    const ids = [`task_id ${letter.id}`, letter.request_id && `request_id ${letter.request_id}`, `queue ${letter.queue}`];
    setText(text, [ids.filter(Boolean).join("\n"), parameters, letter.traceback].filter(Boolean).join("\n\n"));
  } catch (error) {
    setText(text, `Not read: ${error.message}`);
  }
}

function all() {
  return { every: true, task_type: byId("letters-task").value || null };
}

async function act(what, chosen) {
  try {
    await post(`api/dead-letters/${what}`, chosen);
  } catch (error) {
    setText(byId("letters-note"), `Not done: ${error.message}`);
    return;
  }
  await load();
}

function isSure(text) {
  const dialog = byId("question");
  setText(byId("question-text"), text);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
