/** The page's style sheet: one column, light and dark, from 320 px up, and print. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d2126; --soft: #59616b; --line: #d9d6cf; --panel: #ffffff; --shade: #f1efe9;
  --win: #1f6f8b; --tie: #b9b4a8; --loss: #c0562f; --focus: #0b57d0;
  --s0: #1f6f8b; --s1: #c0562f; --s2: #4d7c2f; --s3: #7a4fa3; --s4: #9a6b00; --s5: #b03060; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e9e7e2; --soft: #a5adb6; --line: #383d43; --panel: #1e2125; --shade: #262a2f;
  --win: #5fb5d3; --tie: #6b6f73; --loss: #ec8f66; --focus: #8ab4f8;
  --s0: #5fb5d3; --s1: #ec8f66; --s2: #9bc77b; --s3: #c3a0e6; --s4: #e0b84c; --s5: #f08fb0; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; line-height: 1.3; }
h3 { font-size: 1rem; margin: 0 0 .35rem; line-height: 1.35; }
p { margin: 0 0 .75rem; max-width: 70ch; }
.summary { font-size: 1.1rem; }
section > p:last-child, article > p:last-child, figure > p:last-child { margin-bottom: 0; }
.note, figcaption, footer { color: var(--soft); font-size: .875rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 1rem 0 0; padding: .6rem 0; border-block: 1px solid var(--line); }
a { color: inherit; text-decoration-color: var(--win); text-decoration-thickness: 2px; text-underline-offset: 3px; }
nav a { display: inline-block; padding: .25rem 0; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--panel); padding: .5rem 1rem; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.grid > * { min-width: 0; max-width: 560px; margin: 0; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
thead th { color: var(--soft); font-weight: 600; font-size: .875rem; border-bottom-width: 2px; }
tbody th { font-weight: 500; min-width: 7.5rem; }
.panel + .panel { margin-top: 1rem; } .grid > .panel + .panel, .answers > .panel + .panel { margin-top: 0; }
.num { text-align: right; white-space: nowrap; padding-left: .9rem; padding-right: 0; }
thead th { white-space: nowrap; } .num + :not(.num) { padding-left: 1.4rem; } .num + td:not(.num) { min-width: 11rem; }
.ci { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; }
.mine { background: var(--shade); } .mine > :first-child { box-shadow: inset 3px 0 var(--win); padding-left: .6rem; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); gap: .8rem 1.2rem; margin: 1rem 0 0; }
dl.facts dt { color: var(--soft); font-size: .8rem; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.axis { stroke: var(--line); stroke-width: 1; } .series { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; } .raw { opacity: .28; stroke-width: 1; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1rem; margin: .5rem 0 0; padding: 0; font-size: .875rem; }
.legend svg { display: inline-block; width: 26px; height: 10px; margin-right: .4rem; vertical-align: middle; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; vertical-align: -1px; }
.duel { display: grid; gap: .3rem; } .duel h3 { margin: 0; }
.rate { font-variant-numeric: tabular-nums; } .rate b { font-size: 1.5rem; line-height: 1.2; margin-right: .35rem; }
.bar { height: 22px; } .whisker { height: 16px; }
.win { fill: var(--win); background: var(--win); } .tie { fill: var(--tie); background: var(--tie); } .loss { fill: var(--loss); background: var(--loss); }
.scale { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; }
.scale > * { flex: 1; } .scale > :nth-child(2) { text-align: center; } .scale > :last-child { text-align: right; }
.stages { list-style: none; margin: 0; padding: 0; } .stages li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; padding: .4rem 0; }
.stages .bar { grid-column: 1 / -1; height: 8px; } .stages .time { font-variant-numeric: tabular-nums; }
details { border-top: 1px solid var(--line); } details:last-of-type { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: .7rem .25rem; overflow-wrap: anywhere; } summary .label { color: var(--soft); font-size: .8rem; margin-left: .5rem; }
figure details { border: 0 !important; margin-top: .4rem; font-size: .875rem; } figure summary { padding: .25rem 0; color: var(--soft); }
.answers { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); padding-bottom: 1rem; }
.answers > * { min-width: 0; } .text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; margin: 0; max-width: none; }
.prompt { border-left: 3px solid var(--line); padding-left: .8rem; margin: 0 0 .8rem; }
.group { border: 0 !important; } .group > details { margin-left: 1rem; } .group > summary { font-size: 1.05rem; }
footer { padding-block: 2.5rem; }
@media print { nav, .skip { display: none; } body { background: none; } .panel, details { break-inside: avoid; } }
`;
