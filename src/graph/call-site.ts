/** Where in the user's code, and through which of the library's functions, something was called: read off the stack. */

/** A place in a source file: 1-based line and column. */
export interface Place {
  /** A path, or a URL where there are no paths. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The user's line, and the library's functions between it and the operation, outermost first. */
export interface CallSite {
  readonly place: Place | null;
  readonly calls: readonly string[];
}

const here = import.meta.url.replace(/graph\/call-site\.[jt]s.*$/, "");
const herePath = here.replace(/^file:\/\//, "");
/** Floors whose functions mean something to a user; what they call is how, not what. */
const speaking = new Set(["tensor", "nn", "losses", "optim", "transforms"]);

function placeOf(frame: string): Place | null {
  const found = /\(?((?:file:\/\/|https?:\/\/|\/)[^()\s]+):(\d+):(\d+)\)?$/.exec(frame);
  if (found === null) return null;
  const [, file, line, column] = found;
  return { file: file.replace(/^file:\/\//, ""), line: Number(line), column: Number(column) };
}

/** `at Tensor.sigmoid (file…)` → `sigmoid` on the floor `tensor`; null for what has no name of its own. */
function callOf(frame: string): { readonly name: string; readonly floor: string } | null {
  const file = frame.slice(frame.indexOf(herePath) + herePath.length);
  const floor = /^\w+/.exec(file)?.[0] ?? "";
  const name = /^\s*at (?:async )?(?:new )?([\w$.]+)(?: \[as \w+\])? \(/.exec(frame)?.[1];
  if (name === undefined || !speaking.has(floor)) return null;
  const parts = name.split(".").filter((part) => part !== "Module" && part !== "Object");
  const last = parts.at(-1) ?? "";
  if (last === "" || /^(<|anonymous|value$|_)/.test(last)) return null;
  return { name: parts.at(-2) === "Tensor" ? last : parts.join("."), floor };
}

const known = new Map<string, CallSite>();

/** Where we stand, as cheaply as the engine tells: the positions in the code as it runs, or the stack's text. */
function fingerprint(): string {
  const prepare = Error.prepareStackTrace;
  try {
    Error.prepareStackTrace = (_, frames) => frames;
    const frames: unknown = new Error().stack;
    if (!Array.isArray(frames)) return String(frames);
    let key = "";
    for (const frame of frames as NodeJS.CallSite[]) key += `${frame.getScriptHash()}${frame.getPosition()} `;
    return key;
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

/** The innermost frame outside this library, where the stack tells. */
export function callSite(depth = 40): CallSite {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  try {
    // a stack in words costs up to a millisecond where source maps are applied: the same place is described once
    const key = fingerprint();
    let site = known.get(key);
    if (site === undefined) {
      site = describe(new Error().stack ?? "");
      // a program that never repeats itself must not grow without end
      if (known.size >= 10_000) known.clear();
      known.set(key, site);
    }
    return site;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function describe(stack: string): CallSite {
  const calls: string[] = [];
  let inner = "";
  let place: Place | null = null;
  for (const frame of stack.split("\n").slice(1)) {
    if (frame.includes("node:internal") || frame.includes("<anonymous>")) continue;
    if (!frame.includes(herePath)) {
      place = placeOf(frame);
      break;
    }
    const call = callOf(frame);
    if (call === null) continue;
    // of the tensor operations that call each other, the outermost is the one the user meant
    if (call.floor === "tensor" && inner === "tensor") calls[0] = call.name;
    else if (call.name !== calls[0]) calls.unshift(call.name);
    inner = call.floor;
  }
  return { place, calls };
}
