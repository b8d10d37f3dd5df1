/** A WebAssembly module: one imported memory, imported functions, functions, i32 globals, exports. */
import { invariant } from "../../../util/errors.js";
import { ByteWriter } from "./encoding.js";
import { FunctionBuilder } from "./function.js";
import { control, i32, typeCodes, type ValueType } from "./opcodes.js";

/** Section numbers, in the order in which sections must stand. */
const sections = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;

/** Pages of 64 KiB that 32-bit addresses reach. */
const largestMemory = 65536;

type ExportKind = "function" | "global";
const exportCodes: Readonly<Record<ExportKind, number>> = { function: 0, global: 3 };

export class ModuleBuilder {
  private readonly types = new Map<string, { readonly index: number; readonly bytes: ByteWriter }>();
  private readonly functions: FunctionBuilder[] = [];
  private readonly exports: { name: string; kind: ExportKind; index: number }[] = [];
  private globals = 0;
  private readonly imports: { name: string; parameters: readonly ValueType[] }[] = [];

  /** An imported function without results, `env.name`; to be asked for before any function is made. */
  importFunction(name: string, parameters: readonly ValueType[]): number {
    invariant(this.functions.length === 0, "imported functions come first");
    this.imports.push({ name, parameters });
    return this.imports.length - 1;
  }

  /** A function whose body is written later; it can be called at once. */
  function(parameters: readonly ValueType[], results: readonly ValueType[]): FunctionBuilder {
    const made = new FunctionBuilder(this.imports.length + this.functions.length, parameters, results);
    this.functions.push(made);
    return made;
  }

  /** A mutable i32 global that starts at 0. */
  global(): number {
    return this.globals++;
  }

  export(name: string, kind: ExportKind, index: number): void {
    this.exports.push({ name, kind, index });
  }

  private typeIndex(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join()}>${results.join()}`;
    const known = this.types.get(key);
    if (known !== undefined) return known.index;
    const bytes = new ByteWriter().byte(0x60).unsigned(parameters.length);
    for (const type of parameters) bytes.byte(typeCodes[type]);
    bytes.unsigned(results.length);
    for (const type of results) bytes.byte(typeCodes[type]);
    const index = this.types.size;
    this.types.set(key, { index, bytes });
    return index;
  }

  /** The binary module, which imports its memory as `env.memory`: one that is shared, or one that is not. */
  finish({ sharedMemory = false }: { readonly sharedMemory?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const functionSection = vectorOf(this.functions, (out, { parameters, results }) =>
      out.unsigned(this.typeIndex(parameters, results)),
    );
    const importTypes = this.imports.map(({ parameters }) => this.typeIndex(parameters, []));
    const typeSection = vectorOf([...this.types.values()], (out, { bytes }) => out.append(bytes.finish()));
    // Any memory will do: at least 0 pages, and no maximum or, where it is shared and must have one, the largest.
    const importSection = new ByteWriter()
      .unsigned(1 + this.imports.length)
      .name("env")
      .name("memory")
      .byte(0x02)
      .byte(sharedMemory ? 0x03 : 0x00)
      .unsigned(0);
    if (sharedMemory) importSection.unsigned(largestMemory);
    this.imports.forEach(({ name }, i) => {
      importSection.name("env").name(name).byte(0x00).unsigned(importTypes[i]);
    });
    const globalSection = vectorOf(Array.from({ length: this.globals }), (out) =>
      out.byte(typeCodes.i32).byte(1).byte(i32.const).signed(0).byte(control.end),
    );
    const exportSection = vectorOf(this.exports, (out, { name, kind, index }) =>
      out.name(name).byte(exportCodes[kind]).unsigned(index),
    );
    const codeSection = vectorOf(this.functions, (out, one) => out.sized(one.encode()));

    const module = new ByteWriter().append(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    module.byte(sections.type).sized(typeSection);
    module.byte(sections.import).sized(importSection);
    module.byte(sections.function).sized(functionSection);
    module.byte(sections.global).sized(globalSection);
    module.byte(sections.export).sized(exportSection);
    module.byte(sections.code).sized(codeSection);
    return module.finish();
  }
}

function vectorOf<T>(items: readonly T[], write: (out: ByteWriter, item: T) => void): ByteWriter {
  const out = new ByteWriter().unsigned(items.length);
  for (const item of items) write(out, item);
  return out;
}
