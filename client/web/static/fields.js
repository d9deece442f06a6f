// A field of a form for each parameter of a task, made of its JSON schema.

import { element } from "./text.js";

// Returns the fields; each has a `node`, and `json()`: its value as JSON, or null when it is left out.
// It throws when what was typed is no JSON where that is needed.
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const kind = resolve(property, schema.$defs ?? {});
    return { name, ...field(name, { ...property, ...kind }, required.has(name)) };
  });
}

// What stands behind a reference; of several kinds the first that is not null.
function resolve(property, definitions) {
  if (property.$ref) return resolve(definitions[property.$ref.split("/").at(-1)] ?? {}, definitions);
  const kinds = (property.anyOf ?? property.oneOf ?? []).filter(({ type }) => type !== "null");
  if (kinds.length) return resolve(kinds[0], definitions);
  if (property.allOf?.length === 1) return resolve(property.allOf[0], definitions);
  return property;
}

function field(name, kind, isRequired) {
  const id = `field-${name}`;
  const make = kind.enum ? choice : { boolean: check, integer: numeric, number: numeric, string: text }[kind.type] ?? json;
  const { input, json: read } = make(kind, isRequired);
  input.id = id;
  const label = element("label", name, isRequired ? "" : " (optional)");
  label.htmlFor = id;
  const isCheck = input.type === "checkbox";
  const node = isCheck ? element("div.check", input, label) : element("div", label, input);
  const words = kind.description ?? limits(kind);
  if (words) {
    const note = element("p.note", words);
    note.id = `${id}-note`;
    input.setAttribute("aria-describedby", note.id);
    node.append(note);
  }
  return { node, json: read };
}

function limits({ type, minimum, maximum, minItems, maxItems }) {
  const [least, most, what] = type === "array" ? [minItems, maxItems, " items"] : [minimum, maximum, ""];
  // The bounds of a 64-bit number tell nobody anything.
  const tells = (bound) => bound !== undefined && Math.abs(bound) < 2 ** 53;
  const write = (bound) => bound.toLocaleString("en");
  if (tells(least) && tells(most)) return `${write(least)} to ${write(most)}${what}`;
  if (tells(least)) return `at least ${write(least)}${what}`;
  return tells(most) ? `at most ${write(most)}${what}` : "";
}

function text({ default: preset, examples, minLength, maxLength, format }, isRequired) {
  const isLong = maxLength === undefined ? !format : maxLength > 200;
  const input = element(isLong ? "textarea" : "input");
  if (isLong) input.rows = 2;
  if (maxLength !== undefined) input.maxLength = maxLength;
  if (minLength && isRequired) input.required = true;
  preselect(input, preset, examples, (value) => value);
  return { input, json: () => (input.value || (isRequired && !minLength) ? JSON.stringify(input.value) : null) };
}

function numeric({ type, default: preset, examples, minimum, maximum }, isRequired) {
  const input = element("input");
  input.inputMode = type === "integer" ? "numeric" : "decimal";
  input.required = isRequired;
  // Not type="number": that loses the last digits of long numbers, and says nothing of what it cannot read.
  input.pattern = type === "integer" ? "\\s*-?[0-9]+\\s*" : "\\s*-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\s*";
  input.title = type === "integer" ? "A whole number" : "A number, such as 1.5";
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const isOutside = input.value.trim() !== "" && (value < minimum || value > maximum);
    input.setCustomValidity(isOutside ? limits({ minimum, maximum }) || "This number is too large" : "");
  });
  preselect(input, preset, examples, String);
  // As it was typed, but for zeros in front, which JSON has not.
  return { input, json: () => input.value.trim().replace(/^(-?)0+(?=\d)/, "$1") || null };
}

function check({ default: preset }) {
  const input = element("input");
  input.type = "checkbox";
  input.checked = preset === true;
  return { input, json: () => String(input.checked) };
}

function choice({ enum: values, default: preset }, isRequired) {
  const input = element("select");
  if (!isRequired) input.append(new Option("", ""));
  values.forEach((value, index) => input.append(new Option(String(value), String(index), false, value === preset)));
  return { input, json: () => (input.value === "" ? null : JSON.stringify(values[Number(input.value)])) };
}

function json({ default: preset, examples }, isRequired) {
  const input = element("textarea.json");
  input.required = isRequired;
  input.spellcheck = false;
  input.placeholder = "JSON";
  preselect(input, preset ?? undefined, examples, (value) => JSON.stringify(value));
  input.addEventListener("input", () => input.setCustomValidity(isJson(input.value) ? "" : "This is no JSON"));
  return { input, json: () => input.value.trim() || null };
}

function preselect(input, preset, examples, write) {
  if (preset !== undefined && preset !== null) input.value = write(preset);
  else if (examples?.length) input.placeholder = `such as ${write(examples[0])}`;
}

function isJson(text) {
  if (text.trim() === "") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
