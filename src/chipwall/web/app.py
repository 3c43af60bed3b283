"""The application: an address becomes a page in a form, kept in memory; heavy questions wait in a line of bounded length."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date
from gzip import compress
from importlib.resources import files
from typing import TypeVar
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from chipwall.answer import plain_json
from chipwall.api.described import OFFERED, ask_door, door_answer, openapi_bytes
from chipwall.background import AnswerStore, Busy, Sent
from chipwall.errors import ChipwallError, InputError
from chipwall.inputs import sent_fields
from chipwall.report.forms.answer_page import AnswerPage as Page
from chipwall.report.forms.parts import style_sheet
from chipwall.text import text
from chipwall.web.ask import Ask, address_on
from chipwall.web.html import MEDIA, figure_bytes, page_bytes
from chipwall.web.rooms import PAGES, WebRoom, error_page, missing_page

__all__ = ["LARGEST_UPLOAD", "answer_of", "application", "place_of", "static_bytes"]

# Largest upload, and how long it may take to arrive [byte], [s].
LARGEST_UPLOAD, LONGEST_UPLOAD = 2_000_000, 20.0
# Questions that are computed at once, and that may wait for it [1].
AT_ONCE, WAITING = 2, 24
SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "{resource}",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Desk:
    """What one worker holds: answers that are kept, and the line before the computing threads."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts
        self.kept = AnswerStore()
        self._line = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def compute(self, work: Callable[[], T]) -> T:
        """Run in a thread; refuse when too many wait already."""
        if self._waiting >= WAITING:
            raise Busy(2)
        self._waiting += 1
        try:
            async with self._line:
                return await run_in_threadpool(work)
        finally:
            self._waiting -= 1


