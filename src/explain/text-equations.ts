/** The four equations as text. */
import type { BatchLayout, Equation, Equations, ExplanationDocument, Matrix } from "./document.js";
import { fromReal, show } from "./numbers.js";
import { cut, heading, lineWidth, more, padTo, table, wrap } from "./text-layout.js";

/** Entries of a matrix shown in a row, and rows. */
const shownColumns = 6;
const shownRows = 6;

const titles: Readonly<Record<Equation["name"], string>> = {
  BP1: "the error of the output layer",
  BP2: "the error, from the next layer's",
  BP3: "the gradient of the biases",
  BP4: "the gradient of the weights",
};

export function equationsText({ equations, graph }: ExplanationDocument): string[] {
  const title = heading("The four equations of backpropagation");
  if (equations.status === "refused")
    return [...title, ...wrap(`Not written: this is no plain dense network: ${equations.reason}.`)];
  const { layers, cost, list, examples } = equations;
  const symbol = (id: number): string => graph.nodes[id].symbol.text;
  const rows = layers.map(({ layer, weight, bias, input, z, a, inputs, outputs, activation }) => [
    `${layer}`,
    `${symbol(z)} = ${symbol(weight)} ${symbol(input)}${bias === null ? "" : ` + ${symbol(bias)}`}`,
    a === null || a === z ? activation.name : `${symbol(a)} = ${activation.name}(${symbol(z)})`,
    `${inputs} → ${outputs}`,
  ]);
  return [
    ...title,
    `${layers.length} ${layers.length === 1 ? "layer" : "layers"}, ${examples} ${examples === 1 ? "example" : "examples"}; δ is ∂C/∂z.`,
    ...table(rows, [{}, {}, {}, { align: "right" }]),
    ...wrap(
      `  Cost: ${cost.formula.text}${cost.check === null ? "" : `, ${agreement(cost.check.agrees)}`}`,
      "    ",
    ),
    ...list.flatMap((equation) => equationText(equation)),
    ...cancellationText(equations),
  ];
}

function agreement(agrees: boolean): string {
  return agrees ? "✓ agrees with the graph" : "✗ DISAGREES with the graph";
}

function equationText(equation: Equation): string[] {
  const { name, layer, symbolic, substituted, value, check, forms, jacobian } = equation;
  const wrong = forms.filter((form) => !form.check.agrees);
  return [
    "",
    `  ${name}, layer ${layer}: ${titles[name]}`,
    `    ${cut(symbolic.text, lineWidth - 4)}`,
    ...wrap(`    ${substituted.text}`, "      "),
    ...matrixText(value),
    ...(jacobian === null
      ? []
      : [
          `    Σ′ᵀ = ∂a/∂z of example ${jacobian.example}, every output by every z:`,
          ...matrixText(jacobian.matrix),
        ]),
    ...(["column", "rowBatch"] as const).flatMap((batch) => {
      const rows = formRows(equation, batch);
      if (rows.length === 0) return [];
      return [
        batch === "column" ? "      a batch of columns:" : "      a batch of rows:",
        ...table(rows, [{}, { most: 28 }, {}], "        "),
      ];
    }),
    `    ${forms.length} ${forms.length === 1 ? "form" : "forms"}, ${agreement(check.agrees && wrong.length === 0)} (largest difference ${show(check.difference, 2)})`,
  ];
}

/** Layouts that write the same are one row. */
function formRows({ forms }: Equation, wanted: BatchLayout): string[][] {
  const rows = new Map<string, { layouts: string[]; rest: string[] }>();
  // element by element is said above, unless nothing else was asked for
  const isIndexOnly = forms.every(({ layout }) => layout === "index");
  for (const { layout, batch, formula, dimensions } of forms) {
    if ((layout === "index" && !isIndexOnly) || batch !== wanted) continue;
    const rest = [formula.text, dimensions];
    const key = rest.join("\n");
    const known = rows.get(key);
    if (known === undefined) rows.set(key, { layouts: [layout], rest });
    else known.layouts.push(layout);
  }
  return [...rows.values()].map(({ layouts, rest }) => [
    layouts.length === 3 ? "every layout" : layouts.join(", "),
    ...rest,
  ]);
}

/** Rows of numbers, or what they are like. */
export function matrixText({ rows, columns, values }: Matrix, indent = "      "): string[] {
  const { elements } = values;
  if (elements === null)
    return [
      `${indent}[${rows}×${columns}] from ${show(values.min, 4)} to ${show(values.max, 4)}, root mean square ${show(values.rms, 4)}`,
    ];
  const lines = Array.from({ length: Math.min(rows, shownRows) }, (_, i) => {
    const row = elements.slice(i * columns, (i + 1) * columns);
    const shown = row.slice(0, shownColumns).map((value) => padTo(show(value, 4), 10, "left"));
    return `${indent}[${shown.join(" ")}${columns > shownColumns ? " …" : ""} ]`;
  });
  return [...lines, ...more(rows - lines.length, "rows").map((line) => indent + line.trimStart())];
}

function cancellationText({ cost }: Equations): string[] {
  if (cost.cancellation.length === 0) return [];
  return [
    "",
    "  Why δ of the output is (a − y): the slope of the activation cancels",
    ...cost.cancellation.flatMap(({ formula, substituted }) => [
      `    ${formula.text}`,
      `      ${substituted.text}`,
    ]),
    ...(cost.scale === null || fromReal(cost.scale) === 1
      ? []
      : wrap(`    The factor ${show(cost.scale)} is that of the mean in the cost.`, "    ")),
  ];
}
