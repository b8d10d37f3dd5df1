/**
 * Gated recurrent units (Cho et al. 2014), as PyTorch arranges them: the reset gate acts after the product with the
 * state.
 */
import type { Tensor } from "../index.js";
import { partsOf, Recurrent, type RecurrentOptions } from "./recurrent.js";

/** What a GRU carries from step to step. */
export interface GruState {
  /** h: [layers, batch, hidden] */
  readonly hidden: Tensor;
}

/**
 * Gated recurrent units: r = σ(r_x + r_h), z = σ(z_x + z_h), n = tanh(n_x + r · n_h), h ← (1 − z) · n + z · h, where
 * the shares with index x are affine in the input, those with h in the state. Sequences are [batch, time, features],
 * batch first. The steps are a scan, recorded and compiled once whatever the length. In one direction, without dropout
 * between the layers.
 *
 * @example
 * const layer = new nn.GRU(4, 8, { layers: 2 });
 * layer.forward(ones([5, 20, 4])).shape; // → 5,20,8
 * const [, state] = layer.run(ones([5, 20, 4]));
 * state.hidden.shape; // → 2,5,8
 */
export class GRU extends Recurrent {
  /** @throws AdjointError `invalid-argument` */
  constructor(inFeatures: number, hiddenFeatures: number, options: RecurrentOptions = {}) {
    super(inFeatures, hiddenFeatures, 3, options, "GRU");
  }

  /**
   * @param x [batch, time, in]
   * @returns h of the last layer at every step, [batch, time, hidden], from a state of zeros
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  override forward(x: Tensor): Tensor {
    return this.run(x)[0];
  }

  /**
   * The same from a given state, and with the state after the last step.
   *
   * @param x [batch, time, in]
   * @param state default zeros
   * @throws AdjointError `shape-mismatch`, `invalid-argument` for what is no tensor
   */
  run(x: Tensor, state?: GruState): [outputs: Tensor, state: GruState] {
    const [outputs, [hidden]] = this.unroll(x, [state?.hidden], "GRU");
    return [outputs, { hidden }];
  }

  protected override cell(fromInput: Tensor, fromHidden: Tensor, [before]: readonly Tensor[]) {
    const [resetInput, updateInput, newInput] = partsOf(fromInput, 3);
    const [resetHidden, updateHidden, newHidden] = partsOf(fromHidden, 3);
    const reset = resetInput.add(resetHidden).sigmoid();
    const update = updateInput.add(updateHidden).sigmoid();
    const candidate = newInput.add(reset.mul(newHidden)).tanh();
    // (1 − z) n + z h
    return [candidate.add(update.mul(before.sub(candidate)))] as const;
  }

  /** `GRU(4 → 8, 2 layers)`: what a summary calls it, and what Node prints. */
  override toString(): string {
    return this.describe("GRU");
  }
}
