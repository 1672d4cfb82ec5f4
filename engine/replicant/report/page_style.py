"""The style of pages: light and dark by the system's wish, narrow screens, paper."""

from __future__ import annotations

from replicant.view.markup import DARK, LIGHT, SYNTHETIC, declare

__all__ = ["STYLE"]

_COLOURS = "".join(f".{name}{{--c:var(--{name})}}" for name in SYNTHETIC)
STYLE = f"""
:root{{color-scheme:light dark;{declare(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{declare(DARK)}}}}}
@media print{{:root{{color-scheme:light;{declare(LIGHT)}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}}
main,body>header,body>nav,body>footer{{max-width:1240px;margin:0 auto;padding:0 20px}}
body>header{{padding-top:28px}}
h1{{font-size:28px;line-height:1.2;margin:0 0 8px;overflow-wrap:anywhere}}
h2{{font-size:21px;margin:44px 0 8px;padding-top:14px;border-top:2px solid var(--faint)}}
h3{{font-size:17px;margin:30px 0 4px;overflow-wrap:anywhere}}
h4{{font-size:13px;margin:0 0 4px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}}
p{{margin:6px 0;max-width:76ch;overflow-wrap:anywhere}}
a{{color:inherit;text-decoration-color:var(--soft);text-underline-offset:3px}}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{{outline:2px solid var(--fill);outline-offset:2px}}
small{{font-size:.82em;color:var(--soft)}}
code{{font:13px ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}}
.soft{{color:var(--soft)}}
.unseen{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
.warning{{border:1px solid var(--alarm);border-left-width:6px;border-radius:6px;padding:8px 14px;background:var(--card);
max-width:none}}
.off{{color:var(--alarm);font-weight:700;margin-right:3px}}
.cards{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(250px,100%),1fr));gap:12px;margin:18px 0;
padding:0;list-style:none}}
.cards>li{{background:var(--card);border:1px solid var(--faint);border-top:4px solid var(--c);border-radius:8px;
padding:10px 12px;min-width:0}}
.cards h3{{margin:0;font-size:15px}}
.cards p{{font-size:12.5px;margin:2px 0 6px}}
dl{{margin:0;display:grid;grid-template-columns:auto 1fr;gap:2px 10px;font-size:13px}}
dt{{color:var(--soft)}}
dd{{margin:0;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
dl.facts{{grid-template-columns:max-content 1fr;max-width:76ch}}
dl.facts dd{{text-align:left;white-space:normal;overflow-wrap:anywhere}}
nav ul{{display:flex;flex-wrap:wrap;gap:4px 18px;margin:14px 0 0;padding:0;list-style:none;font-size:14px}}
nav li{{overflow-wrap:anywhere;min-width:0}}
.scroll{{overflow-x:auto;margin:10px 0;background:var(--card);border:1px solid var(--faint);border-radius:8px;
max-width:100%;position:relative}}
table{{border-collapse:separate;border-spacing:0;font-size:13px;line-height:1.4;font-variant-numeric:tabular-nums;
min-width:100%}}
caption{{text-align:left;padding:8px 12px 6px;color:var(--soft)}}
caption span{{position:sticky;left:12px;display:inline-block;max-width:min(1180px,100vw - 70px);overflow-wrap:anywhere}}
th,td{{padding:3px 8px;text-align:right;white-space:nowrap;font-weight:400;border-top:1px solid var(--faint)}}
thead th{{color:var(--soft);vertical-align:bottom;border-top:0}}
thead tr:last-child th{{padding-bottom:6px}}
th[scope=colgroup]{{color:var(--ink);font-weight:600;text-align:left;border-left:1px solid var(--faint)}}
thead tr+tr th{{border-top:0}}
.lead{{border-left:1px solid var(--faint)}}
tbody th:first-child,thead tr:first-child>th:first-child{{text-align:left;position:sticky;left:0;
background:var(--card);min-width:min(16ch,34vw);max-width:min(260px,38vw);white-space:normal;overflow-wrap:anywhere}}
.grouped tbody th,.grouped thead tr:first-child>th:nth-child(2){{text-align:left}}
.grouped tbody tr:not(:first-child) th,.grouped tbody tr:not(:first-child) td{{border-top-color:transparent}}
.grouped tbody tr:not(:first-child) th:first-child{{position:static;max-width:none}}
th[scope=rowgroup]{{font-weight:600;vertical-align:top}}
.words td,.words thead th{{text-align:left}}.words td.long{{white-space:normal;overflow-wrap:anywhere;min-width:36ch}}
td.none{{color:var(--soft)}}
.corner{{background:var(--wash)}}
tbody tr:hover>td{{background:var(--wash)}}
details{{margin:8px 0}}
summary{{cursor:pointer;font-size:14px;width:fit-content;max-width:100%;overflow-wrap:anywhere}}
.arm{{display:inline-block;max-width:26ch;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
vertical-align:bottom}}
.arm svg{{width:12px;height:12px;vertical-align:-1px;margin-right:5px}}
figure{{margin:10px 0 0}}
figcaption{{font-size:13.5px;color:var(--soft);max-width:90ch;margin-top:8px;overflow-wrap:anywhere}}
.key{{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0;padding:0;list-style:none;font-size:13px}}
.key svg{{width:14px;height:12px;vertical-align:-1px;margin-right:6px}}.key li{{overflow-wrap:anywhere;min-width:0}}
.panels{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(330px,100%),1fr));gap:12px;align-items:start}}
.panel{{background:var(--card);border:1px solid var(--faint);border-radius:8px;padding:10px 12px;min-width:0}}
.panel.wide{{grid-column:1/-1}}.panel .scroll{{border:0;margin:0}}
.panel svg{{display:block;width:100%;max-width:460px;height:auto;margin:0 auto}}
.panel.wide svg{{max-width:none}}
svg text{{font:11px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}}
svg text.name,svg text.in{{fill:var(--ink)}}svg text.in{{font-size:10px;font-variant-numeric:tabular-nums}}
.real{{--c:var(--mark)}}{_COLOURS}
.dot{{fill:var(--c);stroke:var(--card);stroke-width:.25}}.real .dot{{fill:var(--card);stroke:var(--c);stroke-width:.45}}
.area{{fill:var(--c);fill-opacity:.75}}.area.real{{fill-opacity:.3;stroke:none}}
.thin{{stroke:var(--c);stroke-width:1.2;fill:none}}.thick{{stroke:var(--c);stroke-width:5;stroke-opacity:.4;fill:none}}
.grid{{stroke:var(--faint);fill:none}}
.truth{{stroke:var(--ink);stroke-width:1.3;stroke-dasharray:4 2.5;fill:none}}
.outline{{stroke:var(--mark);stroke-width:1.5;stroke-linejoin:round;fill:none}}
.band{{fill:var(--wash)}}.lane{{fill:var(--faint)}}.rise{{fill:var(--rise)}}.fall{{fill:var(--fall)}}
body>footer{{padding-bottom:40px}}
@media (max-width:560px){{
body{{font-size:14px}}main,body>header,body>nav,body>footer{{padding:0 14px}}
body>header{{padding-top:16px}}h1{{font-size:23px}}
th,td{{padding:3px 7px}}dl.facts{{grid-template-columns:1fr}}dl.facts dd{{margin-bottom:6px}}
}}
@page{{size:A4 landscape;margin:12mm}}
@media print{{
body{{background:none;font-size:10pt}}main,body>header,body>footer{{max-width:none;padding:0}}nav{{display:none}}
.scroll{{overflow:visible;border:0}}table{{font-size:7pt}}th,td{{padding:1px 4px}}
tbody th:first-child,caption span{{position:static}}
details::details-content{{content-visibility:visible;display:block}}summary{{list-style:none}}
tr,.panel,.cards>li,.warning{{break-inside:avoid}}h2,h3,h4,caption,summary,.key{{break-after:avoid}}
.panels{{grid-template-columns:repeat(3,1fr)}}*{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
}}
"""
