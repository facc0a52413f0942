#!/usr/bin/env python3
"""Runs tools/fetch-weights against a server on this machine that breaks off, lies and counts its requests."""

import argparse
import functools
import hashlib
import http.server
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

root = pathlib.Path(__file__).resolve().parents[2]
model = root / "weights" / "resnet18_thin-imagenette.safetensors"


class Server(http.server.ThreadingHTTPServer):
    """Serves the bytes in `files`; the first answer to each name in `cut` breaks off in the middle."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.requests = {}, set(), []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        wanted = self.headers.get("Range")
        self.server.requests.append((name, wanted))
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        start = int(wanted.split("=")[1].rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = len(content)
        if name in self.server.cut:
            self.server.cut.remove(name)
            stop = len(content) // 2
        self.wfile.write(content[start:stop])

    def log_message(self, *_):
        pass


def named(network, content):
    return f"{network}-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def fetch(server, folder, *words):
    command = [str(root / "tools" / "fetch-weights"), "--from", server.url(), "--to", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def check(condition, what):
    if not condition:
        sys.exit(f"failed: {what}")


def test_download(server, folder):
    content = b"weights" * 1000
    file = named("resnet18", content)
    server.files[file] = content
    done = fetch(server, folder, file)
    check(done.returncode == 0, f"a download: {done.stderr}")
    check((folder / file).read_bytes() == content, "what was downloaded is what was served")
    check(not (folder / (file + ".part")).exists(), "no partial file is left")
    before = len(server.requests)
    check(fetch(server, folder, file).returncode == 0 and len(server.requests) == before,
          "a whole file is not asked for again")


def test_resume(server, folder):
    content = bytes(range(256)) * 4000
    file = named("vgg11", content)
    server.files[file] = content
    server.cut.add(file)
    first = fetch(server, folder, file)
    check(first.returncode == 1 and "run this again" in first.stderr, "a download that breaks off says what to do")
    check((folder / (file + ".part")).stat().st_size == len(content) // 2, "its part stays")
    second = fetch(server, folder, file)
    check(second.returncode == 0 and (folder / file).read_bytes() == content, "the second call completes it")
    check(server.requests[-1] == (file, f"bytes={len(content) // 2}-"), "and asks for the rest alone")
    # A part that is whole (the program was stopped before it was renamed) needs no server.
    (folder / file).rename(folder / (file + ".part"))
    before = len(server.requests)
    check(fetch(server, folder, file).returncode == 0 and len(server.requests) == before, "a whole part is taken")


def test_wrong_content(server, folder):
    file = named("vgg13", b"right")
    server.files[file] = b"wrong"
    done = fetch(server, folder, file)
    check(done.returncode == 1 and "SHA-256" in done.stderr, "other bytes are refused")
    check(not list(folder.glob("vgg13*")), "and nothing of them stays")


def test_missing(server, folder):
    check(fetch(server, folder, "resnet18-00000000.pth").returncode == 1, "a file that is not there fails")
    check(server.requests[-1][0] == "resnet18-00000000.pth", "it was asked for")
    # The names in the table lead to torchvision's files.
    check(fetch(server, folder, "resnet50").returncode == 1, "a network is looked for")
    check(server.requests[-1][0] == "resnet50-0676ba61.pth", "under its first edition")
    fetch(server, folder, "--second", "resnet50")
    check(server.requests[-1][0] == "resnet50-11ad3fa6.pth", "or its second")
    fetch(server, folder, "resnext101_64x4d")
    check(server.requests[-1][0] == "resnext101_64x4d-173b62eb.pth", "or the only one")
    fetch(server, folder, "mnasnet0_5")
    check(server.requests[-1][0] == "mnasnet0.5_top1_67.823-3ffadce67e.pth", "whatever its name")
    fetch(server, folder, "shufflenetv2_x0.5-f707e7126e.pth")
    check(server.requests[-1][0] == "shufflenetv2_x0.5-f707e7126e.pth", "a file by a name with points")


def test_usage(server, folder):
    for words in [(), ("resnet19",), ("--labels",), ("--frob", "resnet18")]:
        check(fetch(server, folder, *words).returncode == 2, f"misuse: {words}")


def test_convert(server, folder, program):
    content = model.read_bytes()
    file = named("resnet18", content)
    server.files[file] = content
    labels = root / "weights" / "imagenette-labels.json"
    done = fetch(server, folder, "--convert", "--labels", str(labels), "--dtype", "f16", "--ablaze", program, file)
    check(done.returncode == 0, f"download and conversion: {done.stderr}")
    inspected = subprocess.run([program, "inspect", str(folder / "resnet18.safetensors"), "--verify", "--json"],
                               capture_output=True, text=True, timeout=600)
    check(inspected.returncode == 0 and file in inspected.stdout, "the converted file verifies and names its source")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ablaze", help="the program that converts")
    arguments = parser.parse_args()
    if shutil.which("curl") is None:
        print("curl is missing: nothing tested")
        sys.exit(77)
    tests = [test_download, test_resume, test_wrong_content, test_missing, test_usage]
    if arguments.ablaze:
        tests.append(functools.partial(test_convert, program=arguments.ablaze))
    server = Server()
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(server, pathlib.Path(folder))
    server.shutdown()


if __name__ == "__main__":
    main()
