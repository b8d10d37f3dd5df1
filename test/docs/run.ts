/**
 * Runs an example. A line `expression; // → text` claims that the expression's value, awaited and made a string, is the
 * text; a text that ends in … claims only its beginning. What is awaited includes promises inside arrays, and
 * `console.log(…)` has as value what Node would print. Everything else just runs, in order, in one scope.
 */
import { format } from "node:util";
import { parseSync, transformWithOxc } from "vite";

/** Modules an example may import, by specifier. */
export type Modules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** One claim that held. */
export interface Claim {
  readonly expected: string;
  readonly received: string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The code with claims as calls of `claim` and imports as constants out of `modules`. */
function instrument(code: string): string {
  const { program, comments, errors } = parseSync("example.ts", code);
  if (errors.length > 0) throw new SyntaxError(errors[0].message);
  const edits: Edit[] = [];
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration") continue;
    const { start, end, source, specifiers } = statement;
    const bindings = specifiers.map((specifier) => {
      if (specifier.type === "ImportNamespaceSpecifier") return `...${specifier.local.name}`;
      if (specifier.type === "ImportDefaultSpecifier") return `default: ${specifier.local.name}`;
      return `${code.slice(specifier.imported.start, specifier.imported.end)}: ${specifier.local.name}`;
    });
    edits.push({
      start,
      end,
      text: `const { ${bindings.join(", ")} } = await load(${JSON.stringify(source.value)});`,
    });
  }
  for (const comment of comments) {
    const arrow = /^\s*→ ?(.*?)\s*$/.exec(comment.value);
    if (comment.type !== "Line" || arrow === null) continue;
    const statement = program.body.find(
      ({ end, type }) =>
        type === "ExpressionStatement" &&
        /^[ \t]*$/.test(code.slice(end, comment.start)) &&
        end <= comment.start,
    );
    if (statement?.type !== "ExpressionStatement")
      throw new SyntaxError(
        `"//${comment.value}" must follow an expression statement at the top of the example`,
      );
    const { start, end } = statement.expression;
    const text = `await claim(async () => (${code.slice(start, end)}), ${JSON.stringify(arrow[1])});`;
    edits.push({ start: statement.start, end: statement.end, text });
  }
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), code);
}

async function settle(value: unknown): Promise<unknown> {
  const settled = await value;
  return Array.isArray(settled) ? Promise.all(settled.map(settle)) : settled;
}

type AsyncFunction = (...values: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...parameters: string[]) => AsyncFunction;

/**
 * Runs an example with the names of `scope` in scope.
 * @returns the claims, all of which held
 * @throws Error for a claim that does not hold, and whatever the example throws
 */
export async function runExample(
  code: string,
  scope: Readonly<Record<string, unknown>>,
  modules: Modules = {},
): Promise<Claim[]> {
  const claims: Claim[] = [];
  const claim = async (evaluate: () => unknown, expected: string): Promise<void> => {
    const received = String(await settle(await evaluate()));
    const holds = expected.endsWith("…") ? received.startsWith(expected.slice(0, -1)) : received === expected;
    if (!holds) throw new Error(`the example says ${expected}\nbut the value is ${received}`);
    claims.push({ expected, received });
  };
  const load = async (specifier: string): Promise<unknown> => {
    if (!(specifier in modules)) throw new Error(`the example imports ${specifier}, which is not there`);
    return modules[specifier];
  };
  const quietConsole = { ...console, log: (...values: unknown[]) => format(...values) };
  const outer = { ...scope, console: quietConsole, claim, load };
  const body = instrument(code);
  // in a block of its own, so that an example may declare a name that the scope has too
  const { code: plain } = await transformWithOxc(`async function example() {\n${body}\n}`, "example.ts");
  const names = Object.keys(outer).filter((name) => isIdentifier(name));
  const run = new AsyncFunction(...names, `${plain}\nawait example();`);
  await run(...names.map((name) => (outer as Record<string, unknown>)[name]));
  return claims;
}

/** Names that cannot be parameters, such as `var`, are reachable as methods only. */
function isIdentifier(name: string): boolean {
  try {
    new Function(name, "");
    return /^[\w$]+$/.test(name);
  } catch {
    return false;
  }
}
