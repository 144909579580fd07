#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""One page in a headless Chromium, driven line by line over standard input (see browser.sh).

Speaks just enough of the DevTools protocol, over a WebSocket made by hand: text frames, no
extensions. Each command is one line and gets one line of JSON back:

    open URL                {"ok": true}
    eval JAVASCRIPT         {"ok": true, "value": …}
    wait SECONDS JAVASCRIPT until the expression is true; else {"ok": false, "error": …}
    size WIDTH HEIGHT       of the window, in CSS pixels
    scheme light|dark       what prefers-color-scheme says
    type TEXT               into the focused element
    key NAME                presses Tab, Enter, …
    shot PATH               a PNG of the whole page
    problems                {"value": [text, …]}: errors, warnings, refusals of the page
    quit

Started with the browser's path. Ends, and ends the browser, when standard input closes."""

import base64
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

START_SECONDS = 30
CALL_SECONDS = 30
FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage "
         "--no-first-run --disable-background-networking --disable-component-update "
         "--disable-sync --hide-scrollbars --disable-extensions --mute-audio "
         "--remote-debugging-port=0").split()


class Failure(Exception):
    pass


class WebSocket:
    """A client's end: one text message out, one text message in."""

    def __init__(self, port, path):
        self.sock = socket.create_connection(("127.0.0.1", port), CALL_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                           f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Key: {key}\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.file = self.sock.makefile("rb")
        if b" 101 " not in self.file.readline():
            raise Failure("the browser refuses the WebSocket")
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        if len(data) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(data))
        elif len(data) < 65536:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, len(data))
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.sock.sendall(head + mask + masked)

    def exactly(self, size):
        data = self.file.read(size)
        if len(data) < size:
            raise Failure("the browser has gone")
        return data

    def frame(self):
        first, second = self.exactly(2)
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack("!H", self.exactly(2))
        elif size == 127:
            size, = struct.unpack("!Q", self.exactly(8))
        return first & 0x80, first & 0x0F, self.exactly(size)

    def receive(self):
        text = b""
        while True:
            final, kind, data = self.frame()
            if kind == 8:
                raise Failure("the browser has closed the connection")
            if kind in (0, 1, 2):
                text += data
                if final:
                    return text.decode()


class Browser:
    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="howdah-browser.")
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.calls = 0
        self.problems = []
        port, path = self.endpoint()
        self.socket = WebSocket(port, path)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.page(f"{domain}.enable")

    def endpoint(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with open(os.path.join(self.profile, "DevToolsActivePort")) as file:
                    port, path = file.read().split("\n")[:2]
                    return int(port), path
            except (OSError, ValueError):
                if self.process.poll() is not None:
                    raise Failure(f"the browser ended with status {self.process.returncode}")
                time.sleep(0.05)
        raise Failure("the browser opens no DevTools port")

    def call(self, method, session=None, **params):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.receive())
            self.note(answer)
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise Failure(answer["error"]["message"])
                return answer["result"]

    def page(self, method, **params):
        return self.call(method, session=self.session, **params)

    def note(self, event):
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif event.get("method") == "Log.entryAdded":
            entry = params["entry"]
            if entry["level"] in ("error", "warning"):
                self.problems.append(f'{entry["text"]} {entry.get("url", "")}')

    def evaluate(self, expression):
        answer = self.page("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failure(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def signal(self, signo):
        """To the browser and its helpers, which write into the profile until they end."""
        try:
            os.killpg(self.process.pid, signo)
        except ProcessLookupError:
            pass

    def close(self):
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait()
        for _ in range(50):
            shutil.rmtree(self.profile, ignore_errors=True)
            if not os.path.exists(self.profile):
                break
            time.sleep(0.1)


def wait(browser, seconds, expression):
    deadline = time.monotonic() + float(seconds)
    while not browser.evaluate(f"Boolean({expression})"):
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {expression}")
        time.sleep(0.1)


def size(browser, width, height):
    browser.page("Emulation.setDeviceMetricsOverride", width=int(width), height=int(height),
                 deviceScaleFactor=1, mobile=False)


def scheme(browser, name):
    browser.page("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": name}])


def navigate(browser, url):
    browser.page("Page.navigate", url=url)


def insert(browser, text):
    browser.page("Input.insertText", text=text)


def press(browser, name):
    code = {"Tab": 9, "Enter": 13, "Escape": 27}[name]
    for kind in ("rawKeyDown", "keyUp"):
        browser.page("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                     windowsVirtualKeyCode=code)


def shot(browser, path):
    image = browser.page("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    with open(path, "wb") as file:
        file.write(base64.b64decode(image["data"]))


COMMANDS = {
    "open": (1, navigate),
    "eval": (1, Browser.evaluate),
    "wait": (2, wait),
    "size": (2, size),
    "scheme": (1, scheme),
    "type": (1, insert),
    "key": (1, press),
    "shot": (1, shot),
    "problems": (0, lambda browser: browser.problems),
}


def obey(browser, line):
    name, _, rest = line.partition(" ")
    count, command = COMMANDS[name]
    arguments = rest.split(" ", count - 1) if count else []
    try:
        return {"ok": True, "value": command(browser, *arguments)}
    except (Failure, OSError) as failure:
        return {"ok": False, "error": str(failure)}


def main():
    browser = Browser(sys.argv[1])
    try:
        print(json.dumps({"ok": True}), flush=True)
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            print(json.dumps(obey(browser, line.rstrip("\n"))), flush=True)
    finally:
        browser.close()


main()
