/** Small dense matrices in float64: enough to compute the four equations in every layout. */

/** Row-major. */
export interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export function dense(rows: number, columns: number, at: (row: number, column: number) => number): Dense {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j] = at(i, j);
  return { rows, columns, data };
}

/** [m×k] [k×n] → [m×n] */
export function times(a: Dense, b: Dense): Dense {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++)
    for (let k = 0; k < a.columns; k++) {
      const left = a.data[i * a.columns + k];
      for (let j = 0; j < b.columns; j++) data[i * b.columns + j] += left * b.data[k * b.columns + j];
    }
  return { rows: a.rows, columns: b.columns, data };
}

export function transposed({ rows, columns, data }: Dense): Dense {
  return dense(columns, rows, (i, j) => data[j * columns + i]);
}

/** Element by element. */
export function hadamard(a: Dense, b: Dense): Dense {
  return { ...a, data: a.data.map((value, i) => value * b.data[i]) };
}

export function ones(rows: number, columns: number): Dense {
  return { rows, columns, data: new Float64Array(rows * columns).fill(1) };
}

/** `[30×10]` */
export function dimensions({ rows, columns }: Pick<Dense, "rows" | "columns">): string {
  return `[${rows}×${columns}]`;
}
