// Talks to the server of this page. The token is kept for this tab only, and goes along as a header.

const TOKEN = "callboard-token";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The link has the token behind the #, where it stays in the browser; it is not left in the address.
export function takeTokenFromLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    setToken(token);
    history.replaceState(null, "", location.pathname);
  }
}

export function setToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

export async function get(path) {
  return (await request(path)).json();
}

export async function post(path, content) {
  return postText(path, JSON.stringify(content));
}

// For what is JSON already.
export async function postText(path, body) {
  return (await request(path, { method: "POST", body })).json();
}

// Server-sent events, as [name, content]. An EventSource could not send the token as a header.
export async function* stream(path, options = {}) {
  const response = await request(path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\r\n\r\n");
      rest = events.pop();
      yield* events.map(parse).filter(Boolean);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(text) {
  let name = "message";
  const data = [];
  for (const line of text.split("\r\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length ? [name, JSON.parse(data.join("\n"))] : null;
}

async function request(path, options = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` };
  if (options.body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Refused(response.status, answer.error ?? `the server answers ${response.status}`);
  }
  return response;
}
