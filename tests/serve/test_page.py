"""The page at `/` in a real Chromium: it works, alone, and nothing in it is taken for HTML."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from yolodeploy.core.serving import ServeConfig

from .chromium import Chromium, program
from .models import constant_model, metadata, raw_head, written
from .pictures import encoded, plain
from .running import Server
from .test_limits import TOKEN, token_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Start

pytestmark = pytest.mark.skipif(program() is None, reason="Chromium is not installed here")

HOSTILE = "<img src=x onerror=\"document.title='taken'\">\u202egnp.exe"
READY = "document.querySelector('#state').classList.contains('ready')"
IDLE = "document.querySelector('#busy').hidden"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    made = Chromium(tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose model names its first class in HTML."""
    folder = tmp_path_factory.mktemp("hostile")
    names = repr({0: HOSTILE, 1: "crack", 2: "hole"})
    boxes = [(32, 32, 20, 20, 0.9, 1), (16, 32, 8, 8, 0.6, 0)]
    model = written(constant_model(raw_head(boxes), meta=metadata(names=names)), folder / "m.onnx")
    config = ServeConfig(
        model=str(model), state_dir=str(folder / "state"), app="brake-disc", release="sha256:abc"
    )
    server = Server(config, folder).wait_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "disc <b>1's.jpg"
    path.write_bytes(encoded(plain(128, 96)))
    return path


def opened(browser: Chromium, server: Server, **look: Any) -> Chromium:
    address = server.address()
    assert address is not None
    browser.look(**look)
    browser.go(f"http://127.0.0.1:{address.port}/")
    browser.until(READY)
    return browser


def text(browser: Chromium, selector: str) -> str:
    found: str = browser.ask(f"document.querySelector({selector!r}).innerText")
    return found


def rows(browser: Chromium) -> list[str]:
    found: list[str] = browser.ask(
        "[...document.querySelectorAll('#found button')].map((row) => row.innerText)"
    )
    return [" ".join(row.split()) for row in found]


def test_a_picture_is_drawn_with_what_was_found(
    browser: Chromium, server: Server, picture: Path
) -> None:
    page = opened(browser, server)
    page.until("!document.querySelector('#modelCard').hidden")
    assert text(page, "#app") == "brake-disc"
    assert "release" in text(page, "#facts")
    page.choose("#files", picture)
    page.until("document.querySelectorAll('#found li').length === 2")
    assert rows(page) == ["crack 0.90", "scratch 0.60"]
    assert page.ask("document.querySelectorAll('#stages tr').length") == 5
    assert re.fullmatch(r"[\d.]+ ms", text(page, "#total"))
    assert "disc <b>1's.jpg · 128 × 96" in text(page, "#name")
    # the box's line is there, in the class's colour, where the box is
    pixels = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    place = page.ask("document.querySelector('#canvas').getBoundingClientRect().toJSON()")
    scale = place["width"] / 128
    x, y = place["x"] + 44 * scale, place["y"] + 60 * scale
    near = [pixels.getpixel((round(x) + step, round(y))) for step in range(-3, 4)]
    away = [sum(abs(a - b) for a, b in zip(seen, (86, 180, 233), strict=True)) for seen in near]
    assert min(away) < 100, near
    assert page.told == [] or all("404" in line for line in page.told)


def test_the_page_asks_nobody_but_its_server(
    browser: Chromium, server: Server, picture: Path
) -> None:
    page = opened(browser, server)
    page.choose("#files", picture)
    page.until("document.querySelectorAll('#found li').length === 2")
    address = server.address()
    assert address is not None
    own = (f"http://127.0.0.1:{address.port}/", f"blob:http://127.0.0.1:{address.port}/", "data:")
    assert page.asked
    assert [url for url in page.asked if not url.startswith(own)] == []


def test_names_are_text_and_never_html(browser: Chromium, hostile: Server, tmp_path: Path) -> None:
    path = tmp_path / HOSTILE.replace("/", "_").replace("\u202e", "")
    path.write_bytes(encoded(plain(128, 96)))
    bad = tmp_path / "<script>document.title='taken'</script>.jpg".replace("/", "_")
    bad.write_bytes(b"no picture")
    page = opened(browser, hostile)
    page.choose("#files", path, bad)
    page.until(f"document.querySelectorAll('#found li').length === 2 && {IDLE}")
    assert rows(page)[1].startswith('<img src=x onerror="document.title=')
    assert "\u202e" not in page.ask("document.body.innerText"), "it would turn the line around"
    page.ask("document.querySelectorAll('#strip button')[1].click()")
    assert "serve.not_a_picture" in text(page, "#error")
    page.until("document.title === 'brake-disc'")
    assert page.ask("document.querySelectorAll('img[src=x], body script ~ script').length") == 0


def test_the_policy_lets_no_other_script_run(browser: Chromium, server: Server) -> None:
    page = opened(browser, server)
    taken = "document.title=`taken`"
    html = f"<img src=data:, onerror={taken}><a onclick={taken}>"
    page.ask(f"document.body.insertAdjacentHTML('beforeend', {html!r})")
    page.ask("document.querySelector('a[onclick]').click()")
    page.ask("document.body.append(Object.assign(document.createElement('script'),"
             " {text: 'document.title=`taken`'}))")  # fmt: skip
    page.until("document.title === 'brake-disc'")
    assert page.ask("fetch('http://localhost:1/').then(() => 'sent', () => 'kept')") == "kept"
    assert any("Content Security Policy" in line for line in page.told)


