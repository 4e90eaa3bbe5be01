"""Make the pictures of the README, of the terminal and of the report, from the embedded generations.

    python docs/pictures.py [--browser /usr/bin/chromium] [--nine build/e2e/nine/runs]

Needs the extra `test` and a Chromium. The generations are judged for it, which takes a minute. `--nine` makes
only those of the nine runs of e2e/nine_runs.py, which are in that folder.
"""

from __future__ import annotations

import argparse
import html
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).resolve().parent / "pictures"
LARGEST = 150_000  # bytes of a picture

_COLOURS = {"1": "bold", "2": "dim", "31": "red", "32": "green", "1;33": "yellow"}
_TERMINAL = """<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 0; padding: 14px 18px; background: #14181d; display: inline-block; }
pre { margin: 0; font: 13px/1.42 "DejaVu Sans Mono", monospace; color: #d5dbe1; }
.bold { font-weight: 700; color: #fff; } .dim { color: #8b949e; } .green { color: #56d364; }
.red { color: #ff7b72; } .yellow { color: #e3b341; } .prompt { color: #79c0ff; }
</style><pre>"""


def main() -> None:
    """Judge, then photograph."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--nine", type=Path)
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    if options.nine is not None:
        nine(options.nine.resolve(), options.browser)
        return
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        passk(folder, "run", "--tasks", "passk_humaneval", "--output_path", "runs/", "--log_samples")
        passk(folder, "report", "runs/", "-o", "report.html")
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 900, "height": 100}, device_scale_factor=1.5)
        page.set_content(_TERMINAL + terminal(folder, "show", "runs/", "--metrics", "pass^2,g-pass@10_0.5"))
        save("terminal.png", page.locator("body").screenshot())
        for scheme in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": 1000, "height": 800}, color_scheme=scheme, device_scale_factor=1.5
            )
            page.goto((folder / "report.html").as_uri())
            save(f"report-{scheme}.png", photograph(page, opened=scheme == "dark"))
        browser.close()


def nine(runs: Path, executable: str) -> None:
    """Photograph what is said of nine runs: on the terminal, and in the report."""
    folders = [path.name for path in sorted(runs.iterdir())]
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        report = Path(temporary) / "report.html"
        passk(runs, "report", *folders, "-o", str(report))
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        for command in ("factors", "trend"):
            page = browser.new_page(viewport={"width": 1100, "height": 100}, device_scale_factor=1.2)
            page.set_content(_TERMINAL + terminal(runs, command, "."))
            save(f"{command}.png", page.locator("body").screenshot())
        page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=1.2)
        page.goto(report.as_uri())
        save("causes.png", page.locator("#causes").screenshot())
        browser.close()


def passk(folder: Path, *arguments: str) -> None:
    """Run a command of `passk` in a folder."""
    subprocess.run([sys.executable, "-m", "passk_tasks", *arguments], cwd=folder, check=True)


def terminal(folder: Path, *arguments: str) -> str:
    """Return what a command prints on a terminal, as HTML."""
    code = (
        "import sys; sys.stdout.isatty = lambda: True\n"
        "from passk_tasks.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    printed = html.escape(done.stdout)
    for escape, name in _COLOURS.items():
        printed = printed.replace(f"\033[{escape}m", f'<span class="{name}">')
    printed = re.sub(r"\033\[0m", "</span>", printed)
    return f'<span class="prompt">$</span> passk {html.escape(" ".join(arguments))}\n\n{printed}</pre>'


def photograph(page: Page, *, opened: bool) -> bytes:
    """Return the top of the page, or a problem that some samples solve, opened."""
    if opened:
        page.locator("#kind").select_option("sometimes")
        page.locator("#table thead").get_by_role("button", name="passed").click()
        page.locator("#table tbody tr:visible button").first.click()
        page.locator("article").first.wait_for()
        page.evaluate("document.getElementById('problems').scrollIntoView()")
    return page.screenshot()


def save(name: str, png: bytes) -> None:
    """Write a picture in as few colours as it needs."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    path = PICTURES / name
    picture.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST} bytes")


if __name__ == "__main__":
    main()
