/**
 * What is no HTTP, and what would be read as two different things by two servers: each is refused or answered as the RFCs
 * say, and nothing behind it is taken for a request.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { netTest } from "../net/_net.ts";
import { parse, Peer, statuses, telling, TIERS } from "./_http.ts";

/** What comes behind each case: it is answered only if the case was one whole request. */
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const HOST = "Host: a\r\n";

function post(fields: string, body: string): string {
  return `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
}

function get(line: string, fields = HOST): string {
  return `${line}\r\n${fields}\r\n`;
}

const CHUNKED = "Transfer-Encoding: chunked\r\n";
const A = "1\r\na\r\n0\r\n\r\n";

/** By name: what is sent, and the statuses that answer it and what is behind it. */
const CASES: Record<string, [request: string, statuses: number[]]> = {
  // RFC 9112, section 6.3: two lengths.
  "Content-Length and Transfer-Encoding": [post(`Content-Length: 5\r\n${CHUNKED}`, A), [400]],
  "Transfer-Encoding and Content-Length": [post(`${CHUNKED}Content-Length: 5\r\n`, A), [400]],
  "two lengths that differ": [post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), [400]],
  "the same length twice": [post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), [400]],
  "a list of lengths": [post("Content-Length: 1, 1\r\n", "a"), [400]],
  "a length with a sign": [post("Content-Length: +1\r\n", "a"), [400]],
  "a negative length": [post("Content-Length: -1\r\n", "a"), [400]],
  "a length in hexadecimal": [post("Content-Length: 0x1\r\n", "a"), [400]],
  "a length with a space in it": [post("Content-Length: 1 1\r\n", "a"), [400]],
  "a length beyond 64 bits": [post("Content-Length: 18446744073709551617\r\n", "a"), [400]],
  "an empty length": [post("Content-Length: \r\n", ""), [400]],
  "a length with white space around it": [post("Content-Length: \t1  \r\n", "a"), [200, 200]],
  // RFC 9112, section 6.1.
  "an unknown coding": [post("Transfer-Encoding: xchunked\r\n", A), [400]],
  "identity": [post("Transfer-Encoding: identity\r\n", ""), [400]],
  "chunked that is not the last coding": [post("Transfer-Encoding: chunked, gzip\r\n", A), [400]],
  "a coding before chunked": [post("Transfer-Encoding: gzip, chunked\r\n", A), [501]],
  "chunked twice": [post(CHUNKED + CHUNKED, A), [400]],
  "chunked, and then another coding": [post(`${CHUNKED}Transfer-Encoding: gzip\r\n`, A), [400]],
  "chunked with a vertical tab": [post("Transfer-Encoding: \vchunked\r\n", A), [400]],
  "chunked in capitals": [post("transfer-encoding: CHUNKED\r\n", A), [200, 200]],
  "chunked in HTTP/1.0": [`POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n${A}`, [400]],
  // RFC 9112, section 7.1.
  "a chunk size with a sign": [post(CHUNKED, "+1\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with 0x": [post(CHUNKED, "0x1\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with a space before it": [post(CHUNKED, " 1\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with a space behind it": [post(CHUNKED, "1 \r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size beyond 64 bits": [post(CHUNKED, "10000000000000001\r\na\r\n0\r\n\r\n"), [400]],
  "an empty chunk size": [post(CHUNKED, "\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size that is a word": [post(CHUNKED, "xyz\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size that ends with a bare LF": [post(CHUNKED, "1\na\r\n0\r\n\r\n"), [400]],
  "a chunk longer than its size": [post(CHUNKED, "1\r\nab\r\n0\r\n\r\n"), [400]],
  "a chunk that ends with a bare LF": [post(CHUNKED, "1\r\na\n0\r\n\r\n"), [400]],
  "a chunk extension with a bare LF": [post(CHUNKED, "1;a\nb\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk extension": [post(CHUNKED, '1;a=b;c="d"\r\na\r\n0\r\n\r\n'), [200, 200]],
  "a chunk size with zeros before it": [post(CHUNKED, "0001\r\na\r\n000\r\n\r\n"), [200, 200]],
  "a trailer that is no field": [post(CHUNKED, "1\r\na\r\n0\r\nno field\r\n\r\n"), [400]],
  // RFC 9112, sections 2.2 and 5.
  "a bare LF behind the first line": [`GET / HTTP/1.1\n${HOST}\r\n`, [400]],
  "a bare LF behind a field": ["GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", [400]],
  "a bare LF as the empty line": [`GET / HTTP/1.1\r\n${HOST}\n`, [400]],
  "a bare CR in a value": [get("GET / HTTP/1.1", `${HOST}X: a\rb\r\n`), [400]],
  "NUL in a value": [get("GET / HTTP/1.1", `${HOST}X: a\0b\r\n`), [400]],
  "a folded field": [get("GET / HTTP/1.1", `${HOST}X: a\r\n b\r\n`), [400]],
  "white space before the first field": [get("GET / HTTP/1.1", ` X: a\r\n${HOST}`), [400]],
  "white space before a colon": [get("GET / HTTP/1.1", `${HOST}X : a\r\n`), [400]],
  "white space before the colon of a length": [post("Content-Length : 1\r\n", "a"), [400]],
  "a name with white space in it": [get("GET / HTTP/1.1", `${HOST}X Y: a\r\n`), [400]],
  "a name that is no token": [get("GET / HTTP/1.1", `${HOST}X(Y: a\r\n`), [400]],
  "an empty name": [get("GET / HTTP/1.1", `${HOST}: a\r\n`), [400]],
  "a field without a colon": [get("GET / HTTP/1.1", `${HOST}X\r\n`), [400]],
  "a field that is empty": [get("GET / HTTP/1.1", `${HOST}X:\r\n`), [200, 200]],
  "bytes beyond ASCII in a value": [get("GET / HTTP/1.1", `${HOST}X: ä\r\n`), [200, 200]],
  "an empty line before the first": [`\r\n${get("GET / HTTP/1.1")}`, [200, 200]],
  // RFC 9112, section 3.
  "two spaces in the first line": [get("GET  / HTTP/1.1"), [400]],
  "two spaces before the protocol": [get("GET /  HTTP/1.1"), [400]],
  "a tab in the first line": [get("GET\t/ HTTP/1.1"), [400]],
  "a space behind the first line": [get("GET / HTTP/1.1 "), [400]],
  "a space in the target": [get("GET /a b HTTP/1.1"), [400]],
  "no target": [get("GET HTTP/1.1"), [400]],
  "HTTP/0.9": ["GET /\r\n", [400]],
  "another protocol": [get("GET / RTSP/1.0"), [400]],
  "a protocol in small letters": [get("GET / http/1.1"), [400]],
  "HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]],
  "HTTP/1.2": [get("GET / HTTP/1.2"), [505]],
  "HTTP/3.0": [get("GET / HTTP/3.0"), [505]],
  "a method that nobody knows": [get("BREW / HTTP/1.1"), [501]],
  "a method in small letters": [get("get / HTTP/1.1"), [501]],
  "CONNECT": ["CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", [501]],
  "TLS": ["\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", [400]],
  "a fragment": [get("GET /#a HTTP/1.1"), [400]],
  "a target that is a word": [get("GET a HTTP/1.1"), [400]],
  "a whole URL": [get("GET http://b/c?d HTTP/1.1"), [200, 200]],
  "a whole URL with a user": [get("GET http://u@b/c HTTP/1.1"), [400]],
  "a URL of another kind": [get("GET ftp://b/c HTTP/1.1"), [400]],
  "* for GET": [get("GET * HTTP/1.1"), [400]],
  "* for OPTIONS": [get("OPTIONS * HTTP/1.1"), [200, 200]],
  // RFC 9112, section 3.2.
  "no host": [get("GET / HTTP/1.1", ""), [400]],
  "no host in HTTP/1.0": [get("GET / HTTP/1.0", ""), [200]],
  "two hosts": [get("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n"), [400]],
  "an empty host": [get("GET / HTTP/1.1", "Host:\r\n"), [200, 200]],
  "a host with a path": [get("GET / HTTP/1.1", "Host: a/b\r\n"), [400]],
  "a host with a user": [get("GET / HTTP/1.1", "Host: u@a\r\n"), [400]],
  "a host that is no URL's": [get("GET / HTTP/1.1", "Host: [::1\r\n"), [400]],
  "a host with a broken escape": [get("GET / HTTP/1.1", "Host: a%zz\r\n"), [400]],
  "a host with a port that is none": [get("GET / HTTP/1.1", "Host: a:b\r\n"), [400]],
  "a host that is a list": [get("GET / HTTP/1.1", "Host: a, b\r\n"), [400]],
  "a host in IPv6": [get("GET / HTTP/1.1", "Host: [::1]:80\r\n"), [200, 200]],
  // RFC 9112, section 9.3.
  "connection: close": [get("GET / HTTP/1.1", `${HOST}Connection: close\r\n`), [200]],
  "HTTP/1.0": [get("GET / HTTP/1.0"), [200]],
  "HTTP/1.0, kept": [get("GET / HTTP/1.0", `${HOST}Connection: keep-alive\r\n`), [200, 200]],
};

for (const tier of TIERS) {
  netTest(`each odd request gets the answer that it should, in the ${tier} tier`, async (libos) => {
    const wrong: unknown[] = [];
    await using server = telling(libos, tier, { onError: (error) => wrong.push(error) });
    const { port } = server.addr;
    const got = await Promise.all(
      Object.entries(CASES).map(async ([name, [request]]) =>
        [name, await statuses(port, request + NEXT)] as const
      ),
    );
    const expected = Object.entries(CASES).map(([name, [, statuses]]) => [name, statuses] as const);
    assertEquals(Object.fromEntries(got), Object.fromEntries(expected));
    // Nobody has to read of what clients do wrong.
    assertEquals(wrong, []);
  });
}

netTest("requests are the same in whatever pieces they come", async (libos) => {
  await using server = telling(libos, "fast");
  const { port } = server.addr;
  const whole = post(CHUNKED, "1\r\na\r\n2;x\r\nbc\r\n0\r\nT: v\r\n\r\n") +
    post("X-Long: " + "y".repeat(300) + "\r\nContent-Length: 3\r\n", "def") + NEXT;
  const expected = ["POST / abc", "POST / def", "GET /next "];
  for (const size of [1000, 1, 2, 3, 7, 50]) {
    using peer = await Peer.to(port);
    for (let at = 0; at < whole.length; at += size) await peer.say(whole.slice(at, at + size));
    await peer.end();
    assertEquals(parse(await peer.rest()).map(({ body }) => body), expected);
  }
});
