// Elements and words. Whatever comes from outside becomes text here, never markup.

export const byId = (id) => document.getElementById(id);

// element("p.note", "text", otherElement, ...)
export function element(tagAndClasses, ...content) {
  const [tag, ...classes] = tagAndClasses.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  made.append(...content.filter((part) => part !== null && part !== undefined));
  return made;
}

export function button(text, onClick, ...classes) {
  const made = element(["button", ...classes].join("."), text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// Writes only what has changed: a selection and the focus stay where they are.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 0.00005) return "0 ms";
  if (value < 0.01) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
}

export function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

export function count(amount, one, many) {
  return `${number(amount)} ${amount === 1 ? one : many}`;
}

export function since(isoTime) {
  const passed = Math.max(0, (Date.now() - Date.parse(isoTime)) / 1000);
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([s]) => passed >= s) ?? [1, "second"];
  return `${count(Math.floor(passed / size), unit, `${unit}s`)} ago`;
}

export function show(node, isShown) {
  node.hidden = !isShown;
}

// A user id may be a number that is too long for a browser.
export function userOf({ user_id, user_id_json }) {
  return typeof user_id === "number" ? user_id_json : user_id ?? "(nobody)";
}