def application(hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The application; ``hosts`` are the names it answers to, any where empty."""
    desk = Desk(hosts)

    async def answer(request: Request) -> Response:
        return await _answer(desk, request)

    return Starlette(
        routes=[Route("/{rest:path}", answer, methods=["GET", "HEAD", "POST"])], exception_handlers={405: _not_allowed}
    )


async def _not_allowed(request: Request, error: Exception) -> Response:
    return _sent(_told(b"405: GET, HEAD or POST\n", "md", status=405), request)


async def _answer(desk: Desk, request: Request) -> Response:
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    if desk.hosts and host not in desk.hosts:
        return _sent(_told(b"This address is not served here.\n", "md", status=421), request)
    path = request.url.path
    if path.startswith("/static/"):
        return _sent(_static(path.removeprefix("/static/")), request)
    given = _given(request.url.query)
    try:
        if request.method == "POST":
            return await _posted(desk, request, path)
        key = f"{date.today()} {path}?{sorted(given.items())}"  # a page without a day means today
        found = desk.kept.get(key) or await desk.kept.one(key, lambda: _made(desk, key, path, given))
        return _sent(found, request)
    except Busy as busy:
        wait = str(busy.seconds)
        return _sent(_told(f"{busy}\n".encode(), "md", status=429), request, {"retry-after": wait})


def _given(query: str) -> dict[str, list[str]]:
    """The parameters of an address; empty ones are as if they were not there."""
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=80, errors="replace")
    except ValueError:
        return {"": ["too many parameters"]}
    return {name: [v for v in values if v] for name, values in found.items() if any(values)}


async def _made(desk: Desk, key: str, path: str, given: Mapping[str, list[str]]) -> Sent:
    def work() -> tuple[Sent, bool]:
        if path == "/openapi.json":
            return _told(openapi_bytes(), "json"), True
        if path.startswith("/api/v1/"):
            return _door(path.removeprefix("/api/v1/"), given), True
        return answer_of(path, given)

    found, keep = await desk.compute(work)
    if keep and found.status == 200:
        desk.kept.put(key, found)
    return found


def _door(door: str, given: Mapping[str, list[str]]) -> Sent:
    """The answer of a public door to the parameters of an address, or what was wrong with them."""
    try:
        found, asked = ask_door(door, given)
        body, status = door_answer(door, found, asked), 200
    except ChipwallError as error:
        status = 404 if door not in OFFERED else 400 if isinstance(error, InputError) else 422
        body = {"error": {"what": str(error.what), "where": str(error.where), "fix": str(error.fix)}}
    return _told(json.dumps(plain_json(body), ensure_ascii=False, allow_nan=False).encode(), "json", status=status)


def answer_of(path: str, given: Mapping[str, list[str]], link: Callable[..., str] = address_on) -> tuple[Sent, bool]:
    """The answer at an address, and whether it may be kept."""
    room, words, form, figure = place_of(path)
    clean = path if form == "html" and not figure else _bare(path, form, figure)
    ask = Ask(clean, words, given, room.fields() if room else (), link)
    try:
        if room is None:
            page: Page | str = missing_page(ask)
        else:
            ask.check()
            page = room.make(ask)
        if isinstance(page, str):
            return _told(page.encode(), "html", status=303), True
        body = figure_bytes(page, figure, form, ask) if figure else page_bytes(page, ask, form)
    except ChipwallError as error:
        page, form = error_page(error, ask), form if form in ("json", "md") else "html"
        body = page_bytes(page, ask, form)
    assert isinstance(page, Page)
    return _told(body, form, status=page.status, embed="embed" in given), page.kept and page.status == 200


def place_of(path: str) -> tuple[WebRoom | None, dict[str, str], str, str]:
    """The page that an address means, the words in it, the form, and the figure where one is asked for."""
    for candidate, form, figure in _readings(path):
        for room in PAGES:
            words = room.match(candidate)
            if words is not None:
                return room, words, form, figure
    return None, {}, "html", ""


def _readings(path: str) -> list[tuple[str, str, str]]:
    """How an address may be cut into page, figure and form; a name may hold points itself."""
    found = []
    for form in ("vl.json", "svg", "png", "json", "csv", "md", "xlsx", "html"):
        if path.endswith(f".{form}"):
            bare = path.removesuffix(f".{form}")
            if form in ("vl.json", "svg", "png"):
                bare, _, figure = bare.rpartition(".")
                found.append((_index(bare), form, figure))
            else:
                found.append((_index(bare), form, ""))
            break
    return [*found, (path, "html", "")]


def _index(path: str) -> str:
    return "/" if path == "/index" else path


def _bare(path: str, form: str, figure: str) -> str:
    return _index(path.removesuffix(f".{figure}.{form}" if figure else f".{form}"))


def _told(body: bytes, form: str, *, status: int = 200, embed: bool = False) -> Sent:
    packed = compress(body, 5, mtime=0) if len(body) > 1000 and form not in ("png", "xlsx") else b""
    mark = hashlib.blake2b(body, digest_size=12).hexdigest()
    return Sent(body, packed, MEDIA.get(form, form), status, mark, embed)


def _sent(found: Sent, request: Request, more: Mapping[str, str] | None = None) -> Response:
    if found.status == 303:
        return RedirectResponse(found.body.decode(), status_code=303, headers=_secure(embed=False))
    head = {
        **_secure(embed=found.embed or found.media.startswith("image/")),
        "etag": f'"{found.mark}"',
        "cache-control": "no-cache" if found.status == 200 else "no-store",
        "vary": "accept-encoding",
        **(more or {}),
    }
    if found.status == 200 and f'"{found.mark}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=head)
    body = found.body
    if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
        body = found.packed
        head["content-encoding"] = "gzip"
    return Response(body, status_code=found.status, media_type=found.media, headers=head)


def _secure(*, embed: bool) -> dict[str, str]:
    """The head that keeps a page to itself; a figure, and a page that is to be embedded, may be framed by others."""
    frames, resource = ("*", "cross-origin") if embed else ("'self'", "same-origin")
    return {name: value.replace("{frames}", frames).replace("{resource}", resource) for name, value in SECURITY.items()}


_STATIC = {"app.css": "text/css", "app.js": "text/javascript", "htmx.min.js": "text/javascript", "icon.svg": "image/svg+xml"}
_files: dict[str, Sent] = {}


def _static(name: str) -> Sent:
    """A file of the package by its name; the style sheet is that of every page of ``report``, and what the app adds."""
    if name not in _STATIC:
        return _told(b"404\n", "md", status=404)
    if name not in _files:
        _files[name] = _told(static_bytes(name), f"{_STATIC[name]}; charset=utf-8")
    return _files[name]


def static_bytes(name: str) -> bytes:
    """The content of a static file."""
    own = (files("chipwall.web") / "static" / name).read_bytes()
    shared = style_sheet() + (files("chipwall.report.forms") / "templates" / "check.css").read_text(encoding="utf-8")
    return shared.encode() + own if name == "app.css" else own


async def _posted(desk: Desk, request: Request, path: str) -> Response:
    """A form that was sent: a text to check, or a file of one's own; bounded in size and in time."""
    room, words, form, figure = place_of(path)
    if room is None or room.post is None or form != "html" or figure:
        return _sent(_told(b"404: nothing is taken here\n", "md", status=404), request)
    post = room.post
    try:
        sent = await asyncio.wait_for(_received(request), LONGEST_UPLOAD)
    except TimeoutError:
        return _sent(_told(b"408: the upload took too long\n", "md", status=408), request)
    except ClientDisconnect:
        return Response(status_code=400)
    except InputError as error:
        ask = Ask(path, words, _given(request.url.query), room.fields())
        return _sent(_told(page_bytes(error_page(error, ask, status=413), ask, "html"), "html", status=413), request)
    given = {**_given(request.url.query), **{n: [str(v)] for n, v in sent.items() if v and n not in ("file", "text")}}

    def work() -> Sent:
        ask = Ask(path, words, given, room.fields(), address_on)
        try:
            ask.check()
            page: Page | str | tuple[bytes, str] = post(ask, sent)
        except ChipwallError as error:
            page = error_page(error, ask)
        if isinstance(page, str):
            return _told(page.encode(), "html", status=303)
        if isinstance(page, tuple):
            return _told(*page)
        return _told(page_bytes(page, ask, "html"), "html", status=page.status)

    return _sent(await desk.compute(work), request)


async def _received(request: Request) -> dict[str, object]:
    """The fields of a form, the file among them as text; refuses what is too large before it is read whole."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_UPLOAD:
            raise InputError(
                text("the upload is larger than {size} MB", size=LARGEST_UPLOAD // 1_000_000),
                fix=text("Use the command line for large files: chipwall check FILE"),
            )
    return await run_in_threadpool(sent_fields, bytes(body), request.headers.get("content-type", ""))
