/** The style sheet of the page, for phone, desk and paper. */
import { themeStyle, themeVariables } from "../../util/page-theme.js";

export const pageStyle = `
${themeStyle}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{scroll-padding-top:4rem}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:0 0 .8rem}
h3{font-size:1.05rem;margin:1.4rem 0 .5rem}
h4{font-size:.8rem;margin:1rem 0 .3rem;color:var(--muted);font-weight:600}
p{margin:.5rem 0;max-width:46rem}
a{color:var(--accent)}
code{font:.88em ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
code.formula{white-space:pre-wrap}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.muted{color:var(--muted)}
.number{font-variant-numeric:tabular-nums;text-align:right}
.plus,.good{color:var(--plus)}.minus,.bad{color:var(--minus)}.unsure{color:var(--unsure)}
.hidden,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:fixed;top:.5rem;left:.5rem;z-index:3;background:var(--page);padding:.5rem 1rem;border:1px solid var(--line)}
.bar-top{position:sticky;top:0;z-index:2;display:flex;gap:1rem;align-items:center;justify-content:space-between;padding:.45rem 1.25rem;background:var(--page);border-bottom:1px solid var(--line)}
nav{overflow-x:auto;scrollbar-width:none}
nav ul{display:flex;gap:1.1rem;list-style:none;margin:0;padding:.2rem 0;white-space:nowrap;font-size:.92rem}
nav a{text-decoration:none;color:var(--text)}nav a:hover{color:var(--accent);text-decoration:underline}
button,select{font:inherit;font-size:.9rem;color:var(--text);background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:.25rem .7rem;cursor:pointer;min-height:2rem;white-space:nowrap}
button:hover{border-color:var(--accent)}button:disabled{color:var(--muted);cursor:default}
main,footer{max-width:78rem;margin:0 auto;padding:0 1.25rem}
header.top{max-width:78rem;margin:0 auto;padding:1.5rem 1.25rem .5rem}
main>section{padding:1.6rem 0;border-bottom:1px solid var(--line)}
main>section:last-of-type{border-bottom:0}
.answer{font-size:1.15rem;margin:.6rem 0}
.graph{display:grid;grid-template-columns:minmax(0,1fr) 23rem;gap:1.25rem;align-items:start}
.canvas{overflow:auto;max-height:82vh;background:var(--surface);border:1px solid var(--line);border-radius:8px;text-align:center}
.canvas svg{display:inline-block;height:auto;max-width:none;width:min(100%,var(--natural));min-width:min(var(--natural),calc(var(--natural)*.72));vertical-align:top}
.controls{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;margin:.2rem 0 .8rem;font-size:.92rem}
.controls input{accent-color:var(--accent);flex:1 1 7rem;min-width:6rem;max-width:14rem}
.controls output{min-width:min(14rem,100%);color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;padding:0;margin:.6rem 0;font-size:.85rem;color:var(--muted)}
.legend i{display:inline-block;width:1.5em;height:.95em;vertical-align:-.1em;margin-right:.4em;border:1.5px solid var(--muted);border-radius:3px;background:var(--page)}
.legend .i-input{border-radius:.6em;background:var(--soft);border-color:var(--accent)}
.legend .i-constant{border-radius:.6em;border-style:dashed}
.legend .i-target{background:var(--target);border-color:var(--targetLine);border-width:2px}
#panel{position:sticky;top:3.6rem;max-height:calc(100vh - 5rem);overflow:auto;border:1px solid var(--line);border-radius:8px;padding:.2rem 1rem 1rem;font-size:.92rem}
#panel h3{font-size:1.15rem;margin:.7rem 0 .2rem;overflow-wrap:anywhere}
#panel .hint{color:var(--muted)}
.js #cards{display:none}
.card{border-top:1px solid var(--line)}#panel .card{border:0}
.box{cursor:pointer;outline:none}
.box rect{fill:var(--page);stroke:var(--muted);stroke-width:1.3}
.box.input rect{fill:var(--soft);stroke:var(--accent)}
.box.constant rect{stroke-dasharray:4 3}
.box.group rect{stroke-width:2.2}
.box.cost rect{stroke:var(--text);stroke-width:2.2}
.box.target rect{fill:var(--target);stroke:var(--targetLine);stroke-width:2.2}
.box text{font:13px system-ui,sans-serif;fill:var(--text);text-anchor:middle;font-variant-numeric:tabular-nums}
.box .name{font-weight:600}.box .value{font-size:12px}.box .adjoint{font-size:12px;fill:var(--accent)}
.box .mark circle{fill:var(--page);stroke:var(--plus);stroke-width:1.2}.box .mark text{font-size:9px;fill:var(--plus)}
.box .mark.again circle{stroke:var(--unsure)}.box .mark.again text{fill:var(--unsure);font-size:10px}
.edge{fill:none;stroke:var(--muted);stroke-width:1.3;opacity:.75}
#tip path{fill:var(--muted)}
.box.near rect{stroke:var(--accent);stroke-width:2.6}
.box.chosen rect,.box:focus-visible rect{stroke:var(--accent);stroke-width:3.4}
.edge.near{stroke:var(--accent);stroke-width:2.4;opacity:1}
.dimmed .box:not(.near):not(.chosen),.dimmed .edge:not(.near){opacity:.35}
.box.waiting .adjoint{visibility:hidden}
.box,.edge{transition:opacity .12s}
@media (prefers-reduced-motion:reduce){*{transition:none!important;scroll-behavior:auto!important}}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.93rem;margin:.3rem 0}
th,td{padding:.32rem .8rem .32rem 0;text-align:left;vertical-align:middle;font-weight:400;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-size:.83rem;white-space:nowrap}
td.number,th.number{text-align:right;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
.walk tbody tr:hover,.walk tbody tr:focus-within{background:var(--soft)}
.matrix{border-left:1.5px solid var(--muted);border-right:1.5px solid var(--muted);border-radius:4px;margin:.3rem 0}
.matrix td{border:0;padding:.05rem .55rem;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{margin:.7rem 0}
summary{cursor:pointer;padding:.2rem 0}
.path{border:1px solid var(--line);border-radius:8px;padding:.3rem .9rem}
.balance{list-style:none;padding:0;margin:.8rem 0;max-width:44rem}
.balance li{display:grid;grid-template-columns:6rem 1fr 8rem;gap:.8rem;align-items:center;padding:.1rem 0;font-size:.93rem}
.balance .total{border-top:1px solid var(--line);font-weight:600}
.bar{position:relative;height:.85rem;background:linear-gradient(to right,transparent calc(50% - .5px),var(--muted) calc(50% - .5px),var(--muted) calc(50% + .5px),transparent calc(50% + .5px))}
.bar span{position:absolute;top:0;bottom:0;min-width:1px}.bar .up{background:var(--up)}.bar .down{background:var(--down)}
.equation{border-left:3px solid var(--line);padding-left:1rem;margin:1.2rem 0}
.equation h3{margin-top:0}
.steps{list-style:none;margin:.3rem 0;padding:0}
.steps>li{display:grid;grid-template-columns:4.5rem minmax(0,1fr);gap:.6rem;align-items:center;margin:.15rem 0}
.steps>li>div:only-child{grid-column:1/-1}
.result{display:flex;flex-wrap:wrap;align-items:center;gap:.6rem}
.tag{color:var(--muted);font-size:.83rem}
.katex-display{margin:.3rem 0!important;overflow-x:auto;overflow-y:hidden;padding:.15rem 0}
.katex-display>.katex{text-align:left!important;white-space:nowrap}
.katex{font-size:1.08em!important}
td .katex,th .katex{white-space:nowrap}
.lines{padding-left:2.2rem;margin:.3rem 0}.lines li{padding:.15rem 0;overflow-x:auto}.lines li::marker{color:var(--muted);font-size:.8rem}
.columns{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 2rem}
.plain{list-style:none;padding:0;margin:0}.plain li{padding:.15rem 0;overflow-x:auto}
.story{max-width:46rem;padding-left:2.2rem}.story li{margin:.6rem 0}
.facts{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.85rem;color:var(--muted)}.facts b{color:var(--text);font-weight:600}
.badge{font-size:.83rem;border:1px solid currentColor;border-radius:1em;padding:.05rem .55em;white-space:nowrap}
.badge.kept{color:var(--plus)}.badge.again{color:var(--unsure)}
.beside{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:0 2.5rem;align-items:start}
.beside .story{position:sticky;top:4rem;font-size:.95rem;max-height:calc(100vh - 5rem);overflow:auto}
footer{color:var(--muted);font-size:.85rem;padding-top:1rem;padding-bottom:3rem}
@media (max-width:60rem){.graph,.beside{grid-template-columns:minmax(0,1fr)}#panel{position:static;max-height:none}.beside .story{position:static;max-height:none}}
@media (max-width:40rem){main,footer,header.top{padding-left:.9rem;padding-right:.9rem}.bar-top{padding:.35rem .9rem}h1{font-size:1.2rem}.columns{grid-template-columns:minmax(0,1fr)}.steps>li{grid-template-columns:minmax(0,1fr);gap:0}.balance li{grid-template-columns:4rem 1fr 7rem;gap:.4rem;font-size:.88rem}.equation{padding-left:.7rem}.canvas{max-height:70vh}.path{padding:.3rem .6rem}table{font-size:.82rem}th,td{padding-right:.4rem}table .katex{font-size:1em!important}thead th{font-size:.76rem;white-space:normal}}
@media print{.bar-top,.controls,.skip,#panel{display:none}.graph,.beside{display:block}.canvas{max-height:none;overflow:visible;border:0}.canvas svg{width:100%;min-width:0}main>section{break-inside:auto}.equation,tr,.card{break-inside:avoid}.beside .story{position:static;max-height:none}:root:not(#never){${themeVariables("light")}}}
`;
