/** Values computed in a loop body, kept in locals until its end: expressions by identity, so that none is computed twice. */
import type { Expr } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import type { ValueType } from "../assembler/opcodes.js";
import { scalarType } from "./scalar-ops.js";

interface Scope {
  readonly scalars: Map<Expr, Local>;
  /** Scalars in all lanes. */
  readonly splats: Map<Expr, Local>;
  /** For each vector in flight. */
  readonly vectors: Map<Expr, Local>[];
  readonly locals: Local[];
}

export class KeptValues {
  private readonly f: FunctionBuilder;
  private readonly scopes: Scope[] = [];

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  /** Writes a loop body; what it keeps is forgotten at its end. */
  scope(body: () => void): void {
    const locals: Local[] = [];
    this.scopes.push({ scalars: new Map(), splats: new Map(), vectors: [], locals });
    body();
    this.scopes.pop();
    for (const local of locals) this.f.release(local);
  }

  private get innermost(): Scope {
    return this.scopes[this.scopes.length - 1];
  }

  /** A local that lasts as long as the body being written. */
  local(type: ValueType): Local {
    const local = this.f.local(type);
    this.innermost.locals.push(local);
    return local;
  }

  scalar(e: Expr): Local | undefined {
    return this.find(({ scalars }) => scalars.get(e));
  }

  splat(e: Expr): Local | undefined {
    return this.find(({ splats }) => splats.get(e));
  }

  vector(e: Expr, copy: number): Local | undefined {
    return this.find(({ vectors }) => vectors[copy]?.get(e));
  }

  private find(read: (scope: Scope) => Local | undefined): Local | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const local = read(this.scopes[i]);
      if (local !== undefined) return local;
    }
    return undefined;
  }

  /** Keeps the scalar on top of the stack, which stays there. */
  keepScalar(e: Expr): void {
    this.keepIn(this.innermost.scalars, e, scalarType(e.dtype));
  }

  keepSplat(e: Expr): void {
    this.keepIn(this.innermost.splats, e, "v128");
  }

  keepVector(e: Expr, copy: number): void {
    const { vectors } = this.innermost;
    while (vectors.length <= copy) vectors.push(new Map());
    this.keepIn(vectors[copy], e, "v128");
  }

  private keepIn(values: Map<Expr, Local>, e: Expr, type: ValueType): void {
    if (values.has(e)) return;
    const local = this.local(type);
    values.set(e, local);
    this.f.tee(local);
  }
}
