/** Damaged and hostile ONNX files: each refused with a code, soon, and without memory for what it only claims to hold. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { AdjointError, ones, type Tensor, tensor } from "../../src/index.js";
import { encodeOnnx, exportOnnx, importOnnx } from "../../src/io/index.js";
import { Activation, Conv2d, Flatten, Linear, Sequential } from "../../src/nn/index.js";
import { temporaryFolder } from "../support/build.js";
import { generator } from "../support/registry-samples-values.js";

const float = 1;
const int64 = 7;
const external = 1;

interface Parts {
  readonly ir?: number;
  readonly opset?: number | null;
  readonly nodes?: readonly object[];
  readonly initializers?: readonly object[];
  readonly inputs?: readonly object[];
  readonly outputs?: readonly string[];
}

const port = (name: string, dims: readonly number[] = [2], elemType = float) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType,
        shape: { dim: dims.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })) },
      },
    },
  },
});

/** y = x + w, or with other parts. */
function model({ ir = 8, opset = 18, nodes, initializers, inputs, outputs = ["y"] }: Parts): Uint8Array {
  const message = create(ModelProtoSchema, {
    irVersion: BigInt(ir),
    graph: {
      name: "g",
      node: [...(nodes ?? [{ opType: "Add", name: "sum", input: ["x", "w"], output: ["y"] }])],
      initializer: [...(initializers ?? [weight({})])],
      input: [...(inputs ?? [port("x")])],
      output: outputs.map((name) => port(name)),
    },
    opsetImport: opset === null ? [] : [{ domain: "", version: BigInt(opset) }],
  });
  return toBinary(ModelProtoSchema, message);
}

function weight(parts: object): object {
  return { name: "w", dataType: float, dims: [2n], rawData: new Uint8Array(8), ...parts };
}