class _Handlers(HTMLParser):
    """Finds what a strict policy forbids, and addresses elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [name for name, value in attrs if name.startswith("on") or name == "style"]
        self.found += [
            str(value) for name, value in attrs
            if name in {"src", "href"} and not str(value).startswith(("#", "/", "data:"))
        ]  # fmt: skip


def test_the_document_is_whole(server: Server) -> None:
    reply = server.ask("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    parser = _Handlers()
    parser.feed(reply.body.decode())
    assert parser.found == []
    assert b"/* script */" not in reply.body
    assert server.ask("/", method="HEAD").status == 200


def test_the_sliders_ask_anew_and_the_command_follows(
    browser: Chromium, server: Server, picture: Path
) -> None:
    page = opened(browser, server)
    page.choose("#files", picture)
    page.until("document.querySelectorAll('#found li').length === 2")
    page.ask(
        "{const conf = document.querySelector('#conf'); conf.value = 0.7;"
        " conf.dispatchEvent(new Event('input'))}"
    )
    page.until("document.querySelectorAll('#found li').length === 1")
    assert text(page, "#confOut") == "0.70"
    shown = text(page, "#curl")
    assert "conf=0.7" in shown
    # a name with a quote is one word of the shell's
    assert "'@disc <b>1'\\''s.jpg'" in shown


def test_several_pictures_are_looked_at_by_keyboard(
    browser: Chromium, server: Server, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{index}.jpg" for index in range(3)]
    for index, path in enumerate(paths):
        path.write_bytes(encoded(plain(64 + index, 48)))
    page = opened(browser, server)
    page.choose("#files", *paths)
    page.until(f"document.querySelectorAll('#strip li').length === 3 && {IDLE}")
    page.ask("document.querySelectorAll('#strip button')[2].focus()")
    page.key("Enter", 13)
    page.until("document.querySelector('#name').innerText.includes('66 × 48')")
    assert page.ask("document.activeElement.getAttribute('aria-current')") == "true"
    page.ask("document.querySelector('#clear').click()")
    assert page.ask("document.querySelectorAll('#strip li').length") == 0


def test_tab_leads_to_the_picture_first(browser: Chromium, server: Server) -> None:
    page = opened(browser, server)
    focused = "document.activeElement.className + document.activeElement.id"
    page.key("Tab", 9)
    assert page.ask(focused) == "skip"
    page.key("Enter", 13)
    page.key("Tab", 9)
    page.until(f"({focused}).endsWith('files')")


def test_a_token_is_asked_for_where_one_is_needed(
    browser: Chromium, start: Start, picture: Path, tmp_path: Path
) -> None:
    server = start(token_file=str(token_file(tmp_path)), app="brake-disc").wait_ready()
    page = opened(browser, server)
    page.until("!document.querySelector('#tokenForm').hidden")
    page.choose("#files", picture)
    page.until("document.querySelector('#error').innerText.includes('serve.unauthorized')")
    page.ask(
        f"document.querySelector('#token').value = {TOKEN!r};"
        "document.querySelector('#tokenForm').requestSubmit()"
    )
    page.until("document.querySelectorAll('#found li').length === 2")
    assert page.ask("document.querySelector('#tokenForm').hidden")
    assert TOKEN not in text(page, "#curl")
    assert "$TOKEN" in text(page, "#curl")
    assert not any(TOKEN in url for url in page.asked)
    assert page.ask("localStorage.length + sessionStorage.length + document.cookie.length") == 0


@pytest.mark.parametrize("language", ["en-GB", "zh-CN", "zh-TW,en", "fr-FR"])
def test_it_speaks_the_browsers_language(browser: Chromium, server: Server, language: str) -> None:
    page = opened(browser, server, language=language)
    chinese = language.startswith("zh")
    assert page.ask("document.documentElement.lang") == ("zh-CN" if chinese else "en")
    assert ("将图片拖到此处" if chinese else "Drop pictures here") in text(page, "#drop")
    assert page.ask(
        "[...document.querySelectorAll('[data-say]')].every((part) => part.textContent)"
    )


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_every_screen_light_and_dark(
    browser: Chromium, server: Server, picture: Path, dark: bool, width: int
) -> None:
    page = opened(browser, server, width=width, dark=dark)
    page.choose("#files", picture)
    page.until("document.querySelectorAll('#found li').length === 2")
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")
    assert page.ask("document.querySelector('#canvas').clientWidth > 100")
    colours = page.ask(
        "['body', '.card'].map((one) => getComputedStyle(document.querySelector(one)))"
        ".flatMap((seen) => [seen.backgroundColor, seen.color])"
    )
    shades = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours]
    assert all((shades[0] < 200, shades[1] > 600) if dark else (shades[0] > 600, shades[1] < 200))


def test_a_picture_that_the_browser_cannot_show_is_drawn_by_the_server(
    browser: Chromium, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(encoded(plain(128, 96), "TIFF"))
    page = opened(browser, server)
    page.choose("#files", path)
    page.until(f"!document.querySelector('#canvas').hidden && {IDLE}")
    assert len(rows(page)) == 2
    assert "the server drew it" in text(page, "#nothing")
