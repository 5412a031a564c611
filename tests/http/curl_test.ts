/**
 * curl as a foreign client: HTTP/1.1 and HTTPS, large bodies both ways, slow ones, what it waits for, and what is wrong.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { type HttpServerOptions, serveHttp } from "../../libos/http/mod.ts";
import type { InetAddress, LibOS } from "../../mod.ts";
import { missingProgram } from "../_needs.ts";
import type { Said } from "../node/_node.ts";
import { Certificates } from "../tls/_certificates.ts";
import { TIERS } from "./_http.ts";
import { type Place, testAt } from "./_places.ts";

/** What curl is asked to tell of the answer. */
const TELL = ["--write-out", "\n%{http_code} %{num_connects}"];
/** The same of each of several answers, of which the bodies are of no interest. */
const CODES = ["--output", "/dev/null", "--write-out", "%{http_code} "];

const LARGE = new Uint8Array(3_000_000).map((_, i) => i * 31 % 95 + 32);
const LARGE_TEXT = new TextDecoder().decode(LARGE);

/** A body that comes when it comes. */
async function* slowly() {
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield new TextEncoder().encode(`${i}\n`);
  }
}
const SLOW = Array.from({ length: 20 }, (_, i) => `${i}\n`).join("");

/** An echo of bodies, as streams; to a GET it says something slowly. */
function echo(
  libos: LibOS,
  hostname: string,
  tier: string,
  options: HttpServerOptions<InetAddress> = {},
) {
  const all = { libos, hostname, port: 0, ...options };
  if (tier === "fetch") {
    return serveHttp(
      all,
      (request) =>
        new Response(request.method === "GET" ? ReadableStream.from(slowly()) : request.body),
    );
  }
  return serveHttp({ ...all, tier: "fast" }, (request) => ({
    body: request.method === "GET" ? slowly() : (async function* () {
      for (let sga; (sga = await request.pop()) !== null;) yield sga;
    })(),
  }));
}

/** Runs curl at a place, which gives up after fifteen seconds. */
function curlAt(
  place: Place,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<Said> {
  const quiet = ["--silent", "--show-error", "--max-time", "15"];
  return place.run("curl", [...quiet, ...args], input);
}

/** What curl does in either protocol; `there` says how it comes to the server. */
async function exchange(
  place: Place,
  url: string,
  large: Uint8Array,
  there: readonly string[] = [],
): Promise<void> {
  const curl = (args: readonly string[], input?: string | Uint8Array) =>
    curlAt(place, [...there, ...args], input);
  const post = ["--data-binary", "@-"];
  const chunked = ["--header", "Transfer-Encoding: chunked"];
  for (const more of [[], chunked]) {
    const { stdout, stderr } = await curl([url, ...post, ...more, ...TELL], large);
    assertEquals(stdout === `${LARGE_TEXT.slice(0, large.length)}\n200 1`, true, stderr);
  }
  // Slow as it sends and takes: a kilobyte each five milliseconds or so.
  const slow = await curl([url, "--limit-rate", "200k", ...post], LARGE.slice(0, 40_000));
  assertEquals(slow.stdout, LARGE_TEXT.slice(0, 40_000));
  assertEquals((await curl([url])).stdout, SLOW);
  const expecting = ["--header", "Expect: 100-continue", "--verbose"];
  const expected = await curl([url, ...post, ...expecting], "abc");
  assertEquals(expected.stdout, "abc");
  assertMatch(expected.stderr, /< HTTP\/1.1 100 Continue[^]*< HTTP\/1.1 200 OK/);
  const kept = await curl([url, url, "--http1.1", "--data", "x", ...TELL]);
  assertEquals(kept.stdout, "x\n200 1x\n200 0");
  const old = await curl([url, "--http1.0", "--data", "x", ...TELL]);
  assertEquals(old.stdout, "x\n200 1");
  assertMatch((await curl(["--head", url])).stdout, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
  const many = Array.from({ length: 20 }, () => ["--output", "/dev/null", url]).flat();
  const parallel = await curl(["--parallel", "--write-out", "%{size_download} ", ...many]);
  assertEquals(parallel.stdout, `${SLOW.length} `.repeat(20), parallel.stderr);
}

/** Requests that are wrong, as curl lets them be made, and the status of each. */
const BROKEN: [args: string[], status: number][] = [
  [["--request", "BREW"], 501],
  [["--request", "get"], 501],
  [["--request-target", "/a b"], 400],
  [["--request-target", "a"], 400],
  [["--request-target", "*"], 400],
  [["--request-target", `/${"x".repeat(2000)}`], 414],
  [["--header", "Host:"], 400],
  [["--header", "Host: a/b"], 400],
  [["--header", "X Y: a"], 400],
  [["--header", `X: ${"x".repeat(2000)}`], 431],
  [["--header", "Expect: cake", "--data", "x"], 417],
  [["--header", "Content-Length: x", "--data", "x"], 400],
  [["--header", "Content-Length: 1", "--header", "Transfer-Encoding: chunked", "--data", "x"], 400],
  [["--header", "Transfer-Encoding: gzip, chunked", "--data", "x"], 501],
  [["--header", "Content-Length: 5001", "--data", "x"], 413],
];

for (const tier of TIERS) {
  testAt(
    `curl gets what it asks for, in the ${tier} tier`,
    missingProgram("curl"),
    async (place) => {
      const { libos, hostname } = place;
      await using server = echo(libos, hostname, tier);
      await exchange(place, `http://${hostname}:${server.addr.port}/`, LARGE);
    },
  );

  testAt(
    `curl gets what it asks for by HTTPS, in the ${tier} tier`,
    missingProgram("curl") ?? missingProgram("openssl"),
    async (place) => {
      const { libos, hostname } = place;
      await using certificates = await Certificates.make();
      const { cert, key, certPath } = await certificates.issue("localhost");
      await using server = echo(libos, hostname, tier, { cert, key });
      const there = ["--cacert", certPath, "--connect-to", `::${hostname}:`];
      await exchange(
        place,
        `https://localhost:${server.addr.port}/`,
        LARGE.slice(0, 1_000_000),
        there,
      );
    },
  );

  testAt(
    `curl is told what is wrong, in the ${tier} tier`,
    missingProgram("curl"),
    async (place) => {
      const { libos, hostname } = place;
      const errors: unknown[] = [];
      await using server = echo(libos, hostname, tier, {
        maxHeaderSize: 1000,
        maxBodySize: 5000,
        onError: (error) => errors.push(error),
      });
      const url = `http://${hostname}:${server.addr.port}/`;
      for (const [args, status] of BROKEN) {
        const { stdout, stderr } = await curlAt(place, [...args, ...CODES, url]);
        assertEquals(stdout, `${status} `, `${args}: ${stderr}`);
      }
      assertEquals(errors, []);
    },
  );
}
