/** What a test needs that not everybody has. Continuous integration has it all, so there a missing thing is a failure. */
import { existsSync } from "node:fs";

/**
 * @param path a file or directory that must be there
 * @param skip of the test's context
 */
export function skipWithout(path: string, skip: (reason: string) => void): void {
  if (existsSync(path)) return;
  const reason = `no ${path}: bash scripts/setup-tests.sh installs it`;
  if (process.env.CI !== undefined) throw new Error(reason);
  skip(reason);
}
