// Keeps the page up to date, for as long as it is open.

import { asRate, asTime, chart } from "./chart.js";
import { showNow } from "./figures.js";
import { hearOfLetters, nameTasks, prepareLetters } from "./letters.js";
import { showRequests } from "./requests.js";
import { hasToken, setToken, stream, takeTokenFromLink } from "./server.js";
import { byId, setText, show } from "./text.js";
import { loadTasks, prepareTrial } from "./trial.js";

const PAUSE_MS = 2000;

let listening = null;

async function reloadTasks() {
  nameTasks(await loadTasks());
}

const drawRate = chart(byId("rate-chart"), { columns: [0], format: asRate, name: "Requests ended a second", isFilled: true });
const drawLatency = chart(byId("latency-chart"), { columns: [1, 2], format: asTime, name: "Half of the requests ended within" });
prepareTrial(reloadTasks);
prepareLetters();
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(byId("token").value.trim());
  byId("token").value = "";
  live();
});
// A link with another token, opened in the same tab, does not load the page again.
addEventListener("hashchange", () => {
  takeTokenFromLink();
  location.reload();
});
// A browser has six connections to a server for all its tabs: one that nobody looks at leaves its own to the others.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) listening?.abort();
});
takeTokenFromLink();
if (hasToken()) live();
else askForToken("");

async function live() {
  let isFirst = true;
  for (;;) {
    if (document.hidden) await untilVisible();
    listening = new AbortController();
    try {
      for await (const [, frame] of stream("api/live", { signal: listening.signal })) {
        setConnection("Live", true);
        if (isFirst) {
          isFirst = false;
          show(byId("token-form"), false);
          show(byId("main"), true);
          reloadTasks();
        }
        showFrame(frame);
      }
      setConnection("The server has ended; trying again …", false);
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (error.status === 401) {
        askForToken(error.message);
        return;
      }
      setConnection(error.status ? `${error.message}; trying again …` : "The server does not answer; trying again …", false);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function untilVisible() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

function showFrame(frame) {
  showNow(frame);
  showRequests(frame);
  drawRate(frame.history);
  drawLatency(frame.history);
  hearOfLetters(frame);
}

function askForToken(complaint) {
  show(byId("main"), false);
  show(byId("token-form"), true);
  setText(byId("token-error"), complaint);
  setConnection("Not connected", false);
  byId("token").focus();
}

function setConnection(text, isLive) {
  setText(byId("connection"), text);
  byId("connection").classList.toggle("live", isLive);
}
