/** The version of the package that is running. */
import { readFile } from "node:fs/promises";

/** From package.json, which lies beside dist/ and src/. */
export async function version(): Promise<string> {
  const file = new URL("../../package.json", import.meta.url);
  try {
    return (JSON.parse(await readFile(file, "utf8")) as { readonly version: string }).version;
  } catch {
    return "unknown";
  }
}
