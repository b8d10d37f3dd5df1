/** Finds the examples: every `@example` of a doc comment, and the runnable code blocks of Markdown. */

export interface Example {
  /** `file:line` of its first line. */
  readonly place: string;
  readonly code: string;
}

/**
 * The `@example`s of a source text's doc comments. An example starts after the tag and ends before the next tag at the
 * start of a line or with the comment; in a comment of one line it ends with the line.
 */
export function examplesInComments(file: string, text: string): Example[] {
  const found: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const firstLine = text.slice(0, comment.index).split("\n").length;
    const lines = comment[0]
      .slice(3, -2)
      .split("\n")
      .map((line) => line.replace(/^\s*\* ?/, ""));
    lines.forEach((line, at) => {
      const tag = /(^|\s)@example(\s|$)/.exec(line);
      if (tag === null) return;
      const rest = lines.slice(at + 1);
      const end = rest.findIndex((next) => /^\s*@\w+/.test(next));
      const code = [
        line.slice(tag.index + tag[0].length),
        ...rest.slice(0, end < 0 ? rest.length : end),
      ].join("\n");
      found.push({ place: `${file}:${firstLine + at}`, code: code.trim() });
    });
  }
  return found;
}

export interface CodeBlock extends Example {
  readonly language: string;
  /** Marked `run` after its language: ```ts run. */
  readonly isRunnable: boolean;
}

/** The fenced code blocks of a Markdown text. */
export function codeBlocks(file: string, text: string): CodeBlock[] {
  const found: CodeBlock[] = [];
  for (const block of text.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```\s*$/gm)) {
    const [, language, info, code] = block;
    const line = text.slice(0, block.index).split("\n").length;
    found.push({ place: `${file}:${line}`, language, isRunnable: /\brun\b/.test(info), code });
  }
  return found;
}
