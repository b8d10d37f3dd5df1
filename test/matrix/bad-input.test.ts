/** Every refusal is an AdjointError with a stable code whose message names operation, argument, expected, received. */
import { describe, expect, it } from "vitest";
import { Recording } from "../../src/graph/node.js";
import { AdjointError, grad, jit, tensor, vmap } from "../../src/index.js";
import { fits, type Row, readRows, run, tables } from "./rows.js";

/** What is wrong with a call's refusal, or null. */
async function complaint({ call, code, message }: Row): Promise<string | null> {
  let error: unknown;
  try {
    const value = await run(call);
    return `not refused: gives ${String(value)}`;
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof AdjointError)) return `not an AdjointError: ${String(error)}`;
  if (error.code !== code) return `code ${error.code} instead of ${code}: ${error.message}`;
  if (!fits(error.message, message)) return `message: ${error.message}\n  expected: ${message}`;
  return null;
}

/** After a refusal nothing is recorded any more, and everything works. */
function expectUnharmed(): void {
  expect(Recording.innermostTrace()).toBeUndefined();
  expect(grad((x) => x.mul(x))(3).itemSync()).toBe(6);
  expect(tensor([1, 2]).add(1).arraySync()).toEqual([2, 3]);
}

for (const table of tables) {
  describe(`bad input: ${table}`, () => {
    for (const row of readRows(table)) {
      it(`${row.call} is refused with ${row.code}`, async () => {
        const wrong = await complaint(row);
        expectUnharmed();
        expect(wrong).toBeNull();
      });
    }
  });
}

const unary =
  "neg abs sign exp expm1 log log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh sigmoid softplus relu leakyRelu elu gelu silu erf floor ceil round not isNaN isFinite stopGradient sum mean max min prod norm all any argmax argmin logSumExp softmax logSoftmax flatten transpose squeeze flip sort argsort";
const binary = "add sub mul div pow mod maximum minimum atan2 eq ne lt le gt ge and or";

describe("bad input: every operation", () => {
  for (const name of unary.split(" "))
    it(`${name} names itself where x is no tensor`, async () => {
      const code = "invalid-argument";
      for (const value of ["'x'", "null", "undefined", "{}", "[1, 2]", "() => 1"]) {
        const message = `${name}: x must be a tensor or a number, received`;
        expect(await complaint({ call: `${name}(${value})`, code, message })).toBeNull();
      }
    });

  for (const name of binary.split(" "))
    it(`${name} names itself, the argument and both shapes`, async () => {
      const shapes = "a [2] and b [2, 3] (2 ≠ 3 at axis -1)";
      const message = `${name}: shapes do not broadcast: ${shapes}`;
      for (const call of [`${name}(ones([2]), ones([2, 3]))`, `ones([2]).${name}(ones([2, 3]))`])
        expect(await complaint({ call, code: "shape-mismatch", message })).toBeNull();
      const code = "invalid-argument";
      const notTensor = (argument: string) =>
        `${name}: ${argument} must be a tensor or a number, received "x"`;
      expect(await complaint({ call: `${name}(1, "x")`, code, message: notTensor("b") })).toBeNull();
      expect(await complaint({ call: `${name}("x", 1)`, code, message: notTensor("a") })).toBeNull();
    });
});

describe("the table itself", () => {
  it("has well over 300 rows in order, each with its own call", () => {
    const rows = tables.flatMap(readRows);
    expect(rows.length).toBeGreaterThan(300);
    expect(new Set(rows.map(({ call }) => call)).size).toBe(rows.length);
    for (const { call, code, message } of rows) expect(code !== "" && message !== "", call).toBe(true);
  });
});

describe("reading an abstract value", () => {
  for (const [name, transform] of [
    ["jit", jit],
    ["vmap", vmap],
  ] as const)
    it(`inside ${name} names the transform, the user's line and the remedy`, () => {
      const reading = transform((x) => (x.sum().itemSync() > 0 ? x : x.neg()));
      const call = (): unknown => reading(tensor([[1, 2]]));
      expect(call).toThrow(/^item: this float32\[\] tensor is abstract inside (jit|vmap)/);
      expect(call).toThrow(/bad-input\.test\.ts:\d+:\d+/);
      expect(call).toThrow(
        /Return it and read it outside, or decide with where\(condition, a, b\) instead of if$/,
      );
    });
});