async function refusal(source: Uint8Array | string, run?: Tensor): Promise<AdjointError> {
  try {
    const imported = await importOnnx(source);
    if (run !== undefined) imported.forward(run);
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const loop = (g: object) => [
  {
    opType: "Loop",
    name: "loop",
    input: ["n", "", "x"],
    output: ["y"],
    attribute: [{ name: "body", type: 5, g }],
  },
];

const damaged: Readonly<Record<string, [bytes: () => Uint8Array, message: RegExp]>> = {
  "no bytes": [() => new Uint8Array(0), /no version/],
  text: [() => new TextEncoder().encode('{"not": "a model"}'), /no ONNX file/],
  zeros: [() => new Uint8Array(1000), /no ONNX file/],
  "no operator set": [() => model({ opset: null }), /no version/],
  "an input nobody gives": [() => model({ initializers: [] }), /"w", which no input/],
  "a cycle": [
    () =>
      model({
        nodes: [
          { opType: "Add", input: ["x", "b"], output: ["a"] },
          { opType: "Relu", input: ["a"], output: ["b"] },
          { opType: "Relu", input: ["b"], output: ["y"] },
        ],
      }),
    /cycle/,
  ],
  "a node that reads itself": [
    () => model({ nodes: [{ opType: "Relu", input: ["y"], output: ["y"] }] }),
    /cycle/,
  ],
  "an output nobody makes": [() => model({ outputs: ["z"] }), /nothing makes the output "z"/],
  "no output": [() => model({ outputs: [] }), /no output/],
  "two initializers of one name": [
    () => model({ initializers: [weight({}), weight({})] }),
    /two values are called "w"/,
  ],
  "two nodes that make one value": [
    () =>
      model({
        nodes: [
          { opType: "Relu", input: ["x"], output: ["y"] },
          { opType: "Relu", input: ["w"], output: ["y"] },
        ],
      }),
    /two values are called "y"/,
  ],
  "a node that makes an input": [
    () => model({ nodes: [{ opType: "Relu", input: ["w"], output: ["x"] }] }),
    /two values are called "x"/,
  ],
  "an initializer without a name": [() => model({ initializers: [weight({ name: "" })] }), /no name/],
  "too few raw bytes": [
    () => model({ initializers: [weight({ rawData: new Uint8Array(7) })] }),
    /needs 2 elements, and has 1.75/,
  ],
  "too many raw bytes": [
    () => model({ initializers: [weight({ rawData: new Uint8Array(12) })] }),
    /needs 2 elements, and has 3/,
  ],
  "no elements": [
    () => model({ initializers: [weight({ rawData: new Uint8Array(0) })] }),
    /needs 2 elements, and has 0/,
  ],
  "extents of 2^40": [
    () => model({ initializers: [weight({ dims: [2n ** 40n, 2n ** 40n] })] }),
    /needs .* elements, and has 2/,
  ],
  "an extent beyond whole numbers": [
    () => model({ initializers: [weight({ dims: [2n ** 60n] })] }),
    /extent/,
  ],
  "a negative extent": [() => model({ initializers: [weight({ dims: [-2n, -1n] })] }), /extent -2/],
  "a bool that is neither": [
    () => model({ initializers: [weight({ dataType: 9, rawData: Uint8Array.of(1, 7) })] }),
    /a bool must be 0 or 1, received 7/,
  ],
  "an operator with too few inputs": [
    () => model({ nodes: [{ opType: "Add", input: ["x"], output: ["y"] }] }),
    /has 1 inputs; it takes 2/,
  ],
  "an operator with too many outputs": [
    () => model({ nodes: [{ opType: "Relu", input: ["x"], output: ["y", "z"] }] }),
    /has no output 1/,
  ],
  "an attribute without a type": [
    () => model({ nodes: [{ opType: "Relu", input: ["x"], output: ["y"], attribute: [{ name: "a" }] }] }),
    /no type/,
  ],
  "a graph inside a node that nothing feeds": [
    () =>
      model({
        initializers: [{ name: "n", dataType: int64, dims: [], int64Data: [2n] }],
        nodes: loop({ input: [port("i"), port("c"), port("v")], output: [port("c"), port("q")] }),
      }),
    /nothing makes the output "q"/,
  ],
};

describe("a damaged ONNX file is refused", () => {
  it.each(Object.entries(damaged))("with %s", async (_, [bytes, message]) => {
    const error = await refusal(bytes());
    expect(error.code).toBe("file-format");
    expect(error.message).toMatch(message);
  });

  it("cut at every 64th byte and at each of the first 64, and never taken for a smaller one", async () => {
    const net = new Sequential(new Conv2d(1, 2, 3), new Activation("relu"), new Flatten(), new Linear(32, 3));
    const whole = await encodeOnnx(net, [ones([1, 1, 6, 6])], { dynamicBatch: true });
    const cuts = [
      ...Array.from({ length: 64 }, (_, i) => i),
      ...Array.from({ length: whole.length / 64 }, (_, i) => 64 * (i + 1)),
    ];
    expect(cuts.length).toBeGreaterThan(70);
    for (const cut of cuts.filter((at) => at < whole.length))
      expect((await refusal(whole.subarray(0, cut))).code, `cut at ${cut}`).toBe("file-format");
  });

  it("with bytes flipped anywhere: refused with a code, or read as what it then says", {
    timeout: 60_000,
  }, async () => {
    const whole = await encodeOnnx(new Sequential(new Linear(4, 3), new Activation("tanh")), [ones([2, 4])]);
    const next = generator(5);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      const bytes = new Uint8Array(whole);
      const at = i < whole.length / 2 ? i * 2 : Math.floor(next() * whole.length);
      bytes[at] ^= 1 << Math.floor(next() * 8);
      try {
        (await importOnnx(bytes)).forward(ones([2, 4]));
      } catch (error) {
        expect(error, `flipped at ${at}`).toBeInstanceOf(AdjointError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

describe("what a file asks for beyond this library", () => {
  it("is refused by operator, domain, version and node, before anything runs", async () => {
    const nodes = [
      { opType: "Relu", name: "fine", input: ["x"], output: ["a"] },
      { opType: "Frobnicate", name: "odd one", domain: "com.example", input: ["a"], output: ["b"] },
      { opType: "NonMaxSuppression", input: ["b"], output: ["y"] },
    ];
    const error = await refusal(model({ nodes }));
    expect(error.code).toBe("unsupported-operator");
    expect(error.message).toContain(
      'Frobnicate (com.example, version unknown), node "odd one", and 1 more nodes (2 operators',
    );
    expect(error.details.received).toBe("Frobnicate, NonMaxSuppression");
    const standard = await refusal(
      model({ nodes: [{ opType: "NonMaxSuppression", name: "boxes", input: ["x"], output: ["y"] }] }),
    );
    expect(standard.message).toContain('NonMaxSuppression (ai.onnx, version 18), node "boxes"');
  });

  it.each([
    ["an operator set of the future", { opset: 99 }, /version 99 of the operator set; known are 1 to 25/],
    ["a negative operator set", { opset: -1 }, /version -1/],
    ["a format of the future", { ir: 200 }, /version 200 of the format/],
    ["texts", { inputs: [port("x", [2], 8)] }, /elements of type string/],
    ["a type that does not exist", { initializers: [weight({ dataType: 77 })] }, /type 77/],
    [
      "an integer beyond int32",
      { initializers: [weight({ dataType: int64, rawData: new Uint8Array(0), int64Data: [1n, 2n ** 33n] })] },
      /holds 8589934592, which int32 has no place for/,
    ],
    ["arithmetic of bytes", { inputs: [port("x", [2], 2)] }, /arithmetic of uint8/],
    [
      "a sequence",
      { inputs: [{ name: "x", type: { value: { case: "sequenceType", value: {} } } }] },
      /is no tensor but sequenceType/,
    ],
  ] as const)("is named: %s", async (_, parts, message) => {
    const error = await refusal(model(parts));
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(message);
  });

  it("is not a reason to allocate: results larger than a tensor may be", async () => {
    const shape = { name: "s", dataType: int64, dims: [3n], int64Data: [50_000n, 50_000n, 50_000n] };
    const before = process.memoryUsage().rss;
    for (const [opType, input] of [
      ["ConstantOfShape", ["s"]],
      ["Expand", ["x1", "s"]],
      ["Tile", ["x3", "s"]],
    ] as const) {
      const nodes = [
        { opType: "Reshape", input: ["x", "one"], output: ["x1"] },
        { opType: "Reshape", input: ["x", "three"], output: ["x3"] },
        { opType, input: [...input], output: ["y"] },
      ];
      const initializers = [
        shape,
        { name: "one", dataType: int64, dims: [2n], int64Data: [2n, 1n] },
        { name: "three", dataType: int64, dims: [3n], int64Data: [2n, 1n, 1n] },
      ];
      const error = await refusal(model({ nodes, initializers }), tensor([1, 2]));
      expect(["unsupported", "shape-mismatch"]).toContain(error.code);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it("may be anything but a name of a prototype", async () => {
    const initializers = [weight({ name: "__proto__" })];
    const nodes = [{ opType: "Add", input: ["x", "__proto__"], output: ["y"] }];
    const imported = await importOnnx(model({ initializers, nodes }));
    expect(Object.getOwnPropertyNames(imported.parameters)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(imported.parameters)).toBe(Object.prototype);
    expect(Array.from(imported.forward(tensor([1, 2])).dataSync())).toEqual([1, 2]);
    expect((await refusal(model({ initializers: [], nodes }))).code).toBe("file-format");
  });
});

describe("elements in a file beside the model", () => {
  const folder = temporaryFolder("onnx-external");
  const place = (entries: Readonly<Record<string, string>>) =>
    weight({
      rawData: new Uint8Array(0),
      dataLocation: external,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const written = (entries: Readonly<Record<string, string>>): string => {
    const path = join(folder, "model.onnx");
    writeFileSync(path, model({ initializers: [place(entries)] }));
    return path;
  };
  writeFileSync(join(folder, "weights.bin"), new Uint8Array(Float32Array.of(9, 10, 20).buffer));
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "below", "weights.bin"), new Uint8Array(Float32Array.of(1, 2).buffer));
  symlinkSync("/etc/hostname", join(folder, "link.bin"));

  it("are read from where they lie", async () => {
    const near = await importOnnx(written({ location: "weights.bin", offset: "4", length: "8" }));
    expect(Array.from(near.forward(tensor([1, 1])).dataSync())).toEqual([11, 21]);
    const below = await importOnnx(written({ location: "below/weights.bin" }));
    expect(Array.from(below.forward(tensor([1, 1])).dataSync())).toEqual([2, 3]);
  });

  it.each(["../../etc/passwd", "/etc/passwd", "below/../../x", "..\\x", "C:\\x", "link.bin", "."])(
    "are refused outside its directory: %s",
    async (location) => {
      const error = await refusal(written({ location }));
      expect(error.code).toBe("file-format");
      expect(error.message).toContain("not in the model's directory");
    },
  );

  it.each([
    [{ location: "weights.bin", offset: "8", length: "8" }, "file-format"],
    [{ location: "weights.bin", offset: "-4" }, "file-format"],
    [{ location: "weights.bin", offset: "99999999999999999999" }, "file-format"],
    [{ location: "weights.bin", length: "4" }, "file-format"],
    [{ location: "" }, "file-format"],
    [{}, "file-format"],
    [{ location: "missing.bin" }, "file-not-found"],
  ] as const)("are refused where they are not there: %j", async (entries, code) => {
    expect((await refusal(written(entries))).code).toBe(code);
  });

  it("are refused for bytes, which lie nowhere", async () => {
    const error = await refusal(model({ initializers: [place({ location: "weights.bin" })] }));
    expect(error.code).toBe("unsupported");
  });
});

describe("an export is refused", () => {
  const x = ones([2, 3]);
  it.each([
    ["unsupported-operator", () => encodeOnnx((v: Tensor) => v.matmul(v.transpose()).cholesky(), [x])],
    ["invalid-argument", () => encodeOnnx(5 as never, [x])],
    ["invalid-argument", () => encodeOnnx(() => 5, [x])],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [3] as never)],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), x as never)],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [x], { opset: 12 })],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [x], { inputNames: ["a", "b"] })],
    [
      "invalid-argument",
      () => encodeOnnx((v: Tensor) => v.neg(), [x], { inputNames: ["a"], outputNames: ["a"] }),
    ],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [x], { dynamicBatch: [1] })],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [ones([])], { dynamicBatch: true })],
    ["invalid-argument", () => encodeOnnx((v: Tensor) => v.neg(), [x], { dynamic: true } as never)],
    ["invalid-argument", () => encodeOnnx(new Linear(3, 2), [x, x])],
    ["async-function", () => encodeOnnx(async (v: Tensor) => v.neg(), [x])],
    ["unwritable-output", () => exportOnnx("/no/such/place.onnx", (v: Tensor) => v.neg(), [x])],
    ["invalid-argument", () => exportOnnx("", (v: Tensor) => v.neg(), [x])],
  ] as const)("as %s", async (code, f) => {
    await expect(f()).rejects.toMatchObject({ code });
  });
});
