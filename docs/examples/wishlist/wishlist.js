const http = require("node:http");
const { randomBytes } = require("node:crypto");

const requests = { 200: 0, 404: 0 };
const wishes = { 1: ["OLJCESPC7Z"] };

function log(level, msg, fields) {
  console.log(JSON.stringify({ time: Date.now(), level, msg, ...fields }));
}

function sendSpan(parent, start, path, code) {
  const [, trace, caller] = (parent || "").split("-");
  const span = {
    traceId: trace || randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex"), parentSpanId: caller || "",
    name: "GET " + path, kind: 2, startTimeUnixNano: start + "000000", endTimeUnixNano: Date.now() + "000000",
    status: { code: code >= 500 ? 2 : 0 },
  };
  const name = { key: "service.name", value: { stringValue: process.env.OTEL_SERVICE_NAME } };
  fetch(process.env.OTEL_EXPORTER_OTLP_ENDPOINT + "/v1/traces", {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [name] }, scopeSpans: [{ spans: [span] }] }] }),
  }).catch((err) => log("error", "send span", { error: String(err) }));
}

http.createServer((req, res) => {
  if (req.url === "/healthz") return res.end("ok");
  if (req.url === "/metrics") {
    const lines = Object.entries(requests).map(([code, n]) => `wishlist_requests_total{code="${code}"} ${n}\n`);
    return res.setHeader("Content-Type", "text/plain; version=0.0.4").end("# TYPE wishlist_requests_total counter\n" + lines.join(""));
  }
  const start = Date.now();
  const found = wishes[req.url.slice(1)] ?? null;
  const code = found ? 200 : 404;
  requests[code]++;
  res.writeHead(code, { "Content-Type": "application/json" }).end(JSON.stringify(found));
  log("info", "wishes listed", { path: req.url, code });
  sendSpan(req.headers.traceparent, start, req.url, code);
}).listen(Number(process.env.PORT), "127.0.0.1");
