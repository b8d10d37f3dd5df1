/** The page the browser test opens. */
import { runChecks } from "./checks.js";

Object.assign(window, {
  outcome: (async () => ({ outcomes: runChecks(), isolated: crossOriginIsolated }))(),
});
