/**
 * Training through kill -9: a child trains and is killed, at random moments and at every kind of file operation, before, in the
 * midst of and after it; then another goes on from what is there. Fails unless every run can be resumed, from no earlier than its
 * newest checkpoint, and ends with the bits of the run that was never interrupted.
 *
 *     node scripts/survive.js          (after npm ci; 200 kills, some minutes)
 *     node scripts/survive.js 6 7      (as many kills, and the seed they are drawn from)
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

if (process.argv[2] === "train") await train(JSON.parse(process.argv[3]));
else await survive(Number(process.argv[2] ?? 200), Number(process.argv[3] ?? 1));

/** The child: trains, and kills itself before, during or after its operation number `at` on files. */
async function train({ directory, at = -1, when = "before" }) {
  const { random, setThreads } = await import("../dist/index.js");
  const nn = await import("../dist/nn/index.js");
  const { adam } = await import("../dist/optim/index.js");
  const training = await import("../dist/train/index.js");
  const { nodeFiles } = await import("../dist/train/checkpoint/files.js");
  setThreads(1);
  const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

  const [a, b, c, d] = random.split(random.key(20), 4);
  const data = {
    x: random.normal(a, { shape: [118, 6] }),
    y: random.bernoulli(b, 0.4, { shape: [118, 1] }).cast("float32"),
  };
  const model = new nn.Sequential(
    new nn.Linear(6, 16, { key: c }),
    new nn.BatchNorm(16),
    new nn.Dropout(0.3),
    new nn.Activation("relu"),
    new nn.Linear(16, 1, { key: d }),
  );
  let operations = 0;
  const die = () => process.kill(process.pid, "SIGKILL");
  /** Does an operation, unless this is the one to die at. */
  const risky = async (name, operate, half = operate) => {
    const isLast = operations++ === at;
    if (isLast) say({ event: "dies", name, when });
    if (isLast && when === "before") die();
    // half of it is on its way when the process ends
    if (isLast && when === "during") {
      const begun = half();
      die();
      await begun;
    }
    const result = await operate();
    if (isLast) die();
    return result;
  };
  const real = await nodeFiles();
  const files = {
    list: (path) => real.list(path),
    read: (path) => real.read(path),
    makeDirectory: (path) => risky("makeDirectory", () => real.makeDirectory(path)),
    async create(path) {
      const file = await risky("create", () => real.create(path));
      return {
        write: (bytes) =>
          risky(
            "write",
            () => file.write(bytes),
            () => file.write(bytes.subarray(0, bytes.length >> 1)),
          ),
        sync: () => risky("sync", () => file.sync()),
        close: () => risky("close", () => file.close()),
      };
    },
    rename: (from, to) => risky("rename", () => real.rename(from, to)),
    link: (from, to) => risky("link", () => real.link(from, to)),
    remove: (path) => risky("remove", () => real.remove(path)),
    syncDirectory: (path) => risky("syncDirectory", () => real.syncDirectory(path)),
  };
  const epochs = [];
  const run = await training.fit(model, {
    data,
    validation: data,
    loss: "sigmoidCrossEntropy",
    optimizer: adam({ learningRate: (step) => 0.02 / (1 + step / 100) }),
    epochs: 10,
    batchSize: 5,
    seed: 9,
    checkpoint: { directory, everySteps: 7, best: "loss", files },
    resume: "auto",
    earlyStopping: { patience: 50, restoreBest: true },
    onNotice: ({ kind, step, message }) => say({ event: kind, step, message }),
    onEpoch: ({ epoch }) => {
      epochs.push(epoch);
    },
  });
  const hash = createHash("sha256");
  const walk = (value) => {
    if (typeof value?.dataSync === "function") hash.update(new Uint8Array(value.dataSync().buffer));
    else if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) walk(inner);
  };
  walk(run.model);
  walk(run.optimizerState);
  hash.update(JSON.stringify(run.history.map(({ seconds: _, ...record }) => record)));
  say({ event: "end", digest: hash.digest("hex"), steps: run.steps, epochs: run.history.length, operations });
}

