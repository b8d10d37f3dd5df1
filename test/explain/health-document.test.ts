/** The health document against its schema. */
import { describe, expect, it } from "vitest";
import { explain, healthSchema } from "../../src/explain/index.js";
import { tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { healthy, sick } from "./health-recipes.js";
import { complaints } from "./validate.js";

describe("the document", () => {
  it.each([...healthy.slice(6, 10), ...sick])("of $name fits its schema, as JSON too", async ({ make }) => {
    const { model, data, options } = await make(1);
    const report = await explain.health(model, data, options);
    expect(complaints(healthSchema, JSON.parse(JSON.stringify(report)))).toEqual([]);
  });

  it("of what is not finite fits its schema too", async () => {
    const model = new nn.Linear(1, 1);
    const data = { x: tensor([[1], [Number.NaN]]), y: tensor([[1], [2]]) };
    const report = await explain.health(model, data, { loss: "quadratic" });
    expect(complaints(healthSchema, JSON.parse(JSON.stringify(report)))).toEqual([]);
  });

  it("is refused by the schema where it is spoiled", async () => {
    const { model, data, options } = await sick[1].make(1);
    const document = (await explain.health(model, data, options)).toJSON();
    expect(complaints(healthSchema, { ...document, version: 2 })).not.toEqual([]);
    expect(
      complaints(healthSchema, { ...document, findings: [{ ...document.findings[0], code: "flu" }] }),
    ).not.toEqual([]);
  });

  it("has the schema that docs/health.schema.json has", async () => {
    const text = `${JSON.stringify(healthSchema, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot("../../docs/health.schema.json");
  });
});
