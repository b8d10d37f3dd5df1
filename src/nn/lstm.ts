/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997), with forget gates (Gers et al. 2000), as PyTorch arranges
 * it.
 */
import type { Tensor } from "../index.js";
import { partsOf, Recurrent, type RecurrentOptions } from "./recurrent.js";

/** What an LSTM carries from step to step. */
export interface LstmState {
  /** h: [layers, batch, hidden] */
  readonly hidden: Tensor;
  /** c: [layers, batch, hidden] */
  readonly cell: Tensor;
}

/**
 * Long short-term memory: c ← σ(f) · c + σ(i) · tanh(g), h ← σ(o) · tanh(c), where the gates i, f, g, o are affine in
 * the input and in h. Sequences are [batch, time, features], batch first. The steps are a scan,
 * recorded and compiled once whatever the length. In one direction, without dropout between the layers: put `Dropout`
 * between two LSTMs.
 *
 * @example
 * const layer = new nn.LSTM(4, 8);
 * layer.forward(ones([5, 20, 4])).shape; // → 5,20,8
 * const [, state] = layer.run(ones([5, 20, 4]));
 * state.cell.shape; // → 1,5,8
 */
export class LSTM extends Recurrent {
  /** @throws AdjointError `invalid-argument` */
  constructor(inFeatures: number, hiddenFeatures: number, options: RecurrentOptions = {}) {
    super(inFeatures, hiddenFeatures, 4, options, "LSTM");
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
  run(x: Tensor, state?: LstmState): [outputs: Tensor, state: LstmState] {
    const [outputs, [hidden, cell]] = this.unroll(x, [state?.hidden, state?.cell], "LSTM");
    return [outputs, { hidden, cell }];
  }

  protected override cell(fromInput: Tensor, fromHidden: Tensor, [, before]: readonly Tensor[]) {
    const [input, forget, candidate, output] = partsOf(fromInput.add(fromHidden), 4);
    const cell = forget.sigmoid().mul(before).add(input.sigmoid().mul(candidate.tanh()));
    return [output.sigmoid().mul(cell.tanh()), cell] as const;
  }

  /** `LSTM(4 → 8)`: what a summary calls it, and what Node prints. */
  override toString(): string {
    return this.describe("LSTM");
  }
}
