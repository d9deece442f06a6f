// Reads the AsyncAPI document on standard input as any tool does. Prints, as JSON, what the parser has to say against it,
// and each operation as a tool sees it.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
const operations = document?.operations().all().map((operation) => ({
  id: operation.id(),
  action: operation.action(),
  channels: operation.channels().all().map((channel) => channel.address()),
  messages: operation.messages().all().map((message) => message.name()),
  correlationIds: operation.messages().all().map((message) => message.correlationId()?.location()),
  replyTo: operation.reply()?.address()?.location(),
  replies: operation.reply()?.messages().all().map((message) => message.name()),
}));
console.log(JSON.stringify({
  complaints: diagnostics.map(({ code, path, message }) => `${path.join(".")}: ${message} (${code})`),
  operations: operations ?? [],
}));
