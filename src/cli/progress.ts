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

/** Columns a line fills at most; what else is printed is no wider. */
const widest = 80;
const narrowestBar = 8;

/** A bar on standard error, or nothing where that is no terminal. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Display {
  if (!stream.isTTY) return noDisplay;
  let bar: SingleBar | undefined;
  return {
    update(event) {
      if (bar !== undefined) {
        bar.update(event.batch, payload(event));
        return;
      }
      bar = new SingleBar(
        {
          format: "epoch {epoch}  {bar} {done} %  loss {loss}  {left} left",
          stream,
          barsize: barWidth(stream.columns, event),
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
      // the first event comes when part of the epoch is done
      bar.start(event.batches, event.batch, payload(event));
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** What the terminal's line, of 80 columns at most, leaves beside the text at its longest. */
function barWidth(columns: number | undefined, event: ProgressEvent): number {
  const { epoch } = payload(event);
  // three digits of percent, a loss such as -1.234e+10, and at most 59 min 59 s
  const text = `epoch ${epoch}   100 %  loss -1.234e+10  59 min 59 s left`;
  // the last column stays free: some terminals wrap when it is written
  const line = Math.min(widest, (columns ?? widest) - 1);
  return Math.max(narrowestBar, line - text.length);
}

function payload(event: ProgressEvent): Record<string, string> {
  const { epoch, epochs, batch, batches, seconds } = event;
  // how long a stream is, nobody knows before its first pass is over
  const share = batches === 0 ? 0 : batch / batches;
  const done = (epoch - 1 + share) / epochs;
  // the first steps also compile, and tell little of the time to come
  const left = seconds > 0.5 && done > 0 ? duration(Math.ceil((seconds * (1 - done)) / done)) : "…";
  return {
    epoch: `${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    done: (batches === 0 ? "?" : String(Math.floor(100 * share))).padStart(3),
    loss: loss(event.loss),
    left: left.replace(".00 ", " ").replace(".0 ", " "),
  };
}
