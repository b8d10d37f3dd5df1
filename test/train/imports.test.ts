import { describe, expect, it } from "vitest";
import { allImports } from "../structure/imports.js";

/** The files that importing one loads, as far as they are the library's. */
function loadedBy(entry: string): Set<string> {
  const edges = allImports().filter(({ kind }) => kind === "static");
  const loaded = new Set([entry]);
  // a set grows while it is gone through
  for (const file of loaded)
    for (const { from, to } of edges) if (from === file && to !== null) loaded.add(to);
  return loaded;
}

describe("importing adjoint/train", () => {
  it("loads nothing that only runs with checkpoints or a folder need", () => {
    const loaded = [...loadedBy("train/index.ts")];
    expect(loaded).toContain("train/trainer.ts");
    const unneeded =
      /^io\/|^data\/|^train\/checkpoint\/(store|saver|format|restore)|^train\/report\/(folder|page|chart|worst)\.ts|^train\/diagnose/;
    expect(loaded.filter((file) => unneeded.test(file))).toEqual([]);
  });
});
