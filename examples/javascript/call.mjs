// Sends a request and prints its result:
//     npm install
//     node call.mjs reverse_string '{"text": "hello"}'
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createClient } from "redis";

const url = process.env.REDIS_URL ?? "redis://localhost:6379";
const [taskType, parameters = "{}"] = process.argv.slice(2);
if (!taskType) fail("usage: node call.mjs TASK ['{\"parameter\": value}']", 2);
try {
  console.log(JSON.stringify(await call(taskType, JSON.parse(parameters))));
  process.exit();
} catch (error) {
  fail(error.message);
}

async function call(task_type, parameters) {
  // From the start: a Redis that takes a connection may still never answer.
  setTimeout(fail, 30_000, "no outcome in 30 s");
  const publisher = await connected(createClient({ url }));
  const subscriber = await connected(publisher.duplicate());

  // A channel of its own for the answer. First subscribe, then publish: Redis forgets what nobody hears.
  const reply_to = `results:${randomUUID()}`;
  const heard = new EventEmitter();
  await subscriber.subscribe(reply_to, (message) => heard.emit("outcome", JSON.parse(message)));
  const outcome = once(heard, "outcome");

  const request = { task_type, user_id: "javascript", request_id: randomUUID(), reply_to, parameters };
  const listeners = await publisher.publish("tasks", JSON.stringify(request));
  if (listeners === 0) throw new Error("nobody listens on the channel 'tasks': is an ingress running?");

  const [{ status, result, error_code, error }] = await outcome;
  if (status !== "completed") throw new Error(`${error_code}: ${error}`);
  return result;
}

// A client of Redis tries again for ever; this one gives up at the first error, also while it waits.
function connected(client) {
  return client.on("error", (error) => fail(`Redis: ${error.message || error.code}`)).connect();
}

function fail(reason, code = 1) {
  console.error(reason);
  process.exit(code);
}
