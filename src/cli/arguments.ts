/** From the words of a command line to values; a word that is wrong is refused with the nearest right one. */
import { AdjointError } from "../index.js";
import { nearestName } from "../util/checks.js";

/** A refusal of the command line itself: exit code 2. */
export function usage(message: string, argument?: string): AdjointError {
  return new AdjointError("usage", message, argument === undefined ? {} : { argument });
}

/** A parser of a number of an option, within bounds. */
export function numberOption(
  option: string,
  expected: string,
  accepts: (value: number) => boolean,
): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!accepts(value)) throw usage(`${option} must be ${expected}, received "${text}"`, option);
    return value;
  };
}

/** A whole number of at least `least`. */
export function integerOption(option: string, least: number): (text: string) => number {
  const accepts = (value: number) => Number.isSafeInteger(value) && value >= least;
  return numberOption(option, `a whole number of at least ${least}`, accepts);
}

/** One of some names. */
export function nameOption<Name extends string>(
  option: string,
  names: readonly Name[],
): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    throw usage(
      `${option} must be one of ${names.join(", ")}, received "${text}"${suggestion(text, names)}`,
      option,
    );
  };
}

/** `784,30,10`: at least an input and an output layer. */
export function layersOption(text: string): number[] {
  const layers = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (layers.length < 2 || !layers.every((size) => Number.isSafeInteger(size) && size > 0))
    throw usage(
      `--layers must be two or more positive whole numbers with commas between, such as 784,30,10, received "${text}"`,
      "--layers",
    );
  return layers;
}

/** What lies between cells; shells make a tab hard to type, so it has a name. */
export function delimiterOption(text: string): string {
  if (text === "tab" || text === "\\t") return "\t";
  if (text === "" || /["\r\n]/.test(text))
    throw usage(
      `--delimiter must be a character or more, such as ; or tab, received ${JSON.stringify(text)}`,
      "--delimiter",
    );
  return text;
}

/** The refusal of --config beside a model that no configuration file makes. */
export function notOfConfigFile(model: string): AdjointError {
  return usage(
    `--config is for models of a configuration file; ${model} holds its network itself`,
    "--config",
  );
}

/** The refusal of other data for a model whose configuration file names its data. */
export function dataOfConfigFile(model: string, data: string): AdjointError {
  return usage(
    `${model} was trained by a configuration file, which names its data: change validation in a copy of it and add --config COPY, received ${data}`,
    "DATA",
  );
}

/** ` (did you mean mnist?)`, or nothing where no name is near. */
export function suggestion(text: string, names: readonly string[]): string {
  const nearest = nearestName(text, names);
  return nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
}
