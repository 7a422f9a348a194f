"""Pages for people: what this is, and a field to try a program in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>atlas</title>
<style>
  body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 48em; padding: 0 1em }
  input { font: inherit; width: 100% }
  img { margin-top: 1em; max-width: 100% }
</style>
<h1>atlas</h1>
<form id="form">
  <label for="program">A program, as in <code>name,edge.requests,:eq,(,nf.zone,),:by</code></label>
  <input id="program" autofocus>
</form>
<img id="graph" alt="">
<p>
  <a href="/api/v1/tags">keys</a> · <a href="/api/v1/tags/name">names</a> ·
  <a href="/metrics">figures about the store itself</a>
</p>
<script>
  form.onsubmit = () => {
    graph.src = "/api/v1/graph?q=" + encodeURIComponent(program.value)
    return false
  }
</script>
</html>
"""


async def home(_: Request) -> Response:
    """The way to the page."""
    return RedirectResponse("/ui", 301)


async def page(_: Request) -> Response:
    """The page, whatever comes after its path."""
    return HTMLResponse(_PAGE)


ROUTES = [
    Route("/", home, methods=["GET"]),
    Route("/ui", page, methods=["GET"]),
    Route("/ui/{rest:path}", page, methods=["GET"]),
]
