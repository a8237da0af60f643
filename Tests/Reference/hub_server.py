"""A Hugging Face hub on this machine, for clients that are compared: repositories in memory, over plain HTTP.

It answers as the hub does for what clients of models use: revisions and trees, `resolve` with `X-Repo-Commit` and
`X-Linked-*`, large files on another host with ranges, creation, `preupload`, LFS batches in one piece and in parts, and
commits. `log` holds every request. A token that reaches the other host is a fault, as it is for the hub's storage.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_parity"


def git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path, size):
    return path.endswith((".safetensors", ".bin")) or size > 10_000_000


class Repository:
    def __init__(self, private=False):
        self.private = private
        self.commits, self.branches, self.pulls = {}, {}, 0

    def commit(self, files, branch="main", parent="main"):
        """Adds files to a branch and returns the commit."""
        tree = dict(self.commits.get(self.branches.get(parent), {}))
        tree.update(files)
        digest = hashlib.sha1(repr((branch, len(self.commits), sorted((p, git_oid(d)) for p, d in tree.items()))).encode())
        self.commits[digest.hexdigest()] = tree
        self.branches[branch] = digest.hexdigest()
        return digest.hexdigest()

    def resolve(self, revision):
        return self.branches.get(revision, revision if revision in self.commits else None)


class Hub:
    """The server; `endpoint` is its address."""

    def __init__(self, part_size=None):
        self.repositories, self.large, self.log, self.parts = {}, {}, [], {}
        self.part_size = part_size
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_request(self):
                hub.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = handle_request

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.storage = f"http://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, files, **options):
        """Makes a repository with files and returns its commit."""
        self.repositories[name] = Repository(**options)
        for path, data in files.items():
            if is_large(path, len(data)):
                self.large[hashlib.sha256(data).hexdigest()] = data
        return self.repositories[name].commit(files)

    # Answers

    def answer(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        url = urlsplit(request.path)
        path, query = url.path, parse_qs(url.query)
        self.log.append({"method": request.command, "path": unquote(path), "host": request.headers.get("Host"),
                         "range": request.headers.get("Range"), "authorization": request.headers.get("Authorization")})
        request.answered = False
        if path.startswith("/storage/"):
            return self.store(request, path, body)
        for method, pattern, handler in [
            ("GET", r"/api/models/(?P<name>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?", self.info),
            ("GET", r"/api/models/(?P<name>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)", self.tree),
            ("HEAD|GET", r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", self.resolve),
            ("POST", r"/api/validate-yaml", lambda request, **_: self.reply(request, 200, {"warnings": [], "errors": []})),
            ("POST", r"/api/repos/create", self.create),
            ("POST", r"/api/models/(?P<name>[^/]+/[^/]+)/branch/(?P<revision>[^/]+)", self.branch),
            ("POST", r"/api/models/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)", self.preupload),
            ("POST", r"/(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch", self.batch),
            ("POST", r"/complete/(?P<oid>[0-9a-f]{64})", self.complete),
            ("POST", r"/verify", self.verify),
            ("POST", r"/api/models/(?P<name>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)", self.commit),
        ]:
            match = re.fullmatch(pattern, path)
            if match and re.fullmatch(method, request.command):
                groups = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
                return handler(request, body=body, query=query, **groups)
        self.reply(request, 404, {"error": "no such address"})

    def reply(self, request, status, value=None, headers=(), data=None):
        data = data if data is not None else json.dumps(value).encode() if value is not None else b""
        request.send_response(status)
        names = [name.lower() for name, _ in headers]
        for name, text in headers:
            request.send_header(name, str(text))
        if "content-length" not in names:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)

    def repository(self, request, name):
        repository = self.repositories.get(name)
        allowed = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not allowed):
            self.reply(request, 401, {"error": "Repository not found"}, [("X-Error-Code", "RepoNotFound")])
            return None
        return repository

    def found(self, request, name, revision):
        repository = self.repository(request, name)
        if repository is None:
            return None, None
        commit = repository.resolve(revision)
        if commit is None:
            self.reply(request, 404, {"error": f"Invalid rev id: {revision}"}, [("X-Error-Code", "RevisionNotFound")])
        return repository, commit

    def info(self, request, name, revision="main", **_):
        repository, commit = self.found(request, name, revision)
        if commit:
            self.reply(request, 200, {
                "id": name, "modelId": name, "sha": commit, "private": repository.private, "tags": [], "downloads": 0,
                "likes": 0, "siblings": [{"rfilename": path} for path in repository.commits[commit]]})

    def tree(self, request, name, revision, **_):
        repository, commit = self.found(request, name, revision)
        if commit:
            entries = []
            for path, data in repository.commits[commit].items():
                entry = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
                if is_large(path, len(data)):
                    oid = hashlib.sha256(data).hexdigest()
                    entry["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 130}
                entries.append(entry)
            self.reply(request, 200, entries)

    def resolve(self, request, name, revision, path, **_):
        repository, commit = self.found(request, name, revision)
        if not commit:
            return
        data = repository.commits[commit].get(path)
        if data is None:
            headers = [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit)]
            return self.reply(request, 404, {"error": "Entry not found"}, headers)
        if is_large(path, len(data)):
            oid = hashlib.sha256(data).hexdigest()
            return self.reply(request, 302, None, [
                ("X-Repo-Commit", commit), ("X-Linked-Etag", f'"{oid}"'), ("X-Linked-Size", len(data)),
                ("Location", f"{self.storage}/storage/{oid}")])
        self.send(request, data, [("X-Repo-Commit", commit), ("ETag", f'"{git_oid(data)}"')])

    def send(self, request, data, headers):
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        if match and int(match[1]) < len(data):
            start = int(match[1])
            headers = headers + [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")]
            return self.reply(request, 206, headers=headers, data=data[start:])
        self.reply(request, 200, headers=headers + [("Accept-Ranges", "bytes")], data=data)

    def store(self, request, path, body):
        if request.headers.get("Authorization"):
            return self.reply(request, 400, data=b"<Error>Only one auth mechanism allowed</Error>")
        parts = path.split("/")[2:]
        if request.command == "PUT":
            self.parts[tuple(parts)] = body
            if len(parts) == 1:
                self.keep(parts[0], body)
            return self.reply(request, 200, headers=[("ETag", f'"{hashlib.md5(body).hexdigest()}"')])
        data = self.large.get(parts[0])
        if data is None:
            return self.reply(request, 404)
        self.send(request, data, [("ETag", '"of the storage"')])

    def keep(self, oid, data):
        if hashlib.sha256(data).hexdigest() == oid:
            self.large[oid] = data

    # Uploads

    def allowed(self, request):
        if request.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self.reply(request, 401, {"error": "Invalid username or password."})
        return False

    def create(self, request, body, **_):
        if not self.allowed(request):
            return
        wanted = json.loads(body)
        name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        if name in self.repositories:
            return self.reply(request, 409, {"error": "You already created this model repo", "url": f"{self.endpoint}/{name}"})
        self.repositories[name] = Repository(private=wanted.get("visibility") == "private")
        self.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        self.reply(request, 200, {"url": f"{self.endpoint}/{name}", "name": name})

    def branch(self, request, name, revision, **_):
        if self.allowed(request) and (repository := self.repository(request, name)):
            repository.branches[revision] = repository.branches["main"]
            self.reply(request, 200, {})

    def preupload(self, request, name, revision, body, **_):
        if not self.allowed(request):
            return
        repository, commit = self.found(request, name, revision)
        if commit:
            files = []
            for file in json.loads(body)["files"]:
                known = repository.commits[commit].get(file["path"])
                large = is_large(file["path"], file["size"])
                oid = None if known is None else hashlib.sha256(known).hexdigest() if large else git_oid(known)
                files.append({"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False,
                              **({"oid": oid} if oid else {})})
            self.reply(request, 200, {"files": files, "commitOid": commit})

    def batch(self, request, body, **_):
        if not self.allowed(request):
            return
        objects = []
        for item in json.loads(body)["objects"]:
            oid, size = item["oid"], item["size"]
            if oid in self.large:
                objects.append(item)
                continue
            verify = {"href": f"{self.endpoint}/verify", "header": {}}
            if self.part_size and size > self.part_size:
                count = -(-size // self.part_size)
                header = {"chunk_size": str(self.part_size)}
                header.update({str(n + 1): f"{self.storage}/storage/{oid}/{n + 1}" for n in range(count)})
                upload = {"href": f"{self.endpoint}/complete/{oid}", "header": header}
            else:
                upload = {"href": f"{self.storage}/storage/{oid}", "header": {}}
            objects.append({**item, "actions": {"upload": upload, "verify": verify}})
        self.reply(request, 200, {"transfer": "multipart", "objects": objects})

    def complete(self, request, oid, body, **_):
        data = b"".join(self.parts[(oid, str(part["partNumber"]))] for part in json.loads(body)["parts"])
        self.keep(oid, data)
        self.reply(request, 200 if oid in self.large else 400, {})

    def verify(self, request, body, **_):
        self.reply(request, 200 if json.loads(body)["oid"] in self.large else 404, {})

    def commit(self, request, name, revision, body, query, **_):
        if not self.allowed(request):
            return
        repository, commit = self.found(request, name, revision)
        if not commit:
            return
        files = {}
        for line in body.decode().splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.large:
                    return self.reply(request, 400, {"error": f"LFS pointer pointed to a file that does not exist: {value}"})
                files[value["path"]] = self.large[value["oid"]]
        answer = {"success": True}
        if "create_pr" in query:
            repository.pulls += 1
            revision = f"refs/pr/{repository.pulls}"
            answer["pullRequestUrl"] = f"{self.endpoint}/{name}/discussions/{repository.pulls}"
        oid = repository.commit(files, branch=revision, parent="main" if "create_pr" in query else revision)
        self.reply(request, 200, {**answer, "commitUrl": f"{self.endpoint}/{name}/commit/{oid}", "commitOid": oid})
