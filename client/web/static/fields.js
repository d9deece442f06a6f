// A field of a form for each parameter of a task, made of its JSON schema.

import { element } from "./text.js";

// Returns the fields; each has a `node`, and `json()`: its value as JSON, or null when it is left out.
// It throws when what was typed is no JSON where that is needed.
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isRequired = required.has(name);
    const kind = kindOf(property, schema.$defs ?? {}, isRequired);
    return { name, ...field(name, { ...property, ...kind }, isRequired) };
  });
}

// The one kind that a value can have. Where all values can be counted they are an `enum`; of what may be of several
// kinds nothing is known.
function kindOf(property, definitions, isRequired) {
  // Who leaves it out says null already, where that is the default.
  const isNullAnyway = !isRequired && (property.default ?? null) === null;
  const all = kindsOf(property, definitions).filter(({ type }) => type !== "null" || !isNullAnyway);
  const kinds = all.some(isNumber) ? all.filter((kind) => !isSpelledNumber(kind)) : all;
  const only = kinds.length === 1 ? kinds[0] : {};
  // A box is checked or not: there is no third, for what is left out.
  if (only.type === "boolean" && (isRequired || typeof property.default === "boolean")) return only;
  const values = kinds.map(valuesOf);
  return values.every(Boolean) ? { ...only, enum: values.flat() } : only;
}

// The alternatives behind references.
function kindsOf(schema, definitions) {
  if (schema.$ref) return kindsOf(definitions[schema.$ref.split("/").at(-1)] ?? {}, definitions);
  const parts = schema.anyOf ?? schema.oneOf ?? (schema.allOf?.length === 1 ? schema.allOf : null);
  return parts ? parts.flatMap((part) => kindsOf(part, definitions)) : [schema];
}

function isNumber({ type }) {
  return type === "integer" || type === "number";
}

// Strings of digits: where a number may be sent as well, the number is.
function isSpelledNumber({ type, pattern }) {
  if (type !== "string" || pattern === undefined) return false;
  try {
    const expression = new RegExp(pattern);
    return expression.test("1") && !expression.test("x");
  } catch {
    return false; // an expression of another language
  }
}

// All values of a kind, where they can be counted.
function valuesOf(kind) {
  if (kind.const !== undefined) return [kind.const];
  return kind.enum ?? { boolean: [true, false], null: [null] }[kind.type];
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
  // Left out, it would be the default again, which somebody has removed.
  const maySendEmpty = !minLength && (isRequired || (typeof preset === "string" && !format));
  return { input, json: () => (input.value || maySendEmpty ? JSON.stringify(input.value) : null) };
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
  const write = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  values.forEach((value, index) => input.append(new Option(write(value), String(index), false, value === preset)));
  return { input, json: () => (input.value === "" ? null : JSON.stringify(values[Number(input.value)])) };
}

function json({ default: preset, examples }, isRequired) {
  const input = element("textarea.json");
  input.required = isRequired;
  input.spellcheck = false;
  input.placeholder = "JSON";
  preselect(input, preset ?? undefined, examples, (value) => JSON.stringify(value));
  input.addEventListener("input", () => input.setCustomValidity(isJson(input.value) ? "" : "This is no JSON: a text stands in quotes"));
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
