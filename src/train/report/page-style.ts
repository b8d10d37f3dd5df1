/** The style sheet of a run's report, for phone, desk and paper. */
import { themeStyle, themeVariables } from "../../util/page-theme.js";

export const reportStyle = `
${themeStyle}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.6rem}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .7rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0;max-width:46rem;overflow-wrap:anywhere}
section{padding:1.4rem 0;border-bottom:1px solid var(--line)}
section:last-of-type{border-bottom:0}
code,pre{font:.84rem/1.45 ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace}
pre{margin:.3rem 0;width:max-content}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.muted{color:var(--muted)}
.bad{color:var(--minus)}.unsure{color:var(--unsure)}.good{color:var(--plus)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.scroll{position:relative;overflow-x:auto;max-width:100%}
.failure{border-left:4px solid var(--minus);padding:.4rem .9rem;background:var(--surface)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.7rem;margin:1rem 0 0;padding:0;list-style:none}
.figures li{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:.5rem .8rem;min-width:0}
.figures b{display:block;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.figures span{font-size:.83rem;color:var(--muted);overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr));gap:1.2rem}
.chart{margin:0;max-width:32rem;min-width:0}
.chart figcaption{font-weight:600;font-size:.95rem;margin-bottom:.2rem;overflow-wrap:anywhere}
.chart>svg{display:block;width:100%;height:auto}
.chart text{font:12px system-ui,sans-serif;fill:var(--muted);font-variant-numeric:tabular-nums}
.chart .label{fill:var(--text)}
.grid{stroke:var(--line);fill:none}.axis{stroke:var(--muted);fill:none}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line-0{stroke:var(--accent)}.line-1{stroke:var(--targetLine)}
.line.line-1{stroke-dasharray:5 3}
.dot{stroke-width:8;stroke-opacity:0}.dot.line-0{fill:var(--accent)}.dot.line-1{fill:var(--targetLine)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:.2rem 0 0;padding:0;font-size:.85rem;color:var(--muted)}
.legend svg{width:1.75rem;height:.5rem;margin-right:.4rem;vertical-align:.1em}
table{border-collapse:collapse;font-size:.92rem;margin:.3rem 0}
th,td{padding:.3rem .9rem .3rem 0;text-align:left;font-weight:400;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-size:.83rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
.settings th{color:var(--muted);white-space:nowrap;vertical-align:top}.settings td{overflow-wrap:anywhere}
.confusion td,.confusion thead th{text-align:right;padding:.25rem .5rem;font-variant-numeric:tabular-nums}
.confusion td{border:1px solid var(--line);min-width:2.4rem;background:color-mix(in srgb,var(--shade) calc(var(--share)*45%),transparent)}
.confusion td.right{--shade:var(--up);font-weight:600}.confusion td.wrong{--shade:var(--down)}
.confusion .none{color:var(--muted)}
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:1rem;list-style:none;margin:.6rem 0;padding:0}
.examples li{font-size:.85rem;line-height:1.4;min-width:0;overflow-wrap:anywhere}
.examples img{display:block;width:100%;max-width:8.5rem;image-rendering:pixelated;border:1px solid var(--line);border-radius:4px;background:#000}
.finding{border-left:4px solid var(--unsure);padding:.1rem .9rem;margin:.8rem 0}
.finding.error{border-color:var(--minus)}
.finding h3{margin:.2rem 0}
footer{color:var(--muted);font-size:.85rem;padding-top:1rem;padding-bottom:2.5rem}
@media (max-width:40rem){main,header,footer{padding-left:.9rem;padding-right:.9rem}h1{font-size:1.25rem}table{font-size:.85rem}th,td{padding-right:.6rem}.examples{grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr))}pre{font-size:.72rem}}
@media print{.scroll{overflow:visible}section{break-inside:auto}.chart,.finding,tr,.examples li{break-inside:avoid}:root:not(#never){${themeVariables("light")}}}
`;
