// The table of requests. A row stays the same element as long as its request is shown, so that the focus stays too.

import { postText } from "./server.js";
import { button, byId, count, element, seconds, setText, show, userOf } from "./text.js";

const rows = new Map();
let clock = null;

export function showRequests(frame) {
  const heardAt = performance.now() / 1000;
  const body = byId("requests").tBodies[0];
  const shown = new Set();
  let previous = null;
  frame.requests.forEach((request, index) => {
    const key = request.task_id === "error" ? `refused ${frame.requests.length - index}` : request.task_id;
    shown.add(key);
    const row = rows.get(key) ?? makeRow(key);
    row.update(request, heardAt);
    const place = previous ? previous.nextSibling : body.firstChild;
    if (row.line !== place) body.insertBefore(row.line, place);
    previous = row.line;
  });
  for (const [key, row] of rows) {
    if (!shown.has(key)) {
      row.line.remove();
      rows.delete(key);
    }
  }
  show(byId("no-requests"), !frame.requests.length);
  show(byId("requests"), frame.requests.length > 0);
  setText(byId("requests-note"), frame.not_shown ? `and ${count(frame.not_shown, "more", "more")} not shown` : "");
  clock ??= setInterval(tick, 100);
}

// Between two frames the times of those that wait or run go on.
function tick() {
  const now = performance.now() / 1000;
  for (const row of rows.values()) row.tick(now);
}

function makeRow(key) {
  const task = element("td.task.wide");
  const user = element("td.user.half");
  const id = element("td.id.half");
  const state = element("span.state");
  const bar = element("progress");
  const what = element("p.what");
  const waited = labelled("Waited");
  const ran = labelled("Ran");
  const attempt = labelled("Attempt");
  const actions = element("td.actions.wide");
  const line = element("tr", task, user, id, element("td.state-cell.wide", state, bar, what), waited, ran, attempt, actions);
  let request = null;
  let heardAt = 0;

  function tick(now) {
    const passed = request.is_over ? 0 : now - heardAt;
    setText(waited, seconds(request.waited_s === null ? null : request.waited_s + (request.is_running ? 0 : passed)));
    setText(ran, seconds(request.ran_s === null ? null : request.ran_s + passed));
  }

  const row = {
    line,
    tick,
    update(newest, at) {
      request = newest;
      heardAt = at;
      setText(task, request.task_type ?? "(unreadable)");
      setText(user, userOf(request));
      setText(id, request.request_id ?? request.task_id);
      id.title = `request ${request.request_id ?? "without an id"}, task ${request.task_id}`;
      setText(state, request.state);
      state.className = `state ${request.state}`;
      show(bar, request.is_running && request.share !== null);
      if (request.share !== null) bar.value = request.share;
      bar.ariaLabel = `Progress of ${request.task_type}`;
      setText(what, request.error ?? (request.is_over ? "" : request.message) ?? "");
      what.className = request.error ? "what error" : "what";
      setText(attempt, request.attempt > 1 || !request.is_over ? String(request.attempt ?? "") : "1");
      line.className = request.is_over ? "over" : "";
      showCancel(actions, request);
      tick(at);
    },
  };
  rows.set(key, row);
  return row;
}

function showCancel(actions, request) {
  // A user id that is too long to be sent here whole names nobody.
  if (request.is_over || request.user_id_json === null) {
    actions.replaceChildren();
  } else if (!actions.firstChild) {
    // Put together as text: a user id may be a number that is too long for a browser.
    const body = `{"user_id":${request.user_id_json},"task_id":${JSON.stringify(request.task_id)}}`;
    const made = button("Cancel", async () => {
      made.disabled = true;
      try {
        await postText("api/cancellations", body);
        setText(made, "Asked for");
      } catch (error) {
        setText(made, "Cancel");
        made.disabled = false;
        byId("requests-note").textContent = `Not cancelled: ${error.message}`;
      }
    });
    made.ariaLabel = `Cancel ${request.task_type} of ${userOf(request)}`;
    actions.append(made);
  }
}

function labelled(name) {
  const cell = element("td.number");
  cell.dataset.label = name;
  return cell;
}
