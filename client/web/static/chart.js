// Lines over the last minutes, drawn as SVG.

import { number, seconds } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 52;
const BOTTOM = 20;
const TOP = 6;

// `columns` are those of a sample that are drawn, each with a class of its own; `format` writes a value.
export function chart(place, { columns, format, name, isFilled = false }) {
  let last = null;

  function draw() {
    if (!last) return;
    const { step_s, most, samples } = last;
    const width = place.clientWidth;
    const height = place.clientHeight;
    const highest = Math.max(0, ...samples.flatMap((sample) => columns.map((column) => sample[column] ?? 0)));
    const top = niceAbove(highest);
    const x = (index) => LEFT + ((width - LEFT) * (most - samples.length + index)) / (most - 1);
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / top);
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": describe(samples, highest) });
    for (const value of [0, top / 2, top]) {
      svg.append(node("line", { class: "grid", x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
      svg.append(label(format(value), LEFT - 8, y(value) + 4, "end"));
    }
    svg.append(label(`${Math.round((step_s * most) / 60)} min ago`, LEFT, height - 4, "start"));
    svg.append(label("now", width, height - 4, "end"));
    columns.forEach((column, index) => {
      for (const points of unbroken(samples, column)) {
        const line = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
        if (isFilled) {
          const [first, final] = [x(points[0][0]).toFixed(1), x(points.at(-1)[0]).toFixed(1)];
          svg.append(node("path", { class: "area", d: `M${first},${y(0)}L${line.join("L")}L${final},${y(0)}Z` }));
        }
        svg.append(node("path", { class: ["first", "second"][index], d: `M${line.join("L")}` }));
      }
    });
    place.replaceChildren(svg);
  }

  function describe(samples, highest) {
    const latest = samples.at(-1)?.[columns[0]];
    if (latest === undefined || latest === null) return `${name}: nothing in the last seconds`;
    return `${name}: ${format(latest)} now, at most ${format(highest)} in the time shown`;
  }

  new ResizeObserver(draw).observe(place);
  return (history) => {
    last = history;
    draw();
  };
}

export const asRate = (value) => number(value);
export const asTime = (value) => (value ? seconds(value / 1000) : "0");

// Runs of samples that have a value, as [index, value]; one that stands alone is drawn as a dash.
function unbroken(samples, column) {
  const runs = [];
  let run = null;
  samples.forEach((sample, index) => {
    const value = sample[column];
    if (value === null) run = null;
    else if (run) run.push([index, value]);
    else runs.push((run = [[index, value]]));
  });
  return runs.map((points) => (points.length > 1 ? points : [points[0], [points[0][0] + 0.5, points[0][1]]]));
}

// The next of 1, 2, 5, 10, 20, ... that is above.
function niceAbove(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value * 1.02) ?? 20 * power;
}

function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function label(text, x, y, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}