/** Runs a child, killed after so many milliseconds if it has not ended. */
function child(options, killAfter) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const process_ = spawn(process.execPath, [
      fileURLToPath(import.meta.url),
      "train",
      JSON.stringify(options),
    ]);
    let [out, err] = ["", ""];
    process_.stdout.on("data", (part) => {
      out += part;
    });
    process_.stderr.on("data", (part) => {
      err += part;
    });
    const timer = killAfter === undefined ? undefined : setTimeout(() => process_.kill("SIGKILL"), killAfter);
    process_.on("error", reject).on("close", (code, signal) => {
      clearTimeout(timer);
      if (signal !== "SIGKILL" && code !== 0)
        return reject(new Error(`the training failed with code ${code}: ${out}${err}`));
      const events = out.split("\n").flatMap((line) => {
        // the last line of a killed child may be cut off
        try {
          return [JSON.parse(line)];
        } catch {
          return [];
        }
      });
      resolve({ killed: signal === "SIGKILL", events, milliseconds: performance.now() - started });
    });
  });
}

/** The parent. */
async function survive(kills, seed) {
  const folder = mkdtempSync(join(tmpdir(), "adjoint-survive-"));
  // a small generator of our own, so that a run can be repeated (xorshift32)
  let state = (seed * 2654435761) >>> 0 || 1;
  const draw = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const newest = (directory) => {
    const names = readdirSync(directory).filter((name) => /^checkpoint-\d+\.safetensors$/.test(name));
    return Math.max(-1, ...names.map((name) => Number(/\d+/.exec(name)[0])));
  };
  const counts = new Map();
  const count = (name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  try {
    const whole = await child({ directory: join(folder, "whole") });
    const wanted = whole.events.find(({ event }) => event === "end");
    console.log(
      `uninterrupted: ${wanted.steps} updates, ${wanted.operations} operations on files, ${Math.round(whole.milliseconds)} ms`,
    );
    let done = 0;
    let runs = 0;
    let resumes = 0;
    while (done < kills) {
      const directory = join(folder, `run-${runs}`);
      let before = -1;
      for (;;) {
        // once the kills are used up the run is let go to its end
        const isKilled = done < kills;
        const byTime = draw() < 0.5;
        const at = Math.floor(draw() * wanted.operations * 0.4);
        const when = ["before", "during", "after"][Math.floor(draw() * 3)];
        const after = draw() * whole.milliseconds * 1.1;
        const { killed, events } = await child(
          isKilled && !byTime ? { directory, at, when } : { directory },
          isKilled && byTime ? after : undefined,
        );
        const resumed = events.find(({ event }) => event === "resumed");
        const damaged = events.find(({ event }) => event === "checkpoint-damaged");
        if (damaged !== undefined) throw new Error(`run ${runs}: ${damaged.message}`);
        if (resumed !== undefined && resumed.step < before)
          throw new Error(`run ${runs}: went on from step ${resumed.step}, and there was ${before}`);
        const end = events.find(({ event }) => event === "end");
        if (end !== undefined && before >= 0 && resumed === undefined)
          throw new Error(`run ${runs}: began anew although there was a checkpoint of step ${before}`);
        if (resumed !== undefined) resumes++;
        if (end !== undefined && end.digest !== wanted.digest)
          throw new Error(`run ${runs}: ended with other bits than the uninterrupted run`);
        if (killed) {
          done++;
          const death = events.find(({ event }) => event === "dies");
          count(death === undefined ? "a random moment" : `${death.when} ${death.name}`);
          const now = existsSync(directory) ? newest(directory) : -1;
          if (now < before) throw new Error(`run ${runs}: step ${before} was lost, and step ${now} is left`);
          before = now;
        }
        if (end !== undefined && !killed) break;
      }
      runs++;
      rmSync(directory, { recursive: true, force: true });
    }
    for (const [name, times] of [...counts].sort())
      console.log(`  killed ${String(times).padStart(3)} × at ${name}`);
    console.log(
      `${done} kills, ${resumes} resumed, ${runs} runs ended, each with the bits of the uninterrupted one`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
