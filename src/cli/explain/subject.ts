/** What `adjoint explain WHAT` is about: a worked example, a file of the user's, or a trained model. */
import { stat } from "node:fs/promises";
import { workedExamples } from "../../explain/examples/index.js";
import { AdjointError } from "../../index.js";
import { nearestName } from "../../util/checks.js";
import { usage } from "../arguments.js";
import { isScript } from "../user-module.js";
import { modelSubject } from "./model.js";
import { userSubject } from "./user-file.js";

/** A scalar function at a point. */
export interface Subject {
  readonly f: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  /** What formulas call the arguments; undefined where the function's own names do. */
  readonly names?: readonly string[];
  /** What is explained unless something else is asked for. */
  readonly of?: string;
  /** Lines that say what it is, and what to look at where everything is shown. */
  readonly about: readonly string[];
  readonly detail?: string;
  /** Are the places of its operations the user's own lines? */
  readonly hasPlaces: boolean;
}

/** Options that say what to explain. */
export interface SubjectOptions {
  /** Of a model: the numbers of the examples. */
  readonly example?: readonly number[];
  readonly data?: string;
  /** Of a file: the arguments, instead of those it exports. */
  readonly args?: readonly unknown[];
}

/** @throws AdjointError `usage` for what is nothing of these, `file-not-found`, and those of files and models */
export async function subjectOf(what: string, options: SubjectOptions): Promise<Subject> {
  const example = workedExamples.find(({ name }) => name === what);
  if (example !== undefined) {
    refuse(what, "is a worked example", options, ["example", "data", "args"]);
    const { title, about, points, of } = example;
    const worked = await example.prepare();
    const where = `Points ${points.join(", ")} of docs/notes.md.`;
    return { ...worked, of, about: [`${what}: ${title}`], detail: `${about} ${where}`, hasPlaces: false };
  }
  if (isScript(what)) {
    refuse(what, "is a file", options, ["example", "data"]);
    return userSubject(what, options.args);
  }
  const found = await stat(what).catch(() => undefined);
  if (found !== undefined) {
    refuse(what, "is a model", options, ["args"]);
    return modelSubject(what, options);
  }
  const names = workedExamples.map(({ name }) => name);
  const nearest = nearestName(what, names);
  if (nearest === undefined && /[./\\]/.test(what))
    throw new AdjointError("file-not-found", `there is no file or directory ${what}`, { file: what });
  throw usage(
    `there is no worked example, model or file "${what}"${nearest === undefined ? "" : ` (did you mean ${nearest}?)`}; adjoint explain --list shows the examples`,
    "WHAT",
  );
}

/** @throws AdjointError `usage` for options that mean nothing here, rather than to ignore them */
function refuse(
  what: string,
  kind: string,
  options: SubjectOptions,
  names: readonly (keyof SubjectOptions)[],
): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  const owner = given === "args" ? "a file that exports a function" : "a trained model";
  throw usage(`--${given} is for ${owner}; ${what} ${kind}`, `--${given}`);
}
