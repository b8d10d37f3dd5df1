/**
 * This library's matrix products alone, nothing copied: operands and results are donated and so stay resident. What a step
 * takes beyond this is everything that is not a product.
 */
import { required } from "../src/data.js";
import { adjoint, identity } from "./adjoint-package.js";
import { readFloats } from "./files.js";

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
export async function load(item, files) {
  const one = item.kind === "gemm";
  let state = one ? operands(required(item.gemm), files) : operandsOfStep(required(item.network));
  const compiled = adjoint.jit(one ? multiply : multiplyStep, { donate: [0] });
  return {
    ...identity,
    name: "own products alone",
    async verify() {
      state = compiled(state);
      return state[0].c.data();
    },
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) state = compiled(state);
    },
  };
}

/** @param {readonly number[]} extents @param {Record<string, string>} files @returns {any} */
function operands([m, k, n], files) {
  const a = adjoint.tensor(readFloats(files.a), { shape: [m, k] });
  const b = adjoint.tensor(readFloats(files.b), { shape: [k, n] });
  return [{ a, b, c: adjoint.zeros([m, n]) }];
}

/** @param {any[]} state */
const multiply = ([{ a, b }]) => [{ a, b, c: a.matmul(b) }];

/** For each layer what its products read and write. @param {import("../src/networks.js").Network} network @returns {any} */
function operandsOfStep({ layers, batch }) {
  const keys = adjoint.random.split(adjoint.random.key(7), 3);
  const draw = (/** @type {number} */ key, /** @type {number[]} */ ...shape) =>
    adjoint.random.uniform(keys[key], { shape });
  return layers.slice(1).map((outputs, i) => ({
    x: draw(0, batch, layers[i]),
    weight: draw(1, outputs, layers[i]),
    error: draw(2, batch, outputs),
    z: adjoint.zeros([batch, outputs]),
    weightBar: adjoint.zeros([outputs, layers[i]]),
    // the images have no gradient
    xBar: i === 0 ? null : adjoint.zeros([batch, layers[i]]),
  }));
}

/** @param {any[]} state */
const multiplyStep = (state) =>
  state.map(({ x, weight, error, xBar }) => ({
    x,
    weight,
    error,
    z: x.matmul(weight.transpose()),
    weightBar: error.transpose().matmul(x),
    xBar: xBar === null ? null : error.matmul(weight),
  }));
