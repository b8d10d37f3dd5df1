/**
 * Formulas in a page that needs nothing else: KaTeX runs where the page is made, and its style sheet and those of its fonts that
 * are used go into the page. This is the only place that loads KaTeX, and only when a page is asked for.
 */
import { AdjointError } from "../../index.js";
import { escapeHtml } from "../../util/html-escape.js";
import type { Formula } from "../document.js";

/** Markup of formulas a page may have, in characters: beyond it formulas are text, so that a page stays below 2 MB. */
const largestMarkup = 1_100_000;

/** Classes of KaTeX's markup, and the fonts that draw them. Main-Regular is always there. */
const fontsOfClass: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bmathnormal\b/, ["Math-Italic"]],
  [/\b(?:mathbf|textbf)\b/, ["Main-Bold"]],
  [/\b(?:mathit|textit)\b/, ["Main-Italic"]],
  [/\b(?:mathtt|texttt)\b/, ["Typewriter-Regular"]],
  [/\b(?:amsrm|mathbb|textbb)\b/, ["AMS-Regular"]],
  [/\bboldsymbol\b/, ["Math-BoldItalic"]],
  [/\b(?:mathsf|textsf)\b/, ["SansSerif-Regular"]],
  [/\bmathcal\b/, ["Caligraphic-Regular"]],
  [/\b(?:delimsizing|op-symbol|delim-size1|small-op)\b/, ["Size1-Regular"]],
  [/\b(?:large-op|size2)\b/, ["Size2-Regular"]],
  [/\bsize3\b/, ["Size3-Regular"]],
  [/\b(?:size4|delim-size4)\b/, ["Size4-Regular"]],
];

/** KaTeX as far as it is used here. */
export interface Katex {
  renderToString(
    latex: string,
    options: {
      readonly displayMode: boolean;
      readonly throwOnError: boolean;
      readonly strict: boolean;
      readonly trust: boolean;
    },
  ): string;
}

/** Sets formulas and remembers what they need. */
export class Typesetter {
  private readonly katex: Katex;
  private readonly known = new Map<string, string>();
  private readonly fonts = new Set(["Main-Regular"]);
  private markup = 0;

  constructor(katex: Katex) {
    this.katex = katex;
  }

  /** The formula as markup; as text where KaTeX does not know it or the page has enough. */
  set(formula: Formula, display = false): string {
    const key = `${display} ${formula.latex}`;
    const known = this.known.get(key);
    const made = known ?? (this.markup > largestMarkup ? null : this.render(formula.latex, display));
    if (made === null || this.markup + made.length > largestMarkup)
      return `<code class="formula">${escapeHtml(formula.text)}</code>`;
    this.markup += made.length;
    this.known.set(key, made);
    return made;
  }

  private render(latex: string, displayMode: boolean): string | null {
    try {
      const made = this.katex.renderToString(latex, {
        displayMode,
        throwOnError: true,
        strict: false,
        trust: false,
      });
      for (const [pattern, fonts] of fontsOfClass)
        if (pattern.test(made)) for (const font of fonts) this.fonts.add(font);
      return made;
    } catch {
      return null;
    }
  }

  /** The style sheet for what was set, fonts included. */
  async style(): Promise<string> {
    const { readFile } = await import("node:fs/promises");
    const { createRequire } = await import("node:module");
    const { dirname, join } = await import("node:path");
    const sheet = createRequire(import.meta.url).resolve("katex/dist/katex.min.css");
    const folder = join(dirname(sheet), "fonts");
    const rules = await readFile(sheet, "utf8");
    const faces = await Promise.all(
      [...rules.matchAll(/@font-face\{[^}]*\}/g)].map(async ([face]) => {
        const file = /fonts\/KaTeX_([\w-]+)\.woff2/.exec(face)?.[1];
        if (file === undefined || !this.fonts.has(file)) return "";
        const data = (await readFile(join(folder, `KaTeX_${file}.woff2`))).toString("base64");
        return face.replace(/src:[^;}]*/, `src:url(data:font/woff2;base64,${data}) format("woff2")`);
      }),
    );
    return faces.join("") + rules.replace(/@font-face\{[^}]*\}/g, "");
  }
}

/** @throws AdjointError `missing-package` */
export async function loadKatex(): Promise<Katex> {
  try {
    return (await import("katex")).default;
  } catch (error) {
    throw new AdjointError(
      "missing-package",
      "toHtml: formulas are set by the package katex, which is not installed: npm install katex",
      { operation: "toHtml", expected: "katex", received: "no such package" },
      { cause: error },
    );
  }
}
