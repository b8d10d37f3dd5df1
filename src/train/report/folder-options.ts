/** What a run's folder is made of. */
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import type { HealthReports } from "./health-section.js";

/** The files of a run that have one name. */
export const files = {
  config: "config.json",
  journal: "metrics.jsonl",
  model: "model.safetensors",
  result: "result.json",
  report: "report.html",
} as const;

/** What is written of a run besides what it tells itself. */
export interface RunFolderOptions {
  /** What the report is called. Default: the name of the data, or of the folder. */
  readonly title?: string;
  /** Settings of your own that go into `config.json` and the report: plain JSON. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The monitor that `fit` was given too, such as `explain.health.during()`: its findings go into the report. */
  readonly health?: HealthReports;
  /** What becomes of another run in the folder, where this one does not go on from it. Default "refuse". */
  readonly existing?: "refuse" | "replace";
  /** Whether event files for TensorBoard are written. Default true. */
  readonly tensorBoard?: boolean;
  /** Examples with the largest loss that the report shows; 0 for none. Default 12. */
  readonly worst?: number;
}

/** @throws AdjointError `invalid-argument` */
export function checkRunFolderOptions(options: unknown): asserts options is RunFolderOptions {
  const operation = "runFolder";
  checkOptions(options, operation);
  const given = options as Partial<RunFolderOptions>;
  const names = ["title", "config", "health", "existing", "tensorBoard", "worst"];
  checkOptionNames(given, names, operation);
  const { title, config, health, existing, tensorBoard, worst } = given;
  const require = (holds: boolean, name: string, expected: string, value: unknown): void => {
    if (!holds) throw invalidArgument(operation, name, expected, formatReceived(value));
  };
  require(title === undefined || typeof title === "string", "title", "a text", title);
  require(config === undefined || isJson(config), "config", "a plain object of JSON", config);
  require(health === undefined ||
    Array.isArray(
      health?.reports,
    ), "health", "a monitor that keeps its reports, such as explain.health.during()", health);
  require(existing === undefined ||
    existing === "refuse" ||
    existing === "replace", "existing", "refuse | replace", existing);
  require(tensorBoard === undefined ||
    typeof tensorBoard === "boolean", "tensorBoard", "true or false", tensorBoard);
  require(worst === undefined || isNatural(worst), "worst", "a number of examples, from 0", worst);
}

/** An object that JSON keeps as it is written; refused at once rather than at the end of a run. */
function isJson(config: unknown): boolean {
  if (typeof config !== "object" || config === null || Array.isArray(config)) return false;
  try {
    return JSON.stringify(config) !== undefined;
  } catch {
    return false;
  }
}
