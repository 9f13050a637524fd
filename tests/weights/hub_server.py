"""A small hub on this machine, which speaks as much of the protocol as weights need."""

import base64
import hashlib
import http.server
import json
import re

COMMIT = "a" * 40


class Hub(http.server.ThreadingHTTPServer):
    """Keep repositories of files in memory, large ones by their digest."""

    daemon_threads = True

    def __init__(self):
        self.files, self.blobs, self.damage = {}, {}, False
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        hub, body = self.server, self._body()
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            hub.files.setdefault(name, {})
            self._json({"url": f"{hub.url}/{name}"})
        elif self.path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "regular" if file["path"].endswith(".md") else "lfs",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in files
            ]
            self._json({"files": modes})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                one | {"actions": {"upload": {"href": f"{hub.url}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            self._json({"transfer": "basic", "objects": objects})
        elif found := re.match("/api/models/(.+)/commit/main", self.path):
            self._commit(found[1], body)
        else:
            self._json({}, 404)

    def _commit(self, name, body):
        hub = self.server
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                content = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = hub.blobs[value["oid"]]
            else:
                continue
            hub.files[name][value["path"]] = content
        self._json(
            {"commitUrl": f"{hub.url}/{name}/commit/{COMMIT}", "commitOid": COMMIT}
        )

    def do_PUT(self):
        content = self._body()
        digest = self.path.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == digest
        self.server.blobs[digest] = content
        self._json({})

    def do_HEAD(self):
        self._file(send=False)

    def do_GET(self):
        self._file(send=True)

    def _about(self, name):
        files = [
            {
                "rfilename": path,
                "size": len(content),
                "blobId": "0",
                "lfs": {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 100,
                },
            }
            for path, content in self.server.files[name].items()
        ]
        self._json({"id": name, "sha": COMMIT, "siblings": files})

    def _file(self, *, send):
        if found := re.match(r"/api/models/([^/]+/[^/?]+)", self.path):
            self._about(found[1])
            return
        found = re.match(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path)
        content = self.server.files.get(found[1], {}).get(found[2]) if found else None
        if content is None:
            self._json({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if send:
            # Damaged on the way: the right length, the wrong bytes.
            self.wfile.write(content[::-1] if self.server.damage else content)

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, answer, status=200, headers=()):
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *args):
        pass
