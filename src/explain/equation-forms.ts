/**
 * The four fundamental equations in every layout, each computed as it is written.
 *
 * `denominator`: a derivative has the shape of what it is towards, ∂a/∂z is [z × a]. `numerator`: the transpose of that. `index`:
 * one element at a time. `shape`: as libraries do, a gradient has the shape the parameter is stored in. Each for a batch of columns
 * (z = W a) and of rows (z = a Wᵀ, or a W where the weight is stored the other way).
 */
import { type Dense, dense, dimensions, hadamard, ones, times, transposed } from "./dense.js";
import type { BatchLayout, Formula, Layout } from "./document.js";

/** An equation in one layout, and what it gives in the common form: δ as rows, gradients of weights [n×k], of biases [n×1]. */
export interface Form {
  readonly layout: Layout;
  readonly batch: BatchLayout;
  readonly formula: Formula;
  readonly dimensions: string;
  readonly result: Dense;
}

const formula = (text: string, latex: string): Formula => ({ text, latex });

const T = transposed;
/** `[30×10][10×1] → [30×1]` */
const product = (left: Dense, right: Dense): string =>
  `${dimensions(left)}${dimensions(right)} → ${dimensions({ rows: left.rows, columns: right.columns })}`;
/** `[10×30] ⊙ [10×30] → [10×30]` */
const elementwise = (a: Dense): string => `${dimensions(a)} ⊙ ${dimensions(a)} → ${dimensions(a)}`;

/** A form from its parts. */
function form(layout: Layout, batch: BatchLayout, of: Formula, shapes: string, result: Dense): Form {
  return { layout, batch, formula: of, dimensions: shapes, result };
}

/** Names of a layer in formulas. */
export interface Names {
  readonly delta: Formula;
  readonly next: Formula;
  readonly weight: Formula;
  readonly nextWeight: Formula;
  readonly bias: Formula;
  readonly input: Formula;
  readonly z: Formula;
  readonly a: Formula;
  readonly slope: Formula;
}

/**
 * BP1: δ = Σ′ ∇ₐC. `slopes` are f′(z) as rows, or null where outputs are coupled; then `through` applies the Jacobian.
 */
export function bp1(
  names: Names,
  towardsA: Dense,
  slopes: Dense | null,
  through: (rows: Dense) => Dense,
): Form[] {
  const { delta, a, slope, z } = names;
  const n = towardsA.columns;
  const pulled = through(towardsA);
  if (slopes === null) {
    const one = { rows: n, columns: 1 };
    const square = { rows: n, columns: n };
    const column = `${dimensions(square)}${dimensions(one)} → ${dimensions(one)}`;
    const row = `${dimensions({ rows: 1, columns: n })}${dimensions(square)} → ${dimensions({ rows: 1, columns: n })}`;
    const left = formula(
      `${delta.text} = Σ′(${z.text}) ∇C(${a.text})`,
      `${delta.latex} = \\Sigma'(${z.latex})\\, \\nabla_{${a.latex}} C`,
    );
    const right = formula(
      `${delta.text}ᵀ = ∇C(${a.text})ᵀ Σ′(${z.text})ᵀ`,
      `{${delta.latex}}^{\\mathsf T} = (\\nabla_{${a.latex}} C)^{\\mathsf T}\\, \\Sigma'(${z.latex})^{\\mathsf T}`,
    );
    return both((batch) => [
      form("shape", batch, batch === "column" ? left : right, batch === "column" ? column : row, pulled),
      form(
        "denominator",
        batch,
        batch === "column" ? left : right,
        batch === "column" ? column : row,
        pulled,
      ),
      form("numerator", batch, batch === "column" ? right : left, batch === "column" ? row : column, pulled),
      form(
        "index",
        batch,
        formula(
          `${delta.text}_j = Σ_k ∂C/∂${a.text}_k · ∂${a.text}_k/∂${z.text}_j`,
          `{${delta.latex}}_j = \\sum_k \\frac{\\partial C}{\\partial {${a.latex}}_k} \\frac{\\partial {${a.latex}}_k}{\\partial {${z.latex}}_j}`,
        ),
        `j, k = 1…${n}`,
        pulled,
      ),
    ]);
  }
  const rows = hadamard(towardsA, slopes);
  const columns = hadamard(T(towardsA), T(slopes));
  const whole = formula(
    `${delta.text} = ∇C(${a.text}) ⊙ ${slope.text}`,
    `${delta.latex} = \\nabla_{${a.latex}} C \\odot ${slope.latex}`,
  );
  const indexed = dense(rows.rows, n, (e, j) => towardsA.data[e * n + j] * slopes.data[e * n + j]);
  return both((batch) => [
    ...(["shape", "denominator"] as const).map((layout) =>
      form(
        layout,
        batch,
        whole,
        elementwise(batch === "column" ? columns : rows),
        batch === "column" ? T(columns) : rows,
      ),
    ),
    form(
      "numerator",
      batch,
      whole,
      elementwise(batch === "column" ? rows : columns),
      batch === "column" ? rows : T(columns),
    ),
    form(
      "index",
      batch,
      formula(
        `${delta.text}_j = ∂C/∂${a.text}_j · ${slope.text}_j`,
        `{${delta.latex}}_j = \\frac{\\partial C}{\\partial {${a.latex}}_j} {${slope.latex}}_j`,
      ),
      `j = 1…${n}`,
      indexed,
    ),
  ]);
}

