/** What looks at the network's health found while it was trained. Nothing is known here of who looked. */
import { escapeHtml } from "../../util/html-escape.js";
import { grouped } from "./page-parts.js";

/** Something wrong, as `explain.health` says it. */
export interface HealthFinding {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly layers: readonly string[];
  readonly summary: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** A monitor that keeps its reports: what `explain.health.during()` gives. */
export interface HealthReports {
  readonly reports: readonly {
    readonly document: { readonly step: number | null };
    readonly findings: readonly HealthFinding[];
  }[];
}

/** The same finding of several looks. */
interface Sighting {
  finding: HealthFinding;
  readonly first: number;
  last: number;
  looks: number;
}

export function healthHtml({ reports }: HealthReports): string {
  if (reports.length === 0) return '<p class="muted">Nobody looked.</p>';
  const sightings = new Map<string, Sighting>();
  for (const { document, findings } of reports)
    for (const finding of findings) {
      const step = document.step ?? 0;
      const key = `${finding.code} ${finding.layers.join()}`;
      const known = sightings.get(key);
      if (known === undefined) sightings.set(key, { finding, first: step, last: step, looks: 1 });
      else {
        // the latest numbers
        known.finding = finding;
        known.last = step;
        known.looks++;
      }
    }
  const steps = reports.map(({ document }) => document.step ?? 0);
  const end = steps[steps.length - 1];
  const looked = `<p class="muted">${reports.length} ${reports.length === 1 ? "look" : "looks"}, from update ${grouped(steps[0])} to ${grouped(end)}.</p>`;
  if (sightings.size === 0) return `${looked}<p class="good">Nothing was found wrong.</p>`;
  const open = (one: Sighting): number => (one.last === end ? 0 : 1);
  const ordered = [...sightings.values()].sort((a, b) => open(a) - open(b));
  return looked + ordered.map((one) => sightingHtml(one, end, reports.length)).join("");
}

function sightingHtml({ finding, first, last, looks }: Sighting, end: number, all: number): string {
  const { code, severity, layers, summary, meaning, remedy } = finding;
  const tone = severity === "error" ? "bad" : "unsure";
  const sign = severity === "error" ? "✗ error" : "! warning";
  const place =
    layers.length === 0 ? "" : `, ${layers.slice(0, 6).join(", ")}${layers.length > 6 ? ", …" : ""}`;
  const when =
    all === 1
      ? ""
      : last === end
        ? `, since update ${grouped(first)}, in ${looks} of ${all} looks`
        : `, last seen at update ${grouped(last)} and gone since`;
  return [
    `<article class="finding ${severity === "error" ? "error" : "warning"}"><h3>${escapeHtml(code)}</h3>`,
    `<p><span class="${tone}">${sign}</span><span class="muted">${escapeHtml(place)}${escapeHtml(when)}</span></p>`,
    `<p>${escapeHtml(summary)}</p>`,
    `<p class="muted">${escapeHtml(meaning)}</p>`,
    `<p><b>Remedy.</b> ${escapeHtml(remedy)}</p></article>`,
  ].join("");
}
