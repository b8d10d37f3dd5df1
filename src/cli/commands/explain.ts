/** `adjoint explain`: why a gradient is what it is, for a worked example, a file of the user's, or a trained model. */
import { writeFile } from "node:fs/promises";
import { lineCosts } from "../../explain/cost/cost.js";
import type { BatchLayout, Equations, ExplanationDocument, Layout } from "../../explain/document.js";
import { workedExamples } from "../../explain/examples/index.js";
import { CostReport, Explanation, explain, type TextPart } from "../../explain/index.js";
import { textParts } from "../../explain/text.js";
import { wrap } from "../../explain/text-layout.js";
import { AdjointError } from "../../index.js";
import { usage } from "../arguments.js";
import { type Subject, subjectOf } from "../explain/subject.js";
import { print } from "../output.js";

export interface ExplainOptions {
  readonly list?: boolean;
  readonly example?: readonly number[];
  readonly data?: string;
  readonly args?: readonly unknown[];
  readonly of?: string;
  readonly layout?: readonly LayoutName[];
  readonly show?: readonly ShownPart[];
  readonly format: Format;
  readonly measure: boolean;
  readonly out?: string;
}

export const formats = ["text", "json", "latex", "html"] as const;
export type Format = (typeof formats)[number];

const layouts = ["shape", "denominator", "numerator", "index"] as const satisfies readonly Layout[];
const batchLayouts = ["column", "rowBatch"] as const satisfies readonly BatchLayout[];
export const layoutNames = [...layouts, ...batchLayouts] as const;
export type LayoutName = (typeof layoutNames)[number];

export const shownParts = [...textParts, "cost"] as const;
export type ShownPart = TextPart | "cost";

/** @throws AdjointError `usage`, and those of explain, files and models */
export async function explainCommand(what: string | undefined, options: ExplainOptions): Promise<void> {
  if (options.list === true) {
    if (what !== undefined) throw usage(`--list shows all examples; leave out ${what}`, "--list");
    print(listText());
    return;
  }
  if (what === undefined)
    throw usage("name an example, a file or a model; adjoint explain --list shows the examples", "WHAT");
  if (options.show !== undefined && options.format !== "text" && !isCostAlone(options))
    throw usage(
      `--show ${options.show.join(",")} is for text; ${options.format} is whole${options.format === "json" ? ", or --show cost alone" : ""}`,
      "--show",
    );
  const subject = await subjectOf(what, options);
  await put(await rendered(subject, options), options.out);
}

/** What a gradient costs is a document of its own. */
function isCostAlone({ show, format }: ExplainOptions): boolean {
  return show?.length === 1 && show[0] === "cost" && (format === "text" || format === "json");
}

function listText(): string {
  const width = Math.max(...workedExamples.map(({ name }) => name.length));
  return [
    "Worked examples, in the order in which they are best read:",
    ...workedExamples.flatMap(({ name, title }) =>
      wrap(`  ${name.padEnd(width)}  ${title}`, " ".repeat(width + 4)),
    ),
    "",
    ...wrap("adjoint explain NAME explains one; docs/backpropagation.md reads them with you."),
  ].join("\n");
}

/** What is printed. */
async function rendered(subject: Subject, options: ExplainOptions): Promise<string> {
  const { of, layout, show, format, measure } = options;
  const target = of ?? subject.of;
  const named = subject.names === undefined ? {} : { names: subject.names };
  const cost = show?.includes("cost")
    ? placedCost(explain.cost(subject.f, subject.args, { measure }), subject)
    : undefined;
  if (cost !== undefined && isCostAlone(options))
    return format === "json" ? JSON.stringify(cost, null, 2) : cost.toText();
  const whole = asked(() =>
    explain(subject.f, subject.args, { ...named, ...(target === undefined ? {} : { of: target }) }),
  );
  const explanation = new Explanation(laidOut(placed(whole.toJSON(), subject), layout ?? []));
  switch (format) {
    case "json":
      return JSON.stringify(explanation, null, 2);
    case "latex":
      return explanation.toLatex({ standalone: true });
    case "html":
      return explanation.toHtml();
    case "text": {
      const detail = show === undefined && subject.detail !== undefined ? [subject.detail] : [];
      const about = [...subject.about, ...detail].flatMap((line) => wrap(line)).join("\n");
      const parts = show?.filter((part): part is TextPart => part !== "cost");
      const text = `${about}\n\n${explanation.toText(parts)}`;
      return cost === undefined ? text : `${text}\n${cost.toText()}`;
    }
  }
}

/** A path or an index that is not there is a mistake in the command line. */
function asked<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof AdjointError && error.details.argument === "of")
      throw usage(error.message.replace(/^explain: /, "--of: "), "--of");
    throw error;
  }
}

/** What records the function: no step of the user's. */
const recording = new Set(["recordTape", "recordOn", "call"]);

/** Places in the library's own examples are no lines of the user's. */
function placed(document: ExplanationDocument, { hasPlaces }: Subject): ExplanationDocument {
  if (hasPlaces) return document;
  const operations = document.graph.operations.map((operation) => ({
    ...operation,
    place: null,
    calls: operation.calls.filter((call) => !recording.has(call)),
  }));
  return { ...document, graph: { ...document.graph, operations } };
}

function placedCost(report: CostReport, { hasPlaces }: Subject): CostReport {
  if (hasPlaces) return report;
  const operations = report.document.operations.map((operation) => ({ ...operation, place: null }));
  return new CostReport({ ...report.document, operations, lines: lineCosts(operations) });
}

/** Only the forms of the equations that were asked for. */
function laidOut(document: ExplanationDocument, wanted: readonly LayoutName[]): ExplanationDocument {
  const { equations } = document;
  if (wanted.length === 0 || equations.status === "refused") return document;
  const has = <T extends LayoutName>(all: readonly T[], one: T): boolean => {
    const chosen = all.filter((name) => wanted.includes(name));
    return chosen.length === 0 || chosen.includes(one);
  };
  const list: Equations["list"] = equations.list.map((equation) => ({
    ...equation,
    forms: equation.forms.filter(({ layout, batch }) => has(layouts, layout) && has(batchLayouts, batch)),
  }));
  return { ...document, equations: { ...equations, list } };
}

async function put(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    print(text.trimEnd());
    return;
  }
  await writeFile(file, text).catch((cause: Error) => {
    throw new AdjointError(
      "unwritable-output",
      `cannot write ${file}: ${cause.message}`,
      { file },
      { cause },
    );
  });
}
