"""HTML pages, parsed and opened in a browser."""

import subprocess
from html.parser import HTMLParser

HOSTILE = "</td></p><script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\"> & 'quoted'"

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """A parsed page: its elements with their attributes, its texts; complains about tags that do not match."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open and self._open[-1] == tag, f"</{tag}> closes <{self._open[-1:]}>"
        self._open.pop()

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def browse(chromium, folder, url, *options):
    flags = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking
        --disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --v=0""".split()
    command = [chromium, *flags, f"--user-data-dir={folder / 'profile'}", *options, url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run
