/**
 * The process of a JavaScript peer: `node serve.js MODULE`. Answers each line of JSON on the standard input with one on the
 * standard output. A module exports `load(item, files)`, which gives a name, notes, `verify()` and `run(times)`.
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

// the standard output belongs to the protocol, whatever a library likes to print
for (const level of /** @type {const} */ (["log", "info", "debug", "warn"])) console[level] = console.error;

/**
 * @typedef {object} Loaded
 * @property {string} name with the version
 * @property {string[]} [notes]
 * @property {() => Float32Array | Promise<Float32Array>} verify the result, from the initial state
 * @property {() => object | Promise<object>} [facts] what else is known of it: first call, memory
 * @property {(times: number) => void | Promise<void>} run so many runs, complete when it returns
 */

/** @type {Loaded | undefined} */
let loaded;

/** @param {{ command: string, item: import("../src/items.js").Item, files: Record<string, string>, path: string, times: number }} message */
async function answer(message) {
  if (message.command === "load") {
    const module = await import(`./${process.argv[2]}.js`);
    loaded = /** @type {Loaded} */ (await module.load(message.item, message.files));
    return { name: loaded.name, notes: loaded.notes ?? [] };
  }
  if (loaded === undefined) throw new Error(`${message.command} before load`);
  if (message.command === "verify") {
    writeFileSync(message.path, await loaded.verify());
    return {};
  }
  if (message.command === "facts") return { facts: (await loaded.facts?.()) ?? null };
  const started = performance.now();
  await loaded.run(message.times);
  return { seconds: (performance.now() - started) / 1000 };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    console.error(error);
    const message = String(error instanceof Error ? error.message : error).split("\n")[0];
    reply = { error: message, absent: error instanceof Error && "absent" in error };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);
