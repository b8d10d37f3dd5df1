/** Bundles a page with Vite, serves it on the loopback interface and opens it in Chromium. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { type Alias, build } from "vite";

const executable = process.env.ADJOINT_CHROMIUM ?? "/usr/bin/chromium";

/**
 * Why the browser tests cannot run here, or null where they can. Continuous integration has no such excuse: there the
 * tests run and fail.
 */
export function reasonToSkip(): string | null {
  if (existsSync(executable) || process.env.CI !== undefined) return null;
  return `no Chromium at ${executable}: install it (scripts/setup-tests.sh) or name it in ADJOINT_CHROMIUM`;
}

const flags = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** What gives a page SharedArrayBuffer. */
export const isolating: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves a folder with these headers. */
async function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = join(folder, path === "/" ? "index.html" : path);
    readFile(file).then(
      (content) => {
        response.writeHead(200, {
          "Content-Type": contentTypes[extname(file)] ?? "application/octet-stream",
          ...headers,
        });
        response.end(content);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
}

/**
 * Bundles `folder`/page.ts or page.js, which Vite finds through a page written beside it.
 * @returns the folder with the bundle, and what Vite warned of
 */
export async function bundlePage(
  folder: string,
  entry: string,
  alias: Alias[] = [],
): Promise<{ bundle: string; warnings: string[] }> {
  // the icon is named so that the browser asks for none
  const page = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="./${entry}"></script>\n`;
  await writeFile(join(folder, "index.html"), page);
  const warnings: string[] = [];
  const bundle = join(folder, "bundle");
  await build({
    root: folder,
    configFile: false,
    logLevel: "silent",
    resolve: { alias },
    build: {
      outDir: bundle,
      target: "es2022",
      rollupOptions: { onwarn: (warning) => warnings.push(warning.message) },
    },
  });
  return { bundle, warnings };
}

/** A Chromium with an empty profile; the caller closes it. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: executable, headless: true, args: flags });
}

export interface Visit {
  /** What the page's `window.outcome` resolved to. */
  readonly outcome: unknown;
  /** Errors of every kind: printed, thrown, or of requests. */
  readonly errors: readonly string[];
}

/** Opens a bundled page, served with these headers, and waits for the promise it leaves in `window.outcome`. */
export async function visit(bundle: string, headers = isolating): Promise<Visit> {
  const server = await serve(bundle, headers);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("requestfailed", (request) => errors.push(`request failed: ${request.url()}`));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: "load" });
    const outcome: unknown = await page.evaluate("window.outcome");
    return { outcome, errors };
  } finally {
    await browser.close();
    await new Promise((closed) => server.close(closed));
  }
}
