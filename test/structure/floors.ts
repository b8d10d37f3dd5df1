/** The floors of the house and who may stand on whom, as rules that give complaints. */
import type { Import } from "./imports.js";

/** From the ground up. A floor may import those below; floors on one line are side by side and may not see each other. */
export const floors: readonly (readonly string[])[] = [
  ["util"],
  ["types"],
  ["loops"],
  ["graph"],
  ["primitives"],
  ["tensor"],
  ["transforms"],
  ["compiler"],
  ["backends"],
  ["index.ts"],
  ["nn", "losses", "optim", "io"],
  ["data"],
  ["train"],
  ["explain"],
  ["cli"],
];

/** From here up, the core is what a user sees of it: its public face, and util. */
const publicFace = "index.ts";

/** What a floor above the public face may see of the core besides, through one file made for it: explanations read tapes, training asks where a NaN comes from. */
const narrowEntries: Readonly<Record<string, readonly string[]>> = {
  explain: ["transforms/tape.ts", "transforms/non-finite.ts"],
  train: ["transforms/non-finite.ts"],
};

/** Floors that may load packages and Node's modules, and then only when a call needs them: browsers import these too. */
const lazyFloors = new Set(["backends", "data", "io", "train", "explain"]);

/** The floor of a file relative to src/: its folder, or the file itself at the root. */
export function floorOf(file: string): string {
  return file.split("/")[0];
}

function levelOf(file: string): number {
  return floors.findIndex((names) => names.includes(floorOf(file)));
}

/**
 * Edges that do not go strictly downward, and imports past a public face: of the core's inside from above src/index.ts, and
 * of another floor's inside there. Only the command line, which nothing imports, may look into the floors below it.
 */
export function upwardEdges(imports: readonly Import[]): string[] {
  const complaints: string[] = [];
  const top = levelOf(publicFace);
  for (const { from, to, kind } of imports) {
    if (to === null || floorOf(from) === floorOf(to)) continue;
    const edge = `${from} → ${to}`;
    const [here, there] = [levelOf(from), levelOf(to)];
    if (here < 0 || there < 0)
      complaints.push(`${edge}: ${here < 0 ? from : to} is on no floor; add it to the list`);
    else if (there >= here) complaints.push(`${edge}: ${kind} import goes up or sideways`);
    else if (here > top && floorOf(from) !== "cli") {
      if (there < top && floorOf(to) !== "util" && narrowEntries[floorOf(from)]?.includes(to) !== true)
        complaints.push(`${edge}: above the public face, the core is imported from src/index.ts only`);
      if (there > top && !to.endsWith("/index.ts"))
        complaints.push(`${edge}: another floor is imported from its index.ts only`);
    }
  }
  return complaints;
}

/** Imports of packages and Node's modules where a browser would meet them. */
export function foreignImports(imports: readonly Import[]): string[] {
  return imports
    .filter(({ to, from, kind }) => {
      if (to !== null || kind === "type" || floorOf(from) === "cli") return false;
      return kind === "static" || !lazyFloors.has(floorOf(from));
    })
    .map(
      ({ from, specifier, kind }) => `${from} → ${specifier}: ${kind} import of what is not the library's`,
    );
}

/** A cycle among edges, as its nodes in order, or null. */
export function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | null => {
    const at = path.indexOf(node);
    if (at >= 0) return [...path.slice(at), node];
    if (done.has(node)) return null;
    path.push(node);
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Who imports whom, `name` of each file; imports within one name are left out. */
export function edgesBy(
  imports: readonly Import[],
  name: (file: string) => string,
): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (to === null || name(from) === name(to)) continue;
    const targets = edges.get(name(from)) ?? new Set();
    edges.set(name(from), targets.add(name(to)));
  }
  return edges;
}
