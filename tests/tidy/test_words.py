"""What no file of the project may say."""

from __future__ import annotations

import re

# Written with a class of one letter, so that this file does not break its own rules.
PATTERNS = {
    "unfinished work carries an issue number, as in (#12)": re.compile(r"\bT[O]DO\b(?!\(#\d+\))"),
    "say what is wrong, and why": re.compile(r"\bF[I]XME\b|\bX[X]X\b"),
    "no path of one machine": re.compile(r"(?<![\w.*])/[w]ork/|/[h]ome/\w+/|/[r]oot/\w"),
    "the product is the subject, not its making": re.compile(r"(?i)\bhelper [a]gent|\bsub[a]gent"),
}
URL = re.compile(r"https?://([\w.-]+)")
HOSTS = {
    "json.schemastore.org",
    "localhost",
    "127.0.0.1",
    "keepachangelog.com",
    "semver.org",
    "github.com",
    "json-schema.org",
}
HOSTS |= {"netflix.github.io", "docs.python.org", "man7.org", "www.apache.org"}
HOSTS |= {"scripts.sil.org"}  # in the licence of the font
HOSTS |= {"ec2.amazonaws.com", "autoscaling.amazonaws.com", "www.w3.org"}  # of XML namespaces
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".test", ".json", ".sh", ""}


def lines(root, files):
    for path in files:
        if path.suffix in TEXT:
            text = (root / path).read_text(encoding="utf-8", errors="replace")
            yield from ((path, n, line) for n, line in enumerate(text.splitlines(), 1))


def test_no_forbidden_words(root, files, report):
    report(
        f"{path}:{n}: {rule}"
        for path, n, line in lines(root, files)
        for rule, pattern in PATTERNS.items()
        if pattern.search(line)
    )


def test_links_lead_to_known_hosts(root, files, report):
    def is_known(host: str) -> bool:
        return (
            host in HOSTS
            or host.startswith(("10.", "127."))
            or host.endswith((".test", "example.com"))
        )

    report(
        f"{path}:{n}: '{host}' is not among the hosts that the project links to"
        for path, n, line in lines(root, files)
        for host in URL.findall(line)
        if "." in host and not is_known(host)
    )
