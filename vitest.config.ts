import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = fileURLToPath(new URL("./src", import.meta.url));

export default defineConfig({
  resolve: {
    // tests may write what users write: the package's own name means its source
    alias: [
      { find: /^adjoint$/, replacement: `${source}/index.ts` },
      { find: /^adjoint\/(\w+)$/, replacement: `${source}/$1/index.ts` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: availableParallelism(),
    reporters: ["default", "./test/support/tally.ts"],
  },
});
