"""Checks what reports are made of against networkx, numpy and transformers, and opens them in headless Chromium.

A classifier (of two teachers), a tagger and a reader are distilled in a few steps from the teachers of `potstill demo`, and two
runs are put side by side. Graphs must read as the same ones from GraphML and JSON, with the distances of the rows; attention maps
must be those of transformers. At phone and desktop width, in both languages, light and dark, each page must draw itself without an error, in the language that the browser asks for, switch by its buttons, show values under
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

import networkx
import numpy

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
  const maps = document.querySelector('#attention');
  if (maps) {
    result.maps = [];
    for (const choice of [...maps.querySelectorAll('select')].map((_, i) => i)) {
      const node = maps.querySelectorAll('select')[choice];
      node.value = node.options[node.options.length - 1].value;
      node.dispatchEvent(new Event('change'));
      result.maps.push([...maps.querySelectorAll('.chart')].map(box => box.querySelectorAll('path').length));
    }
    const map = maps.querySelector('.chart svg');
    const box = map.getBoundingClientRect();
    map.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 64, clientY: box.top + 66 }));
    result.share = maps.querySelector('.tip')?.textContent ?? '';
    map.dispatchEvent(new PointerEvent('pointerleave'));
  }
  result.graphs = [...document.querySelectorAll('#class_relations .chart svg, #row_relations .chart svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text.strong')].map(node => node.getBoundingClientRect());
    return { lines: svg.querySelectorAll('line').length, nodes: svg.querySelectorAll('circle').length,
      out: texts.filter(text => text.left < box.left - 1 || text.right > box.right + 1 || text.top < box.top - 1 || text.bottom > box.bottom + 1).length };
  });
  const filter = document.querySelector('#disagreement select, #mistakes select');
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
            second = ["--teacher", folder / "cls-T1"] if student == "T2" else []
            run([potstill, "distill", "--task", task, "--data", demo / "data", "--teacher", demo / "teacher", *second, "--student", student,
                 "--match", "uniform", "--max-steps", 24, "--logging-steps", 4, "--eval-strategy", "steps", "--eval-steps", 8,
                 "--hard-label-weight", 0.5, "--max-eval-samples", 200, "--output", output, "--quiet",
                 *(["--baseline"] if kind == "cls" else [])])
            run([potstill, "report", output, "--attention", 3, "--row-graph", 16, "--quiet"])
            made.append(output / "report.html")
    run([potstill, "report", folder / "cls-T1", folder / "cls-T2", "--output", folder / "comparison.html", "--quiet"])
    return made + [folder / "comparison.html"]


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def graphs(folder):
    """Faults of the graphs of a run: GraphML and JSON are one graph, and its distances those of the rows."""
    faults = []
    for name in ["class_graph", "row_graph"]:
        if not (folder / f"{name}.graphml").exists():
            continue
        markup = networkx.read_graphml(folder / f"{name}.graphml")
        data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        linked = networkx.node_link_graph(data, edges="edges")
        if dict(markup.nodes(data=True)) != dict(linked.nodes(data=True)) or markup.is_directed():
            faults.append(f"{name}: other nodes in GraphML")
        ends = {frozenset(edge[:2]): edge[2] for edge in markup.edges(data=True)}
        if ends != {frozenset(edge[:2]): edge[2] for edge in linked.edges(data=True)}:
            faults.append(f"{name}: other edges in GraphML")
        if any(markup.graph.get(key) != value for key, value in linked.graph.items()):
            faults.append(f"{name}: GraphML says {markup.graph} of the graph")
        if len(ends) != len(markup) * (len(markup) - 1) // 2:
            faults.append(f"{name}: not every pair of nodes has an edge")
        if name == "row_graph":
            for side in ["student", "teacher"]:
                mean = numpy.mean([edge[side] for edge in ends.values()])
                if abs(mean - 1) > 1e-4:
                    faults.append(f"{name}: the mean distance of the {side} is {mean}")
        elif data["graph"]["vectors"] == "probabilities":
            rows = lines(folder / "eval_predictions.jsonl")
            for side, key in [("student", "probabilities"), ("teacher", "teacher_probabilities")]:
                means = {node: numpy.mean([list(row[key].values()) for row in rows if row["label"] == node], axis=0) for node in markup}
                for edge, values in ends.items():
                    a, b = edge
                    if abs(numpy.linalg.norm(means[a] - means[b]) - values[side]) > 1e-4:
                        faults.append(f"{name}: the {side}'s distance of {a} and {b} is {values[side]}")
    return faults


def attention(folder, teacher):
    """The largest difference of the attention maps of a classifier from those of transformers."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rows = {row["index"]: row["text"] for row in lines(folder / "eval_predictions.jsonl")}
    worst = 0.0
    for side, place in [("student", folder), ("teacher", teacher)]:
        tokenizer = AutoTokenizer.from_pretrained(place)
        model = AutoModelForSequenceClassification.from_pretrained(place, attn_implementation="eager").eval()
        for row in json.loads((folder / "attention.json").read_text(encoding="utf-8"))["rows"]:
            inputs = tokenizer(rows[row["index"]], return_tensors="pt", truncation=True)
            if tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]) != row[side]["tokens"]:
                return float("inf")
            with torch.no_grad():
                found = model(**inputs, output_attentions=True).attentions
            for pair in row["pairs"]:
                expected = found[pair[f"{side}_layer"] - 1][0].numpy()
                maps = numpy.array(pair[side]["heads"]).reshape(expected.shape)
                mean = numpy.array(pair[side]["mean"]).reshape(expected.shape[1:])
                worst = max(worst, abs(maps - expected).max(), abs(mean - expected.mean(axis=0)).max())
    return worst


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
    if not isComparison:
        expect(result.get("maps") and all(min(paths) > 0 for paths in result["maps"]), f"attention maps {result.get('maps')}")
        expect(re.search(r"\d", result.get("share", "")), f"the tip of a map is {result.get('share')!r}")
        expect(len(result["graphs"]) in (2, 4), f"{len(result['graphs'])} graphs")
        for graph in result["graphs"]:
            expect(graph["lines"] > 0 and graph["nodes"] > 1 and graph["out"] == 0, f"a graph of {graph}")
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
    lost = 0
    with tempfile.TemporaryDirectory(prefix="potstill-report-") as name:
        folder = arguments.keep.absolute() if arguments.keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        made = reports(Path(arguments.potstill).absolute(), folder)
        for run in [report.parent for report in made if report.name == "report.html"]:
            faults = graphs(run)
            if run.name.startswith("cls"):
                worst = attention(run, folder / "demo-cls" / "teacher")
                # The file has four decimals.
                faults += [f"attention differs by {worst}"] if worst > 1e-4 else []
            lost += bool(faults)
            print(f"{run.name:12} graphs and attention  {'; '.join(faults) or 'ok'}", flush=True)
        if path is None:
            print("no Chromium here, so reports are not looked at; install chromium")
        for report in made if path else []:
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
