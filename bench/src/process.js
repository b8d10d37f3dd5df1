/** One side of a pair: a process that loads an item once and then runs it on demand, spoken to in lines of JSON. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A side that cannot take part, and why. */
export class Unavailable extends Error {
  /** @param {string} reason @param {boolean} [expected] whether it never could, as opposed to a failure */
  constructor(reason, expected = false) {
    super(reason);
    this.expected = expected;
  }
}

/**
 * @typedef {object} About
 * @property {string} name with the version
 * @property {readonly string[]} notes what a reader of its figures should know
 *
 * @typedef {object} Facts
 * @property {number} firstCallSeconds of a step in a process that has compiled another before
 * @property {Memory} memory
 *
 * @typedef {object} Memory in bytes
 * @property {number} parameterBytes
 * @property {number} optimizerBytes
 * @property {number} staticBytes constants and donated state
 * @property {number} arenaBytes everything else
 * @property {number} liveBytes what of everything else is alive at once
 */

export class Side {
  /** @param {{ program: string, args: string[], env: NodeJS.ProcessEnv }} command */
  constructor({ program, args, env }) {
    this.child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.errors = "";
    // after all it wrote was read
    /** @type {Promise<import("node:child_process").ChildProcess>} */
    this.ended = new Promise((resolve) => this.child.once("close", () => resolve(this.child)));
    this.child.stderr.setEncoding("utf8").on("data", (text) => {
      // the last of it says why a process ended
      this.errors = (this.errors + text).slice(-4000);
    });
    // a process that has ended is noticed by its missing answer
    this.child.stdin.on("error", () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * @param {object} message
   * @returns {Promise<Record<string, unknown>>}
   * @throws Unavailable where it refuses or has ended
   */
  async ask(message) {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await this.lines.next();
    if (done) {
      const { exitCode, signalCode } = await this.ended;
      const how = signalCode ?? `exit code ${exitCode}`;
      const lines = this.errors.trim().split("\n");
      throw new Unavailable(`its process ended: ${how}, ${lines[lines.length - 1] || "without a word"}`);
    }
    const answer = JSON.parse(value);
    if (typeof answer.error === "string") throw new Unavailable(answer.error, answer.absent === true);
    return answer;
  }

  /** @param {object} item @param {object} files @returns {Promise<About>} */
  async load(item, files) {
    const { name, notes } = await this.ask({ command: "load", item, files });
    return { name: String(name), notes: Array.isArray(notes) ? notes.map(String) : [] };
  }

  /** Writes its result to a file of float32. @param {string} path */
  async verify(path) {
    await this.ask({ command: "verify", path });
  }

  /**
   * What else a side knows of itself, where it does.
   *
   * @returns {Promise<Facts | undefined>}
   */
  async facts() {
    const { facts } = await this.ask({ command: "facts" });
    return /** @type {Facts | null} */ (facts) ?? undefined;
  }

  /** Seconds of so many runs. @param {number} times @returns {Promise<number>} */
  async run(times) {
    return Number((await this.ask({ command: "run", times })).seconds);
  }

  async close() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.stdin.end();
    const late = setTimeout(() => this.child.kill(), 2000);
    await this.ended;
    clearTimeout(late);
  }
}
