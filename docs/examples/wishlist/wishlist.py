import http.server, json, os, secrets, time, urllib.request

requests = {200: 0, 404: 0}
wishes = {"1": ["OLJCESPC7Z"]}


def log(level, message, **fields):
    print(json.dumps({"time": time.time(), "level": level, "msg": message, **fields}), flush=True)


def send_span(parent, start, path, code):
    version, trace, caller = (parent.split("-") + ["", "", ""])[:3]
    span = {"traceId": trace or secrets.token_hex(16), "spanId": secrets.token_hex(8), "parentSpanId": caller,
            "name": "GET " + path, "kind": 2, "startTimeUnixNano": str(start), "endTimeUnixNano": str(time.time_ns()),
            "status": {"code": 2 if code >= 500 else 0}}
    name = {"key": "service.name", "value": {"stringValue": os.environ["OTEL_SERVICE_NAME"]}}
    body = {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}]}
    url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}))


class Wishlist(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            return self.reply(200, "text/plain", "ok")
        if self.path == "/metrics":
            text = "".join(f'wishlist_requests_total{{code="{c}"}} {n}\n' for c, n in requests.items())
            return self.reply(200, "text/plain", "# TYPE wishlist_requests_total counter\n" + text)
        start = time.time_ns()
        found = wishes.get(self.path.strip("/"))
        code = 404 if found is None else 200
        requests[code] += 1
        self.reply(code, "application/json", json.dumps(found))
        log("info", "wishes listed", path=self.path, code=code)
        send_span(self.headers.get("traceparent", ""), start, self.path, code)

    def reply(self, code, content_type, text):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Wishlist).serve_forever()
