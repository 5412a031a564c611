/**
 * What is no HTTP, and what would be read as two different things by two servers: each is refused or answered as the RFCs
 * say, and nothing behind it is taken for a request.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { bytes, netTest } from "../net/_net.ts";
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
/** A chunk. */
const B = "1\r\na\r\n";

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
  "a length with zeros before it": [post("Content-Length: 001\r\n", "a"), [200, 200]],
  "a length with a comma": [post("Content-Length: 1,\r\n", "a"), [400]],
  "a length with a fraction": [post("Content-Length: 1.0\r\n", "a"), [400]],
  "a length with an exponent": [post("Content-Length: 1e0\r\n", "a"), [400]],
  "a length in quotes": [post('Content-Length: "1"\r\n', "a"), [400]],
  "a length with NUL": [post("Content-Length: 1\0\r\n", "a"), [400]],
  "a length with a vertical tab": [post("Content-Length: \v1\r\n", "a"), [400]],
  "a length that is folded": [post("Content-Length:\r\n 1\r\n", "a"), [400]],
  "a length with CR in its name": [post("Content\rLength: 1\r\n", "a"), [400]],
  "a length with an underscore": [post("Content_Length: 1\r\n", "a"), [200, 501]],
  "a length in two cases": [post("Content-Length: 1\r\ncontent-length: 2\r\n", "ab"), [400]],
  "more than the length": [post("Content-Length: 1\r\n", "ab"), [200, 501]],
  "no length": [post("", ""), [200, 200]],
  "a body of GET": [get("GET / HTTP/1.1", `${HOST}Content-Length: 1\r\n`) + "a", [200, 200]],
  "chunks of GET": [get("GET / HTTP/1.1", HOST + CHUNKED) + A, [200, 200]],
  "an empty line behind a body": [post("Content-Length: 1\r\n", "a\r\n"), [200, 200]],
  // RFC 9112, section 6.1.
  "an unknown coding": [post("Transfer-Encoding: xchunked\r\n", A), [400]],
  "identity": [post("Transfer-Encoding: identity\r\n", ""), [400]],
  "chunked that is not the last coding": [post("Transfer-Encoding: chunked, gzip\r\n", A), [400]],
  "a coding before chunked": [post("Transfer-Encoding: gzip, chunked\r\n", A), [501]],
  "chunked twice": [post(CHUNKED + CHUNKED, A), [400]],
  "chunked, and then another coding": [post(`${CHUNKED}Transfer-Encoding: gzip\r\n`, A), [400]],
  "chunked with a vertical tab": [post("Transfer-Encoding: \vchunked\r\n", A), [400]],
  "an empty coding and a length": [
    post("Transfer-Encoding:\r\nContent-Length: 1\r\n", "a"),
    [400],
  ],
  "a length and empty codings": [
    post("Content-Length: 1\r\nTransfer-Encoding:\r\nTransfer-Encoding:\r\n", "a"),
    [400],
  ],
  "an empty coding": [post("Transfer-Encoding:\r\n", ""), [400]],
  "chunked in one word twice": [post("Transfer-Encoding: chunkedchunked\r\n", A), [400]],
  "chunked in a list twice": [post("Transfer-Encoding: chunked, chunked\r\n", A), [400]],
  "chunked and a space between": [post("Transfer-Encoding: chunked chunked\r\n", A), [400]],
  "chunked in quotes": [post('Transfer-Encoding: "chunked"\r\n', A), [400]],
  "chunked with a parameter": [post("Transfer-Encoding: chunked;a\r\n", A), [400]],
  "chunked behind a comma": [post("Transfer-Encoding: ,chunked\r\n", A), [501]],
  "chunked before a comma": [post("Transfer-Encoding: chunked,\r\n", A), [400]],
  "chunked with NUL": [post("Transfer-Encoding: chunked\0\r\n", A), [400]],
  "chunked with DEL": [post("Transfer-Encoding: chunked\x7f\r\n", A), [400]],
  "chunked with a byte beyond ASCII": [post("Transfer-Encoding: chunkedÿ\r\n", A), [400]],
  "chunked behind a tab": [post("Transfer-Encoding:\tchunked \r\n", A), [200, 200]],
  "chunked in a field with an underscore": [post("Transfer_Encoding: chunked\r\n", A), [200, 400]],
  "chunked in a field with a tab": [post("Transfer-Encoding\t: chunked\r\n", A), [400]],
  "chunked that is folded": [post("Transfer-Encoding:\r\n chunked\r\n", A), [400]],
  "chunked with a fold behind it": [post("Transfer-Encoding: chunked\r\n , x\r\n", A), [400]],
  "chunked behind a bare LF": [post("X: x\nTransfer-Encoding: chunked\r\n", A), [400]],
  "chunked behind a bare CR": [post("X: x\rTransfer-Encoding: chunked\r\n", A), [400]],
  "chunked behind an empty value and LF": [post("X:\nTransfer-Encoding: chunked\r\n", A), [400]],
  "chunked behind an empty value and CR": [post("X:\rTransfer-Encoding: chunked\r\n", A), [400]],
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
  "a trailer that is a length": [post(CHUNKED, `${B}0\r\nContent-Length: 5\r\n\r\n`), [400]],
  "a trailer that is a coding": [post(CHUNKED, `${B}0\r\n${CHUNKED}\r\n`), [400]],
  "a trailer that is folded": [post(CHUNKED, `${B}0\r\nX: a\r\n b\r\n\r\n`), [400]],
  "a trailer with a space before its colon": [post(CHUNKED, `${B}0\r\nX : a\r\n\r\n`), [400]],
  "no last chunk": [post(CHUNKED, `${B}\r\n`), [400]],
  "a last chunk without an empty line": [post(CHUNKED, `${B}0\r\n`), [400]],
  "a last chunk with bare LFs": [post(CHUNKED, `${B}0\n\n`), [400]],
  "a last chunk with a bare LF behind it": [post(CHUNKED, `${B}0\r\n\n`), [400]],
  "a chunk that goes on with the next": [post(CHUNKED, "1\r\na0\r\n\r\n"), [400]],
  "a chunk with a bare CR behind it": [post(CHUNKED, "1\r\na\rx0\r\n\r\n"), [400]],
  "a chunk size with two CRs": [post(CHUNKED, "1\r\r;abcd\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with a line of its own": [post(CHUNKED, "1 \n \r\na\r\n0\r\n\r\n"), [400]],
  "a negative chunk size": [post(CHUNKED, "-1\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with an underscore": [post(CHUNKED, "1_0\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size with NUL": [post(CHUNKED, "1\0\r\na\r\n0\r\n\r\n"), [400]],
  "the largest chunk size": [post(CHUNKED, "ffffffffffffffff\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk size in capitals": [post(CHUNKED, "A\r\n0123456789\r\n0\r\n\r\n"), [200, 200]],
  "a chunk extension without a semicolon": [post(CHUNKED, "1 a\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk extension without a name": [post(CHUNKED, "1;\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk extension with a bare CR": [post(CHUNKED, "1;a\rb\r\na\r\n0\r\n\r\n"), [400]],
  "a chunk extension in quotes": [post(CHUNKED, '1;a="\\"b;c"\r\na\r\n0\r\n\r\n'), [200, 200]],
  "a chunk extension with one quote": [post(CHUNKED, '1;a="b\r\na\r\n0\r\n\r\n'), [400]],
  "a chunk extension with LF in quotes": [post(CHUNKED, '1;a="b\nc"\r\na\r\n0\r\n\r\n'), [400]],
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
  "empty lines before the first": [`\r\n\r\n\r\n${get("GET / HTTP/1.1")}`, [200, 200]],
  "an empty line alone": ["\r\n", [200]],
  "a bare CR before the first line": [`\r${get("GET / HTTP/1.1")}`, [400]],
  "a bare LF before the first line": [`\n${get("GET / HTTP/1.1")}`, [400]],
  "an empty line and a bare LF": [`\r\n\n${get("GET / HTTP/1.1")}`, [400]],
  "two CRs before the first line": [`\r\r\n${get("GET / HTTP/1.1")}`, [400]],
  "a space before the first line": [` ${get("GET / HTTP/1.1")}`, [400]],
  "NUL before the first line": [`\0${get("GET / HTTP/1.1")}`, [400]],
  "a bare CR behind the first line": ["GET / HTTP/1.1\rHost: a\r\n\r\n", [400]],
  "two CRs behind the first line": ["GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", [400]],
  "bare LFs alone": ["GET / HTTP/1.1\nHost: a\n\n", [400]],
  "a bare CR as the empty line": [`GET / HTTP/1.1\r\n${HOST}\rZGET /evil: HTTP/1.1\r\n`, [400]],
  "a control character in a value": [get("GET / HTTP/1.1", `${HOST}X: a\x01\r\n`), [400]],
  "DEL in a value": [get("GET / HTTP/1.1", `${HOST}X: a\x7f\r\n`), [400]],
  "a tab in a value": [get("GET / HTTP/1.1", `${HOST}X: a\tb\r\n`), [200, 200]],
  "a control character in a name": [get("GET / HTTP/1.1", `${HOST}X\x01: a\r\n`), [400]],
  "DEL in a name": [get("GET / HTTP/1.1", `${HOST}X\x7f: a\r\n`), [400]],
  "@ in a name": [get("GET / HTTP/1.1", `${HOST}X@: a\r\n`), [400]],
  "bytes beyond ASCII in a name": [get("GET / HTTP/1.1", `${HOST}Xä: a\r\n`), [400]],
  "all that a name may have": [get("GET / HTTP/1.1", `${HOST}!#$%&'*+-.^_\`|~0Az: a\r\n`), [
    200,
    200,
  ]],
  "a name that is folded": [get("GET / HTTP/1.1", `${HOST}X\r\n : a\r\n`), [400]],
  "a name with CR in it": [get("GET / HTTP/1.1", `${HOST}Connection\r\x1b5eep-Alive\r\n`), [400]],
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
  "HTTP/0.9 in the first line": [get("GET / HTTP/0.9"), [505]],
  "HTTP/5.6": [get("GET / HTTP/5.6"), [505]],
  "HTTP/1.01": [get("GET / HTTP/1.01"), [400]],
  "HTTP/01.1": [get("GET / HTTP/01.1"), [400]],
  "HTTP/11.1": [get("GET / HTTP/11.1"), [400]],
  "HTTP/1,1": [get("GET / HTTP/1,1"), [400]],
  "HTTP/1": [get("GET / HTTP/1"), [400]],
  "HTTP without a version": [get("GET / HTTP/"), [400]],
  "HTTPS": [get("GET / HTTPS/1.1"), [400]],
  "ICE": [get("GET / ICE/1.0"), [400]],
  "ICE with its method": [get("SOURCE / ICE/1.0"), [400]],
  "IHTTP": [get("GET / IHTTP/1.0"), [400]],
  "SSH": ["SSH-2.0-OpenSSH\r\n", [400]],
  "an answer": ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [400]],
  "a method of RTSP": [get("ANNOUNCE / HTTP/1.1"), [501]],
  "a method that begins like another": [get("MKCOLA / HTTP/1.1"), [501]],
  "a method that nobody knows": [get("BREW / HTTP/1.1"), [501]],
  "a method in small letters": [get("get / HTTP/1.1"), [501]],
  "CONNECT": ["CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", [501]],
  "TLS": ["\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", [400]],
  "a fragment": [get("GET /#a HTTP/1.1"), [400]],
  "methods that are less known": [
    ["REPORT", "PURGE", "LINK", "SEARCH", "QUERY", "M-SEARCH"].map((one) =>
      get(`${one} / HTTP/1.1`)
    )
      .join(""),
    [200, 200, 200, 200, 200, 200, 200],
  ],
  "quotes in a target": [get('GET /"a"?b="c" HTTP/1.1'), [200, 200]],
  "bars and question marks in a target": [get("GET /a?b=|?c HTTP/1.1"), [200, 200]],
  "a target with broken escapes": [get("GET /%zz HTTP/1.1"), [200, 200]],
  "a target that goes up": [get("GET /../../a HTTP/1.1"), [200, 200]],
  "bytes beyond ASCII in a target": [get("GET /δ HTTP/1.1"), [400]],
  "NUL in a target": [get("GET /\0 HTTP/1.1"), [400]],
  "a control character in a target": [get("GET /\x01 HTTP/1.1"), [400]],
  "DEL in a target": [get("GET /\x7f HTTP/1.1"), [400]],
  "a tab in a target": [get("GET /a\tb HTTP/1.1"), [400]],
  "a form feed in a target": [get("GET /\f HTTP/1.1"), [400]],
  "a vertical tab in the first line": [get("GET\v/ HTTP/1.1"), [400]],
  "a backslash for a target": [get("GET \\a HTTP/1.1"), [400]],
  "an authority for a target": [get("GET a:80 HTTP/1.1"), [400]],
  "a whole URL without a host": [get("GET http:///a HTTP/1.1"), [400]],
  "a whole URL without anything": [get("GET http:// HTTP/1.1"), [400]],
  "a whole URL with one slash": [get("GET http:/a HTTP/1.1"), [400]],
  "a whole URL with a port that is none": [get("GET http://b:x/ HTTP/1.1"), [400]],
  "a whole URL, and no host": [get("GET http://b/ HTTP/1.1", ""), [400]],
  "* for M-SEARCH": [get("M-SEARCH * HTTP/1.1"), [400]],
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
  "two hosts that differ": [get("GET / HTTP/1.1", "Host: a\r\nhost: b\r\n"), [400]],
  "a host with a space": [get("GET / HTTP/1.1", "Host: a b\r\n"), [400]],
  "a host that is folded": [get("GET / HTTP/1.1", "Host: a\r\n b\r\n"), [400]],
  "a host with a query": [get("GET / HTTP/1.1", "Host: a?b\r\n"), [400]],
  "a host with a fragment": [get("GET / HTTP/1.1", "Host: a#b\r\n"), [400]],
  "a host with a backslash": [get("GET / HTTP/1.1", "Host: a\\b\r\n"), [400]],
  "a host with bytes beyond ASCII": [get("GET / HTTP/1.1", "Host: ä\r\n"), [400]],
  "a host with a port beyond 65 535": [get("GET / HTTP/1.1", "Host: a:99999\r\n"), [400]],
  "a host with an underscore": [get("GET / HTTP/1.1", "Host: a_b\r\n"), [200, 200]],
  "a host in IPv6": [get("GET / HTTP/1.1", "Host: [::1]:80\r\n"), [200, 200]],
  // RFC 9112, section 9.3.
  "connection: close": [get("GET / HTTP/1.1", `${HOST}Connection: close\r\n`), [200]],
  "HTTP/1.0": [get("GET / HTTP/1.0"), [200]],
  "HTTP/1.0, kept": [get("GET / HTTP/1.0", `${HOST}Connection: keep-alive\r\n`), [200, 200]],
  "close among others": [get("GET / HTTP/1.1", `${HOST}Connection: x, CLOSE, keep-alive\r\n`), [
    200,
  ]],
  "close and keep-alive": [
    get("GET / HTTP/1.1", `${HOST}Connection: keep-alive\r\nConnection: close\r\n`),
    [200],
  ],
  "closed": [get("GET / HTTP/1.1", `${HOST}Connection: closed\r\n`), [200, 200]],
  // RFC 9110, sections 7.8 and 10.1.1.
  "an upgrade to another protocol": [
    get("GET / HTTP/1.1", `${HOST}Connection: upgrade\r\nUpgrade: h2c\r\n`),
    [200, 200],
  ],
  "an upgrade with a body": [
    post("Connection: upgrade\r\nUpgrade: ws\r\nContent-Length: 1\r\n", "a"),
    [200, 200],
  ],
  "an upgrade with chunks": [post(`Connection: upgrade\r\nUpgrade: ws\r\n${CHUNKED}`, A), [
    200,
    200,
  ]],
  "an expectation twice": [
    post("Expect: 100-continue\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n", "a"),
    [200, 200],
  ],
  "an expectation beside another": [
    post("Expect: 100-continue, cake\r\nContent-Length: 1\r\n", "a"),
    [417],
  ],
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

netTest("each odd request gets the same answer when each byte comes for itself", async (libos) => {
  await using server = telling(libos, "fast");
  const { port } = server.addr;
  for (const [name, [request, expected]] of Object.entries(CASES)) {
    using peer = await Peer.to(port);
    // Who is refused may be so before all is said.
    const said = (async () => {
      for (const byte of bytes(request + NEXT)) await peer.say(new Uint8Array([byte]));
      await peer.end();
    })().catch(() => {});
    const heard = parse(await peer.rest()).map(({ status }) => plain(status));
    await said;
    assertEquals(heard, expected.map(plain), name);
  }
});

/** What is no known method is refused before it is here in whole, and nobody knows whether it is one. */
function plain(status: number): number {
  return status === 501 ? 400 : status;
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
