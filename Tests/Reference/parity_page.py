"""Opens the page of `potstill serve` in headless Chromium, at phone and desktop width, and asks it in English and Chinese.

The students and teachers of `potstill demo` answer: a classifier, a tagger and a reader. The page must show what `potstill predict
--json` prints, teacher beside student, mark entities and answers, show a token's place under the pointer, stay within its
width, show markup as text, and switch its language. Where no Chromium is, the check says so and ends.

  parity_page.py --potstill BINARY

The program potstill-serve must lie beside BINARY.
"""

import argparse
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

# Uses the page as a reader does; the answer is left in its document.
DRIVER = """<script>addEventListener('load', async () => {
  const pause = ms => new Promise(done => setTimeout(done, ms)), at = id => document.getElementById(id);
  const faults = [];
  addEventListener('error', event => faults.push(String(event.message)));
  await pause(300);
  const asked = %s;
  at('first').value = asked.first;
  at('second').value = asked.second || '';
  at('form').requestSubmit();
  for (let i = 0; i < 100 && !at('tokens').children.length; i++) await pause(50);
  const token = at('tokens').children[1];
  token.dispatchEvent(new MouseEvent('mouseenter'));
  const root = document.documentElement;
  const result = { what: at('what').textContent, lang: root.lang, place: at('place').textContent,
    cards: [...document.querySelectorAll('#answers .card')].map(card => card.textContent),
    verdicts: [...document.querySelectorAll('.verdict')].map(node => node.textContent),
    marks: [...document.querySelectorAll('mark')].map(node => node.firstChild.textContent),
    tokens: at('tokens').children.length, images: document.images.length,
    scroll: root.scrollWidth - root.clientWidth };
  at('language').click();
  result.other = [root.lang, at('ask').textContent];
  result.fault = at('fault').hidden ? '' : at('fault').textContent;
  result.faults = faults;
  parent.postMessage(JSON.stringify(result), '*');
});</script>"""
# A window has a least width, a frame has none.
OUTER = """<!doctype html><meta charset="utf-8"><body style="margin:0"><pre id="result"></pre>
<iframe src="/" width="%d" height="1400" style="border:0"></iframe>
<script>addEventListener('message', event => { document.getElementById('result').textContent = event.data; });</script>"""


def browser():
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return next((path for path in map(shutil.which, names) if path), None)


def front(port, driver, width):
    """A server that passes everything on to the one on `port`, with a script behind its page, and has that in a frame."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            if self.path == "/outer":
                return self.give(200, "text/html", (OUTER % width).encode())
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            request = urllib.request.Request(f"http://127.0.0.1:{port}{self.path}", body, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request) as response:
                    status, kind, content = response.status, response.headers["Content-Type"], response.read()
            except urllib.error.HTTPError as error:
                status, kind, content = error.code, error.headers["Content-Type"], error.read()
            if self.path == "/":
                content = content.replace(b"</body>", driver.encode() + b"</body>")
            self.give(status, kind, content)

        def give(self, status, kind, content):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def look(chromium, port, asked, width, language):
    server = front(port, DRIVER % json.dumps(asked).replace("</", "<\\/"), width)
    words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width + 60},1500", f"--lang={language}",
             f"--accept-lang={language}", "--virtual-time-budget=20000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/outer"]
    text = subprocess.run(words, capture_output=True, text=True, timeout=120).stdout
    server.shutdown()
    found = re.search(r'<pre id="result">(.*?)</pre>', text, re.S)
    if not found or not found.group(1):
        sys.exit(f"the page did not come to its end: {text[-2000:]}")
    return json.loads(html.unescape(found.group(1)))


def predict(potstill, model, asked):
    row = {"question": asked["first"], "context": asked["second"]} if asked.get("second") else {"text": asked["first"]}
    words = [potstill, "predict", "--model", model, "--json"]
    return json.loads(subprocess.run(words, input=json.dumps(row), capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True)
    parser.add_argument("--models")
    parser.add_argument("--data")
    arguments = parser.parse_args()
    chromium = browser()
    if not chromium:
        print("no Chromium here; nothing was looked at")
        return
    potstill, pages = arguments.potstill, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, texts in [
            ("cls", [{"first": "the room was not clean , but the staff was lovely <img src=x onerror=fail()>"}, {"first": "房间不好 😀"}]),
            ("ner", [{"first": "Lincoln and Florence wrote a book about Florence ."}]),
            ("qa", [{"first": "What does Frank like best?", "second": "Frank works for the post office. Frank likes good soup best."}]),
        ]:
            demo = folder / kind
            more = [] if kind == "cls" else ["--task", kind]
            subprocess.run([potstill, "demo", "--output", demo, "--quiet", *more], check=True, capture_output=True)
            server = subprocess.Popen(
                [potstill, "serve", "--model", demo / "student", "--teacher", demo / "teacher", "--port", "0"],
                stderr=subprocess.PIPE, text=True)
            port = int(re.search(r":(\d+) ", server.stderr.readline()).group(1))
            for asked in texts:
                answers = [predict(potstill, demo / who, asked) for who in ("student", "teacher")]
                for width in (390, 1280):
                    for language in ("en-US", "zh-CN"):
                        seen = look(chromium, port, asked, width, language)
                        place = f"{kind}, {width}, {language}: {json.dumps(seen, ensure_ascii=False)}"
                        checks = {
                            "no fault": not seen["fault"] and not seen["faults"],
                            "two cards": len(seen["cards"]) == 2,
                            "markup is text": seen["images"] == 0,
                            "width": seen["scroll"] <= 0,
                            "tokens": seen["tokens"] > 3 and "id " in seen["place"],
                            "language": seen["lang"] == ("zh-CN" if language == "zh-CN" else "en"),
                            "switch": seen["other"] == (["en", "Answer"] if language == "zh-CN" else ["zh-CN", "预测"]),
                        }
                        for answer, card in zip(answers, seen["cards"]):
                            wanted = answer.get("label") or answer.get("answer") or [e["word"] for e in answer["entities"]]
                            checks[f"answer {wanted}"] = all(word in card for word in ([wanted] if isinstance(wanted, str) else wanted))
                        if kind == "qa":
                            checks["marks"] = seen["marks"][0] == answers[0]["answer"]
                        if kind == "ner":
                            checks["marks"] = len(seen["marks"]) == sum(len(a["entities"]) for a in answers)
                        wrong = [check for check, holds in checks.items() if not holds]
                        if wrong:
                            sys.exit(f"{', '.join(wrong)} is wrong at {place}")
                        pages += 1
            server.terminate()
            server.wait(10)
    print(f"{pages} pages show what potstill predict prints")


main()
