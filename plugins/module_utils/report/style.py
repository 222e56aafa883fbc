# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style sheet of the report: one column, one type face, colour only for status. A test holds the contrasts."""

from __future__ import annotations

# name -> (light, dark); f-NAME is a colour for filled marks, t-NAME one for text, b-NAME a tinted ground
COLOURS = {
    "page": ("#f6f6f4", "#131517"),
    "sheet": ("#ffffff", "#1b1e21"),
    "ink": ("#1d2023", "#e7e9eb"),
    "soft": ("#5a616a", "#a4abb4"),
    "line": ("#e2e3e1", "#31363b"),
    "rail": ("#ececea", "#2a2e33"),
    "trend": ("#4b535c", "#b6bdc6"),
    "t-ok": ("#1a6a3d", "#83d3a1"),
    "t-warning": ("#7d4a00", "#ecbf68"),
    "t-unknown": ("#5a3e94", "#c7b3f4"),
    "t-critical": ("#a3141f", "#ff9a98"),
    "t-skipped": ("#5a616a", "#a4abb4"),
    "f-ok": ("#2e8555", "#4aa673"),
    "f-warning": ("#b06f00", "#d79a2b"),
    "f-unknown": ("#7657b8", "#9d83dc"),
    "f-critical": ("#c32630", "#e2575a"),
    "f-skipped": ("#7b828a", "#757d86"),
    "b-ok": ("#eef6f1", "#18261f"),
    "b-warning": ("#fcf3e0", "#2c2412"),
    "b-unknown": ("#f3effb", "#241f33"),
    "b-critical": ("#fcecec", "#331b1d"),
    "b-skipped": ("#f1f2f2", "#24282c"),
}
STATUSES = ("ok", "warning", "unknown", "critical", "skipped")

_RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1,h2,h3,p,ul,ol,dl,dd,table{margin:0;padding:0}
ul,ol{list-style:none}
h2{font-size:1.25rem;line-height:1.3;font-weight:600;letter-spacing:-.01em;margin:3rem 0 1rem}
h3{font-size:.9375rem;font-weight:600;color:var(--soft);margin:1.75rem 0 .5rem}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.2em}
code,.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em}
.soft{color:var(--soft)}
.small{font-size:.875rem}
.num{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
.defs{position:absolute}
.icon{width:1em;height:1em;flex:none;vertical-align:-.125em}
.m{fill:none;stroke:var(--sheet);stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.status{display:inline-flex;gap:.45em;align-items:center;font-weight:600;white-space:nowrap}
.kicker{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;color:var(--soft);font-size:.875rem;margin-bottom:1rem}
.kicker b{color:var(--ink);font-weight:600}
.verdict{padding:1.5rem;border-radius:.75rem}
.verdict h1{display:flex;gap:.7em;font-size:clamp(1.2rem,.95rem + 1.2vw,1.6rem);line-height:1.35;font-weight:600;letter-spacing:-.012em;text-wrap:pretty}
.verdict h1 .icon{width:1.35em;height:1.35em}
.verdict .stack{margin:1.25rem 0 .75rem}
.counts{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.9375rem}
.counts .none{color:var(--soft);font-weight:400}
.notice{margin-top:1rem;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--sheet)}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:.75rem}
.todo>li{padding:1.1rem 1.25rem;display:grid;grid-template-columns:7.5rem minmax(0,1fr);gap:.15rem 1rem;align-items:start}
li+li{border-top:1px solid var(--line)}
.todo ul li+li{border:0}
.todo .say{font-weight:600}
.todo .say,.todo .body{grid-column:2}
.todo .body>*{margin-top:.2rem}
.todo .body b{color:var(--ink)}
.todo .body ul li{padding:.1rem 0}
.check{padding:.8rem 1.25rem;display:grid;grid-template-columns:7.5rem minmax(0,1fr) 10.5rem 8.75rem;gap:.15rem 1rem;align-items:start}
.check .figure{text-align:right}
.check .figure b{display:block;font-weight:600;font-size:1rem;line-height:1.5rem;color:var(--ink)}
.check .picture{min-height:2.25rem;text-align:right}
.facts{display:flex;flex-wrap:wrap;gap:0 1rem;margin-top:.2rem}
.facts div{display:flex;gap:.4em}
.facts dd{color:var(--ink)}
svg.spark{display:block;width:8.75rem;height:2.25rem;margin-left:auto;overflow:visible}
.trend{fill:none;stroke:var(--trend);stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
.last{fill:var(--ink)}
.limit{fill:none;stroke-width:1}.limit.s-warning{stroke-dasharray:1.5 2.5}.limit.s-critical{stroke-dasharray:5 3}
svg.bar,svg.stack{display:block;width:100%;height:.5rem;border-radius:.25rem;overflow:hidden}
.rail{fill:var(--rail)}.s-plain{fill:var(--trend)}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
th{text-align:left;font-weight:400;color:var(--soft);font-size:.875rem}
th,td{padding:.6rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
th.num{text-align:right}
tr:last-child>td{border-bottom:0}
th:first-child,td:first-child{padding-left:1.25rem}
th:last-child,td:last-child{padding-right:1.25rem}
td.graph{min-width:6rem;width:22%;padding-top:1.05rem}
.empty{padding:1rem 1.25rem;color:var(--soft)}
.list>li{padding:.7rem 1.25rem}
details{margin-top:1rem}
details>summary{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem;padding:1rem 1.25rem;cursor:pointer;font-weight:600;list-style:none}
details>summary::-webkit-details-marker{display:none}
details>summary::before{content:"";flex:none;align-self:center;width:.45em;height:.45em;border:solid var(--soft);
border-width:0 1.5px 1.5px 0;transform:rotate(-45deg)}
details[open]>summary::before{transform:rotate(45deg)}
details>summary .soft{font-weight:400}
details>.inside{padding:0 1.25rem 1.25rem}
details .inside>h3:first-child{margin-top:.25rem}
summary:focus-visible,a:focus-visible{outline:2px solid var(--f-unknown);outline-offset:2px;border-radius:.25rem}
.how{max-width:44rem}
.how li{padding:.3rem 0}.how li+li{border:0}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}
@media(max-width:46rem){
main{padding:1.25rem 1rem 3rem}
h2{margin:2.25rem 0 .75rem}
.verdict{padding:1.1rem}
.todo>li{display:block;padding:.9rem 1rem}
.todo .say{margin-top:.2rem}
.check{padding:.8rem 1rem;grid-template-columns:minmax(0,1fr) auto}
.check .what{grid-column:1/-1}
.check .status{grid-row:1}
.check .picture:empty{display:none}
.check .figure{text-align:left;grid-row:3}
.check .picture{grid-row:3}
.check .figure:empty{display:none}
.inside{margin:0 -.25rem}
.stackable thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stackable tr{display:flex;flex-wrap:wrap;gap:.1rem 1rem;padding:.75rem 1rem;border-bottom:1px solid var(--line)}
.stackable tbody tr:last-child{border-bottom:0}
.stackable td{display:block;border:0;padding:0;text-align:left}
.stackable td:first-child,.stackable td.wide{flex:1 0 100%}
.digest td:first-child{flex:0 1 auto}
.stackable td:empty{display:none}
.stackable td.graph{flex:1 0 100%;padding:.35rem 0 .1rem}
.stackable td:first-child,.stackable td:last-child{padding-left:0;padding-right:0}
.stackable td[data-label]::before{content:attr(data-label) " ";color:var(--soft);font-size:.875rem}
.list>li,.empty{padding:.8rem 1rem}
details>summary{padding:.9rem 1rem}
details>.inside{padding:0 1rem 1rem}
}
@media print{
@page{margin:14mm}
body{background:none;font-size:10pt}
main{max-width:none;padding:0}
.sheet,.verdict{border:1px solid var(--line)}
svg,.verdict,.status{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.todo>li,.check,tr,.list>li{break-inside:avoid}
h2,h3,summary{break-after:avoid}
h2{margin-top:1.75rem}
.check{grid-template-columns:5.5rem minmax(0,1fr) 8.5rem 8.75rem}
.todo>li{grid-template-columns:5.5rem minmax(0,1fr)}
.check .figure b{font-size:1em}
.scroll{overflow:visible}
}
"""


def sheet() -> str:
    """Return the whole style sheet."""
    status_rules = "".join(
        f".s-{name}{{fill:var(--f-{name})}}.limit.s-{name}{{stroke:var(--f-{name})}}.status.s-{name}{{color:var(--t-{name})}}"
        f".verdict.s-{name}{{background:var(--b-{name})}}.verdict.s-{name} h1{{color:var(--t-{name})}}"
        for name in STATUSES
    )
    return (f":root{{color-scheme:light dark;{_variables(0)}}}"
            f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(1)}}}}}" + _RULES.strip() + status_rules)


def _variables(theme: int) -> str:
    return "".join(f"--{name}:{pair[theme]};" for name, pair in COLOURS.items())