/** BP2: δ = Σ′ Wᵀ δ of the next layer. */
export function bp2(
  names: Names,
  next: Dense,
  nextWeight: Dense,
  stored: "outIn" | "inOut",
  slopes: Dense | null,
  through: (rows: Dense) => Dense,
): Form[] {
  const { delta, next: after, nextWeight: w, slope, z } = names;
  const finish = (rows: Dense): Dense => (slopes === null ? through(rows) : hadamard(rows, slopes));
  // the product in brackets, then σ′ (or the Jacobian, where outputs are coupled)
  const written = (text: string, latex: string, flipped: boolean): Formula =>
    slopes === null
      ? flipped
        ? formula(
            `${delta.text}ᵀ = (${text}) Σ′(${z.text})ᵀ`,
            `{${delta.latex}}^{\\mathsf T} = (${latex})\\, \\Sigma'(${z.latex})^{\\mathsf T}`,
          )
        : formula(
            `${delta.text} = Σ′(${z.text}) (${text})`,
            `${delta.latex} = \\Sigma'(${z.latex})\\,(${latex})`,
          )
      : formula(
          `${delta.text}${flipped ? "ᵀ" : ""} = (${text}) ⊙ ${slope.text}${flipped ? "ᵀ" : ""}`,
          `{${delta.latex}}${flipped ? "^{\\mathsf T}" : ""} = (${latex}) \\odot ${slope.latex}${flipped ? "^{\\mathsf T}" : ""}`,
        );
  const back = T(nextWeight);
  const transposedText = formula(`${w.text}ᵀ`, `{${w.latex}}^{\\mathsf T}`);
  const column = finish(T(times(back, T(next))));
  const row = finish(times(next, nextWeight));
  // as the code stores it, the weight may be the transpose of the textbook's
  const shapeColumn = stored === "outIn" ? transposedText : w;
  const shapeRow = stored === "outIn" ? w : transposedText;
  const n = nextWeight.columns;
  const indexed = finish(
    dense(next.rows, n, (e, j) => {
      let sum = 0;
      for (let k = 0; k < nextWeight.rows; k++)
        sum += nextWeight.data[k * n + j] * next.data[e * next.columns + k];
      return sum;
    }),
  );
  const index = formula(
    `${delta.text}_j = ${slope.text}_j Σ_k ${w.text}_kj ${after.text}_k`,
    `{${delta.latex}}_j = {${slope.latex}}_j \\sum_k {${w.latex}}_{kj} {${after.latex}}_k`,
  );
  const range = `j = 1…${n}, k = 1…${nextWeight.rows}`;
  const down = product(back, T(next));
  const across = product(next, nextWeight);
  const times2 = (left: Formula, right: Formula): [string, string] => [
    `${left.text} ${right.text}`,
    `${left.latex}\\, ${right.latex}`,
  ];
  const afterT = formula(`${after.text}ᵀ`, `{${after.latex}}^{\\mathsf T}`);
  return [
    form("shape", "column", written(...times2(shapeColumn, after), false), down, column),
    form("denominator", "column", written(...times2(transposedText, after), false), down, column),
    form("numerator", "column", written(...times2(afterT, w), true), across, row),
    form("index", "column", index, range, indexed),
    form("shape", "rowBatch", written(...times2(after, shapeRow), false), across, row),
    // with rows, z = a W and W is [inputs × outputs]
    form("denominator", "rowBatch", written(...times2(after, transposedText), false), across, row),
    form("numerator", "rowBatch", written(...times2(w, afterT), true), down, column),
    form("index", "rowBatch", index, range, indexed),
  ];
}

