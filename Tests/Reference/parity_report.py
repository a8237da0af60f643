"""Opens reports in headless Chromium, at phone and desktop width, in both languages, light and dark.

A classifier, a tagger and a reader are distilled in a few steps from the teachers of `potstill demo`, and two runs are put
side by side. Each page must draw itself without an error, in the language that the browser asks for, switch by its buttons, show values under
the pointer, stay within its width, and ask for nothing from elsewhere. Where no Chromium is, the check says so and ends.

  parity_report.py --potstill BINARY [--keep FOLDER]

`--keep` leaves the reports and pictures of all of them there, to be looked at.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Runs inside the page: before its program, to catch errors, and after it, to use it as a reader does.
EARLY = """<script>window.faults = [];
addEventListener('error', event => faults.push(String(event.message)));
addEventListener('unhandledrejection', event => faults.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => faults.push('policy: ' + event.violatedDirective));</script>"""
LATE = """<script>addEventListener('load', () => setTimeout(() => {
  const root = document.documentElement;
  const look = () => ({ lang: root.lang, theme: root.dataset.theme, title: document.title,
    sections: [...document.querySelectorAll('section h2')].map(node => node.textContent),
    charts: [...document.querySelectorAll('.chart')].map(box => box.querySelectorAll('path, circle, rect').length),
    wide: [...document.querySelectorAll('main *')].filter(node => !node.closest('.scroll, pre, svg') && node.getBoundingClientRect().right > innerWidth + 0.5)
      .map(node => node.tagName + '.' + node.className), scroll: root.scrollWidth - innerWidth,
    backgrounds: getComputedStyle(document.body).backgroundColor });
  const result = { first: look() };
  const svg = document.querySelector('#curves .chart svg');
  if (svg) {
    const box = svg.getBoundingClientRect();
    svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 0.7, clientY: box.top + 50 }));
    result.tip = document.querySelector('.tip')?.textContent ?? '';
    svg.dispatchEvent(new PointerEvent('pointerleave'));
    result.left = document.querySelectorAll('.tip').length;
  }
  const filter = document.querySelector('select');
  if (filter) { filter.value = 'lost'; filter.dispatchEvent(new Event('change')); result.lost = document.querySelectorAll('.row').length; }
  document.getElementById('language').click();
  result.second = look();
  document.getElementById('theme').click();
  result.third = look();
  result.faults = faults;
  result.loaded = performance.getEntriesByType('resource').map(entry => entry.name);
  parent.postMessage(JSON.stringify(result), '*');
}, 300));</script>"""
OUTER = """<!doctype html><meta charset="utf-8"><body style="margin:0"><pre id="result"></pre>
<iframe src="{name}" width="{width}" height="2000" style="border:0"></iframe>
<script>addEventListener('message', event => {{ document.getElementById('result').textContent = event.data; }});</script>"""


def browser():
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return next((path for path in map(shutil.which, names) if path), None)


def run(words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nexited {done.returncode}:\n{done.stderr}")


def chromium(path, *words):
    return subprocess.run(
        [path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000", *words],
        capture_output=True, text=True, timeout=120)


def reports(potstill, folder):
    made = []
    for kind, task in [("cls", "sample"), ("ner", "sample-ner"), ("qa", "sample-qa")]:
        demo = folder / f"demo-{kind}"
        more = [] if kind == "cls" else ["--task", kind]
        run([potstill, "demo", *more, "--output", demo, "--quiet"])
        for student in ["T1", "T2"] if kind == "cls" else ["T1"]:
            output = folder / f"{kind}-{student}"
            run([potstill, "distill", "--task", task, "--data", demo / "data", "--teacher", demo / "teacher", "--student", student,
                 "--match", "uniform", "--max-steps", 24, "--logging-steps", 4, "--eval-strategy", "steps", "--eval-steps", 8,
                 "--hard-label-weight", 0.5, "--max-eval-samples", 200, "--output", output, "--quiet",
                 *(["--baseline"] if kind == "cls" else [])])
            made.append(output / "report.html")
    run([potstill, "report", folder / "cls-T1", folder / "cls-T2", "--output", folder / "comparison.html", "--quiet"])
    return made + [folder / "comparison.html"]


def check(path, report, width, language, theme, folder):
    text = report.read_text(encoding="utf-8")
    page = folder / "page.html"
    page.write_text(text.replace("<style>", EARLY + "<style>", 1).replace("</body>", LATE + "</body>"), encoding="utf-8")
    outer = folder / "outer.html"
    outer.write_text(OUTER.format(name=f"page.html#lang={language}&amp;theme={theme}", width=width), encoding="utf-8")
    dom = chromium(path, "--dump-dom", f"--window-size={width + 60},2200", f"file://{outer}").stdout
    found = re.search(r'<pre id="result">(.*?)</pre>', dom, re.S)
    if not found or not found.group(1):
        return [f"the page said nothing: {dom[:400]}"]
    result = json.loads(html.unescape(found.group(1)))
    first, second, third = result["first"], result["second"], result["third"]
    tags = {"en": "en", "zh": "zh-Hans"}
    other = "zh" if language == "en" else "en"
    isComparison = report.name == "comparison.html"
    faults = list(result["faults"])

    def expect(condition, words):
        if not condition:
            faults.append(words)

    expect(not result["loaded"], f"it loads {result['loaded']}")
    expect(first["lang"] == tags[language] and second["lang"] == tags[other], f"languages {first['lang']}, {second['lang']}")
    expect(first["theme"] == theme and third["theme"] != theme and first["backgrounds"] != third["backgrounds"], "the theme stays")
    expect(len(first["sections"]) >= (3 if isComparison else 6), f"sections {first['sections']}")
    expect(set(first["sections"]).isdisjoint(second["sections"]), f"titles in both languages: {first['sections']}")
    expect(any(re.search("[\u4e00-\u9fff]", title) for title in (first if language == "zh" else second)["sections"]), "no Chinese")
    for look in [first, second, third]:
        expect(look["charts"] and min(look["charts"]) > 0, f"charts that are empty: {look['charts']}")
        expect(look["scroll"] <= 0 and not look["wide"], f"wider than {width}: {look['scroll']} {look['wide'][:5]}")
    expect(re.search(r"\d", result.get("tip", "")) and result["left"] == 0, f"the tip is {result.get('tip')!r}")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", help="not used")
    parser.add_argument("--data", help="not used")
    parser.add_argument("--keep", type=Path, help="a folder for reports and pictures")
    arguments, _ = parser.parse_known_args()
    path = browser()
    if path is None:
        print("no Chromium here, so reports are not looked at; install chromium")
        return
    lost = 0
    with tempfile.TemporaryDirectory(prefix="potstill-report-") as name:
        folder = arguments.keep.absolute() if arguments.keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for report in reports(Path(arguments.potstill).absolute(), folder):
            shown = report.parent.name if report.name == "report.html" else report.stem
            for width in [390, 1280]:
                for language, theme in [("en", "light"), ("en", "dark"), ("zh", "light"), ("zh", "dark")]:
                    faults = check(path, report, width, language, theme, folder)
                    lost += bool(faults)
                    print(f"{shown:12} {width:5} {language} {theme:5}  {'; '.join(faults) or 'ok'}", flush=True)
                    if arguments.keep:
                        chromium(path, f"--screenshot={folder}/{shown}-{width}-{language}-{theme}.png",
                                 f"--window-size={width},5000", f"file://{report}#lang={language}&theme={theme}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
