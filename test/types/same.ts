/** `same<A, B>()` compiles exactly where A and B are the same type, and does nothing. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function same<A, B>(..._proof: Same<A, B> extends true ? [] : [differ: [A, B]]): void {}
