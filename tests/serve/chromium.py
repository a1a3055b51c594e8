"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

START_LIMIT_S = 120.0


def program() -> str | None:
    """Where it is, on machines that have it."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    """One browser with one tab. `told` has what the page wrote to its console, and its errors."""

    def __init__(self, folder: Path) -> None:
        profile = folder / "profile"
        self._log = (folder / "chromium.log").open("wb")
        found = program()
        assert found is not None
        self.process = subprocess.Popen(
            [
                found, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
                "--disable-extensions", "--remote-debugging-port=0",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        port = _until(lambda: (profile / "DevToolsActivePort").read_text().split()[0])
        tabs = _until(lambda: json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json")))
        tab = next(one for one in tabs if one["type"] == "page")
        self._socket = connect(
            tab["webSocketDebuggerUrl"],
            max_size=None,
            compression=None,
            open_timeout=START_LIMIT_S,
        ).__enter__()
        self._count = 0
        self.told: list[str] = []
        self.asked: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol; its result."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=START_LIMIT_S))
            if message.get("id") == self._count:
                assert "error" not in message, (method, message)
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        given = message.get("params", {})
        if message.get("method") == "Log.entryAdded":
            self.told.append(given["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.told.append(details.get("exception", {}).get("description", details["text"]))
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.told.append(" ".join(str(one.get("value")) for one in given["args"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])

    def look(
        self, *, width: int = 1280, height: int = 800, dark: bool = False, language: str = "en-GB"
    ) -> None:
        """How the page is looked at from its next loading on."""
        self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=width < 600,
            deviceScaleFactor=2 if width < 600 else 1,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        agent = self.do("Browser.getVersion")["userAgent"]
        self.do("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def go(self, url: str) -> None:
        """Load a page."""
        self.told.clear()
        self.asked.clear()
        self.do("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && typeof document.body === 'object'")

    def ask(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.do(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + START_LIMIT_S
        while not (value := self.ask(script)):
            assert time.monotonic() < deadline, (
                script,
                self.told,
                self.ask("document.body.innerText"),
            )
            time.sleep(0.05)
        return value

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files in an input."""
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.do("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def key(self, name: str, code: int) -> None:
        """Press and let go of a key."""
        for kind in ("rawKeyDown", "char", "keyUp") if name == "Enter" else ("rawKeyDown", "keyUp"):
            text = {"text": "\r"} if kind == "char" else {}
            self.do(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code, **text,
            )  # fmt: skip

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen."""
        shot = self.do("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End it."""
        try:
            self._socket.close()
        finally:
            self.process.terminate()
            try:
                self.process.wait(START_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self._log.close()


def _until(found: Any) -> Any:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return found()
        except (OSError, IndexError, ValueError) as error:
            assert time.monotonic() < deadline, error
            time.sleep(0.05)
