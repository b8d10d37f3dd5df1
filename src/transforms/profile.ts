/** profile: where the time of a compiled function goes, kernel by kernel, and what memory it needs. */
import { currentDevice } from "../graph/device.js";
import { traceGraph } from "../graph/graph.js";
import { readValue } from "../graph/node.js";
import { HostStorage } from "../graph/storage.js";
import { checkCount, checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList, formatReceived, invariant } from "../util/errors.js";
import { leafPaths } from "../util/tree.js";
import { checkArgumentIndex, checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import { Profile } from "./profile-report.js";

/** How a profile runs. */
export interface ProfileOptions {
  /** Timed runs, after as many untimed ones. Default 50. */
  readonly runs?: number;
  /** Arguments whose memory is reused for results, as `jit` has them; every run begins with their values again. Default none. */
  readonly donate?: readonly number[];
}

/**
 * Compiles a function for these arguments and times its kernels, one by one: which operations were fused, how long each
 * takes, and how near it comes to what the machine can do. Profile a whole step: `profile(valueAndGrad(loss), [model, x])`.
 * Arguments are called what the function calls its parameters.
 *
 * @param args the arguments, as an array
 * @throws AdjointError as `jit` does, and `invalid-argument`
 * @example profile((x) => x.sin().mul(2).sum(), [ones([100])]).kernels.length; // → 1
 */
export function profile(
  f: (...args: never) => unknown,
  args: readonly unknown[],
  options: ProfileOptions = {},
): Profile {
  checkFunction(f, "profile");
  checkOptionNames(options, ["runs", "donate"], "profile");
  const runs = checkCount(options.runs ?? 50, "profile", "runs");
  if (!Array.isArray(args))
    throw invalidArgument("profile", "args", "an array of the function's arguments", formatReceived(args));
  const donate = options.donate ?? [];
  if (!isList(donate, isNatural))
    throw invalidArgument("profile", "donate", "an array of argument numbers", formatList(donate));
  for (const index of donate) checkArgumentIndex(index, args.length, "profile", "donate");
  if (runs === 0) throw invalidArgument("profile", "runs", "at least 1", "0");
  const flat = flattenTensors(args, "profile");
  const storages = flat.leaves.map((leaf) => new HostStorage(readValue(leaf, "profile")));
  const graph = traceGraph("jit", flat.leaves, (leaves) => {
    // the trees the function declares, with abstract tensors in them
    const result = (f as (...all: readonly unknown[]) => unknown)(
      ...rebuild<readonly unknown[]>(flat.structure, leaves),
    );
    checkSynchronous(result, "profile");
    return flattenTensors(result, "profile").leaves;
  });
  const names = parameterNames(f, args.length);
  const paths = args.flatMap((value, i) =>
    leafPaths(flattenTensors(value, "profile").structure).map((path) =>
      path === "" ? names[i] : `${names[i]}.${path}`,
    ),
  );
  // by argument, but asked for leaf by leaf
  const donated = args.flatMap((value, i) =>
    flattenTensors(value, "profile").leaves.map(() => donate.includes(i)),
  );
  const device = currentDevice();
  invariant(device !== undefined, "no device to profile on");
  const request = { graph, inputs: storages, paths, donated };
  // as many runs untimed first: the engine compiles a kernel better once it has seen it run
  device.profile({ ...request, runs });
  return new Profile(device.name, runs, device.profile({ ...request, runs }));
}

/** What the function calls its parameters where its text shows it plainly, or else a, b, c, … */
function parameterNames(f: (...args: never) => unknown, count: number): string[] {
  const text = Function.prototype.toString.call(f);
  const list =
    /^(?:async\s+)?(?:function\s*[\w$]*\s*)?\(([\w$\s,]*)\)/.exec(text)?.[1] ??
    /^([\w$]+)\s*=>/.exec(text)?.[1];
  const written = list?.split(",").map((name) => name.trim()) ?? [];
  return Array.from({ length: count }, (_, i) =>
    written[i] ? written[i] : String.fromCharCode("a".charCodeAt(0) + (i % 26)),
  );
}
