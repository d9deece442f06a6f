// Sends a request and prints its result:
//     npm install
//     node call.mjs reverse_string '{"text": "hello"}'
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createClient } from "redis";

const [taskType, parameters = "{}"] = process.argv.slice(2);
const url = process.env.REDIS_URL ?? "redis://localhost:6379";
const publisher = await createClient({ url }).connect();
const subscriber = await publisher.duplicate().connect();

// A channel of its own for the answer. First subscribe, then publish: Redis forgets what nobody hears.
const replyTo = `results:${randomUUID()}`;
const heard = new EventEmitter();
await subscriber.subscribe(replyTo, (message) => heard.emit("outcome", JSON.parse(message)));
const outcome = once(heard, "outcome", { signal: AbortSignal.timeout(30_000) });

const listeners = await publisher.publish("tasks", JSON.stringify({
  task_type: taskType,
  user_id: "javascript",
  request_id: randomUUID(),
  reply_to: replyTo,
  parameters: JSON.parse(parameters),
}));
if (listeners === 0) fail("nobody listens on the channel 'tasks': is an ingress running?");

const [{ status, result, error_code, error }] = await outcome.catch(() => fail("no outcome in 30 s"));
if (status !== "completed") fail(`${error_code}: ${error}`);
console.log(JSON.stringify(result));
process.exit();

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
