import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors, loadSafetensors } from "../../src/io/index.js";
import { Command, flowers } from "./support.js";

let command: Command;
beforeAll(async () => {
  command = new Command("models");
  writeFileSync(command.path("flowers.csv"), flowers(150));
  const { code } = await command.run([
    "train",
    "flowers.csv",
    "--label",
    "kind",
    "--out",
    "model",
    "--epochs",
    "30",
    "--layers",
    "2,6,3",
  ]);
  expect(code).toBe(0);
});
afterAll(() => command.remove());

describe("adjoint eval", () => {
  it("measures the held-out rows again, or another file", async () => {
    const { events } = await command.events(["eval", "model"]);
    expect(events).toMatchObject([
      { event: "eval", data: "flowers (validation)", examples: 30, accuracy: 1 },
    ]);
    writeFileSync(command.path("wrong.csv"), flowers(30).replaceAll("rose", "tulip"));
    const { out } = await command.run(["eval", "model/model.safetensors", "wrong.csv"]);
    expect(out).toContain("wrong.csv (all rows): 30 examples");
    // a third of the rows, the roses, are called tulips there
    expect(out).toContain("accuracy 66.67 %");
    expect(out).toMatch(/^tulip +· +10 +10 +50\.0 %$/m);
  });

  it("refuses the held-out rows of a table that has changed, and says which rows it measures of one that is named", async () => {
    const original = readFileSync(command.path("flowers.csv"), "utf8");
    const [header, ...rows] = original.trim().split("\n");
    const changed = {
      sorted: [header, ...rows.toSorted(), ""].join("\n"),
      cut: [header, ...rows.slice(0, 100), ""].join("\n"),
      corrected: original.replace("0.00,0.00,rose", "0.50,0.00,rose"),
    };
    try {
      for (const [how, text] of Object.entries(changed)) {
        writeFileSync(command.path("flowers.csv"), text);
        const { code, out, err } = await command.run(["eval", "model"]);
        expect([how, code, out]).toEqual([how, 1, ""]);
        expect(err).toMatch(
          /^adjoint: .*flowers\.csv has changed since the model was trained: 150 rows \(sha256 [\da-f]{12}…\) then, 1[05]0 rows \(sha256 /,
        );
      }
      const named = await command.run(["eval", "model", "flowers.csv"]);
      expect(named.out).toContain("flowers.csv (all rows): 150 examples");
      // other line ends and another column change nothing that is used
      const wider = original.replaceAll("\n", ",0\r\n").replace(",0", ",more");
      writeFileSync(command.path("flowers.csv"), wider);
      expect((await command.run(["eval", "model"])).out).toContain("flowers (validation): 30 examples");
    } finally {
      writeFileSync(command.path("flowers.csv"), original);
    }
    const same = await command.run(["eval", "model", "flowers.csv"]);
    expect(same.out).toContain("flowers.csv (all rows, those it was trained on among them): 150 examples");
  });

  it("refuses data that do not fit the model", async () => {
    const mnist = await command.run(["eval", "model", "mnist"]);
    expect([mnist.code, mnist.err]).toEqual([
      1,
      "adjoint: the model takes 2 inputs; mnist has 784 (28×28 pixels)\n",
    ]);
    writeFileSync(command.path("unknown.csv"), "length,width,kind\n1,2,orchid\n");
    const unknown = await command.run(["eval", "model", "unknown.csv"]);
    expect(unknown.err).toContain(
      'unknown.csv, line 2, column "kind": expected one of iris, rose, tulip, received "orchid"',
    );
  });
});

describe("adjoint predict", () => {
  it("prints the class of every row, whatever the order of the columns", async () => {
    const { code, out } = await command.run(
      ["predict", "model", "-"],
      "id,width,length\nx,2,0.2\ny,102,2.3\nz,3,4.1\n",
    );
    expect([code, out]).toEqual([0, "rose\ntulip\niris\n"]);
  });

  it("--json adds all outputs", async () => {
    const { events } = await command.events(["predict", "model", "flowers.csv"]);
    expect(events).toHaveLength(150);
    expect(events[1]).toMatchObject({ event: "prediction", row: 2, prediction: "tulip" });
    const outputs = events[1].outputs as number[];
    expect(outputs.indexOf(Math.max(...outputs))).toBe(2);
  });

  it("refuses a missing column and a cell that is no number, with file and line", async () => {
    const missing = await command.run(["predict", "model", "-"], "length\n1\n");
    expect([missing.code, missing.err]).toEqual([
      1,
      'adjoint: standard input has no column "width" (an input); its columns are length\n',
    ]);
    const word = await command.run(["predict", "model", "-"], "length,width\n1,2\n1,wide\n");
    expect(word.err).toBe(
      'adjoint: standard input, line 3, column "width": expected a finite number, received "wide"\n',
    );
  });
});

describe("a model file", () => {
  it("that is damaged or foreign is refused, never half used", async () => {
    const bytes = readFileSync(command.path("model/model.safetensors"));
    writeFileSync(command.path("cut.safetensors"), bytes.subarray(0, bytes.length - 4));
    expect((await command.run(["eval", "cut.safetensors"])).err).toMatch(
      /^adjoint: cut\.safetensors, byte \d+: tensor .*\n$/,
    );
    const tensors = await loadSafetensors(command.path("model/model.safetensors"));
    writeFileSync(command.path("bare.safetensors"), encodeSafetensors(tensors));
    expect((await command.run(["eval", "bare.safetensors"])).err).toContain(
      "was not written by adjoint train",
    );
    const config = JSON.parse(tensors.metadata.get("adjoint") ?? "");
    const withConfig = async (changes: object) => {
      const text = JSON.stringify({ ...config, ...changes });
      writeFileSync(command.path("edited.safetensors"), encodeSafetensors(tensors, { adjoint: text }));
      return command.run(["eval", "edited.safetensors"]);
    };
    expect((await withConfig({ format: 2 })).err).toContain("configuration entry format must be 1");
    expect((await withConfig({ network: { ...config.network, activation: "step" } })).err).toContain(
      "entry network.activation must be one of sigmoid",
    );
    expect((await withConfig({ network: { ...config.network, layers: [2, 7, 3] } })).err).toContain(
      "0.weight must be [7, 2], received [6, 2]",
    );
    expect((await withConfig({ scaling: { mean: [0], deviation: [1] } })).err).toContain(
      "scaling.mean must be 2 numbers",
    );
    expect((await withConfig({ data: { kind: "csv" } })).code).toBe(1);
  });
});

describe("adjoint gradcheck", () => {
  it("checks every weight of a small network and passes", async () => {
    const { code, out } = await command.run([
      "gradcheck",
      "--layers",
      "3,4,2",
      "--activation",
      "tanh",
      "--loss",
      "softmax-cross-entropy",
    ]);
    expect(code).toBe(0);
    expect(out).toContain("gradient check passed");
    expect(out).toContain("12 elements");
  });

  it("checks a trained model in float64", async () => {
    const { code, events } = await command.events(["gradcheck", "model"]);
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({ event: "gradcheck", layers: [2, 6, 3], loss: "softmax-cross-entropy" });
    const { worstError } = events[0].report as { worstError: number };
    // float64 with central differences: far below what float32 could give
    expect(worstError).toBeLessThan(1e-7);
  });
});

describe("adjoint info", () => {
  it("tells versions, the device and its features", async () => {
    const { code, events } = await command.events(["info"]);
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({
      node: process.versions.node,
      devices: expect.arrayContaining(["reference"]),
      simd: expect.any(Boolean),
    });
    const { out } = await command.run(["info"]);
    for (const word of ["adjoint", "Node", "device", "SIMD", "relaxed SIMD", "threads"])
      expect(out).toContain(word);
  });
});
