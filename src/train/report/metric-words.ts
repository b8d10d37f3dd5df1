/** What measurements are called on a page, and their units. */

const words: Readonly<Record<string, readonly [name: string, unit: string]>> = {
  accuracy: ["accuracy", "share"],
  precision: ["precision", "share"],
  recall: ["recall", "share"],
  f1: ["F1", "0 to 1"],
  auc: ["area under the ROC curve", "0 to 1"],
  logLoss: ["log loss", "nats"],
  perplexity: ["perplexity", "classes"],
  meanAbsoluteError: ["mean absolute error", "units of the target"],
  meanSquaredError: ["mean squared error", "squared units of the target"],
  rootMeanSquaredError: ["root mean squared error", "units of the target"],
  r2: ["R²", "at most 1"],
};

/** `mean absolute error` for `meanAbsoluteError`; a name of the user's as it is. */
export function wordsOf(name: string): string {
  const [, word, suffix] = /^(\w+?)-(.*)$/.exec(name) ?? [name, name, ""];
  const top = /^top(\d+)$/.exec(name);
  if (top !== null) return `among the top ${top[1]}`;
  if (!Object.hasOwn(words, word)) return name;
  return suffix === "" ? words[word][0] : `${words[word][0]}, ${suffix.replace("-", " ")}`;
}

/** ` (nats)`, or nothing where no unit is known. */
export function unitOf(name: string): string {
  const [word] = name.split("-");
  if (/^top\d+$/.test(name)) return " (share)";
  return Object.hasOwn(words, word) ? ` (${words[word][1]})` : "";
}

/** The unit of a loss by its name. */
export function unitOfLoss(name: string): string {
  if (/CrossEntropy|LogLikelihood|klDivergence/.test(name)) return " (nats)";
  if (name === "meanSquaredError" || name === "quadratic") return " (squared units of the target)";
  return name === "absoluteError" ? " (units of the target)" : "";
}
