/** What commands print: text for people, or one JSON object a line for programs. */
import { sep } from "node:path";
import { AdjointError } from "../index.js";

/** A program's event; its `event` says which. */
export type Event = Readonly<Record<string, unknown>> & { readonly event: string };

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Names out of somebody's file, to be shown in a terminal: characters that would steer it are shown instead, so that no table can
 * colour, clear or retitle the reader's window.
 */
export function visible(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡" : "�";
  });
}

// all of C0 but tab and line feed, DEL, and C1, which some terminals take for escapes
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** A line on standard error that is no failure. */
export function printNotice(text: string): void {
  process.stderr.write(`adjoint: ${visible(text)}\n`);
}

/** Writes an event as a line of JSON. */
export function printEvent(event: Event): void {
  print(eventText(event));
}

/** An event as JSON; numbers JSON does not have become strings. */
export function eventText(event: Event): string {
  const plain = (_key: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return JSON.stringify(event, plain);
}

/** `23,550`: the same in every locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 example`, `23,550 examples` */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `92.13 %` */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}

/** Four decimals where they tell enough, else four digits: 0.1234, 12.3400, 1.234e-7. */
export function loss(value: number): string {
  const size = Math.abs(value);
  return value === 0 || (size >= 1e-3 && size < 1e5) ? value.toFixed(4) : value.toExponential(3);
}

/** `0.41 s`, `12.3 s`, `3 min 20 s` */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 0 done, 1 the work failed, 2 the command line is wrong, 130 interrupted (128 + SIGINT, as shells count), 143 by SIGTERM. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AdjointError)) return 1;
  if (error.code === "interrupted") return error.details.received === "SIGTERM" ? 143 : 130;
  return error.code === "usage" ? 2 : 1;
}

/** What a function of the library is called says nothing to those who called a command. */
const unsaid = new Set(["fit", "evaluate", "confusion", "predict"]);

/** Without the name of the library's function in front where the message is about a file, or about training and measuring. */
function messageOf(error: unknown): string {
  if (!(error instanceof AdjointError)) return error instanceof Error ? error.message : String(error);
  const { operation, file } = error.details;
  const isSaid = file === undefined && !operation?.startsWith("data.") && !unsaid.has(operation ?? "");
  const prefix = `${operation}: `;
  const text =
    !isSaid && error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  // an option of the library's function; a command has its own, or goes by what the model was trained on
  return text.replace(/; is \{ delimiter: "[^"]*" \} meant\?/, "");
}

/** Files are read by whole paths; those below the directory where the command was called are said as seen from there. */
function fromHere(message: string): string {
  const here = process.cwd();
  return here.endsWith(sep) ? message : message.replaceAll(`${here}${sep}`, "");
}

/** One line on standard error; with `json` an event on standard output as well; with `verbose` the stack. */
export function printError(
  error: unknown,
  options: { readonly json?: boolean; readonly verbose: boolean },
): void {
  const message = visible(fromHere(messageOf(error)).replace(/\s*\n\s*/g, " "));
  const code = error instanceof AdjointError ? error.code : "internal";
  if (options.json) printEvent({ event: "error", code, message, exitCode: exitCodeOf(error) });
  process.stderr.write(`adjoint: ${message}\n`);
  if (!options.verbose || !(error instanceof Error)) return;
  process.stderr.write(`${error.stack ?? ""}\n`);
  if (error.cause instanceof Error)
    process.stderr.write(`caused by ${error.cause.stack ?? error.cause.message}\n`);
}
