/** Where it was measured. */
import { cpus, loadavg, totalmem } from "node:os";

/** Processes that wanted to run, averaged over the last minute. The measurement itself is one of them. */
export function loadNow() {
  return Math.round(loadavg()[0] * 100) / 100;
}

export function machine() {
  const cores = cpus();
  return {
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}
