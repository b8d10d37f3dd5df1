/** A bar for the epoch that is running, where standard error is a terminal. */
import { Presets, SingleBar } from "cli-progress";
import type { ProgressEvent } from "../train/index.js";
import { duration, loss } from "./output.js";

export interface Display {
  update(event: ProgressEvent): void;
  /** Takes the bar away, so that lines can be printed. */
  clear(): void;
}

/** Shows nothing: for programs, files and pipes. */
export const noDisplay: Display = { update: () => {}, clear: () => {} };

/** A bar on standard error, or nothing where that is no terminal. */
export function progressBar(): Display {
  if (!process.stderr.isTTY) return noDisplay;
  let bar: SingleBar | undefined;
  return {
    update(event) {
      if (bar === undefined) {
        bar = new SingleBar(
          {
            format: "epoch {epoch}  {bar} {done} %  loss {loss}  {left} left",
            stream: process.stderr,
            barsize: 24,
            clearOnComplete: true,
            hideCursor: true,
            // only one line, whatever the terminal's width
            linewrap: false,
            // the loop of updates leaves timers little time: draw when told
            synchronousUpdate: true,
            // else the library ends the process itself on Ctrl-C
            gracefulExit: false,
          },
          Presets.shades_classic,
        );
        bar.start(event.batches, 0, payload(event));
      }
      bar.update(event.batch, payload(event));
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}

function payload(event: ProgressEvent): Record<string, string> {
  const { epoch, epochs, batch, batches, seconds } = event;
  const done = (epoch - 1 + batch / batches) / epochs;
  // the first steps also compile, and tell little of the time to come
  const left = seconds > 0.5 && done > 0 ? duration(Math.ceil((seconds * (1 - done)) / done)) : "…";
  return {
    epoch: `${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    done: String(Math.floor((100 * batch) / batches)).padStart(3),
    loss: loss(event.loss),
    left: left.replace(".00 ", " ").replace(".0 ", " "),
  };
}