/** BP3: ∂C/∂b = δ, summed over the batch; 1 gives it its shape. */
export function bp3(names: Names, delta: Dense): Form[] {
  const { bias, delta: d } = names;
  const m = delta.rows;
  const column = times(T(delta), ones(m, 1));
  const row = times(ones(1, m), delta);
  const left = `∂C/∂${bias.text}`;
  const leftLatex = `\\frac{\\partial C}{\\partial ${bias.latex}}`;
  const asColumn = formula(`${left} = ${d.text} 1`, `${leftLatex} = ${d.latex}\\, \\mathbf 1`);
  const asRow = formula(`${left} = 1ᵀ ${d.text}`, `${leftLatex} = \\mathbf 1^{\\mathsf T} ${d.latex}`);
  const flipped = formula(
    `${left} = 1ᵀ ${d.text}ᵀ`,
    `${leftLatex} = \\mathbf 1^{\\mathsf T} {${d.latex}}^{\\mathsf T}`,
  );
  const standing = formula(`${left} = ${d.text}ᵀ 1`, `${leftLatex} = {${d.latex}}^{\\mathsf T} \\mathbf 1`);
  const down = product(T(delta), ones(m, 1));
  const across = product(ones(1, m), delta);
  const indexed = dense(delta.columns, 1, (j) => {
    let sum = 0;
    for (let e = 0; e < m; e++) sum += delta.data[e * delta.columns + j];
    return sum;
  });
  const index = formula(
    `${left}_j = Σ_x ${d.text}_xj`,
    `\\frac{\\partial C}{\\partial {${bias.latex}}_j} = \\sum_x {${d.latex}}_{xj}`,
  );
  const range = `j = 1…${delta.columns}, x = 1…${m}`;
  return [
    form("shape", "column", asColumn, down, column),
    form("denominator", "column", asColumn, down, column),
    form("numerator", "column", flipped, across, T(row)),
    form("index", "column", index, range, indexed),
    form("shape", "rowBatch", asRow, across, T(row)),
    form("denominator", "rowBatch", asRow, across, T(row)),
    form("numerator", "rowBatch", standing, down, column),
    form("index", "rowBatch", index, range, indexed),
  ];
}

/** BP4: ∂C/∂W = δ aᵀ, summed over the batch by the product. */
export function bp4(names: Names, delta: Dense, input: Dense, stored: "outIn" | "inOut"): Form[] {
  const { weight, delta: d, input: a } = names;
  const left = `∂C/∂${weight.text}`;
  const leftLatex = `\\frac{\\partial C}{\\partial ${weight.latex}}`;
  const write = (text: string, latex: string): Formula =>
    formula(`${left} = ${text}`, `${leftLatex} = ${latex}`);
  const dT = `{${d.latex}}^{\\mathsf T}`;
  const aT = `{${a.latex}}^{\\mathsf T}`;
  // [n×m][m×k] and its transpose [k×m][m×n]
  const whole = times(T(delta), input);
  const other = T(times(T(input), delta));
  const outIn = product(T(delta), input);
  const inOut = product(T(input), delta);
  const columnOut = write(`${d.text} ${a.text}ᵀ`, `${d.latex}\\, ${aT}`);
  const columnIn = write(`${a.text} ${d.text}ᵀ`, `${a.latex}\\, ${dT}`);
  const rowOut = write(`${d.text}ᵀ ${a.text}`, `${dT}\\, ${a.latex}`);
  const rowIn = write(`${a.text}ᵀ ${d.text}`, `${aT}\\, ${d.latex}`);
  const n = delta.columns;
  const k = input.columns;
  const indexed = dense(n, k, (j, i) => {
    let sum = 0;
    for (let e = 0; e < delta.rows; e++) sum += input.data[e * k + i] * delta.data[e * n + j];
    return sum;
  });
  const index = formula(
    `${left}_jk = Σ_x ${a.text}_xk ${d.text}_xj`,
    `\\frac{\\partial C}{\\partial {${weight.latex}}_{jk}} = \\sum_x {${a.latex}}_{xk} {${d.latex}}_{xj}`,
  );
  const range = `j = 1…${n}, k = 1…${k}, x = 1…${delta.rows}`;
  const isOut = stored === "outIn";
  return [
    form("shape", "column", isOut ? columnOut : columnIn, isOut ? outIn : inOut, isOut ? whole : other),
    form("denominator", "column", columnOut, outIn, whole),
    form("numerator", "column", columnIn, inOut, other),
    form("index", "column", index, range, indexed),
    form("shape", "rowBatch", isOut ? rowOut : rowIn, isOut ? outIn : inOut, isOut ? whole : other),
    form("denominator", "rowBatch", rowIn, inOut, other),
    form("numerator", "rowBatch", rowOut, outIn, whole),
    form("index", "rowBatch", index, range, indexed),
  ];
}

function both(make: (batch: BatchLayout) => Form[]): Form[] {
  return [...make("column"), ...make("rowBatch")];
}
