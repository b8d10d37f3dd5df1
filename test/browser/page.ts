/** The page the browser test opens. */
import { runChecks } from "./checks.js";
import { checkThreads } from "./threads.js";

Object.assign(window, {
  outcome: (async () => ({
    outcomes: runChecks(),
    isolated: crossOriginIsolated,
    threads: await checkThreads(),
  }))(),
});
