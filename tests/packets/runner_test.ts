/**
 * The runner of packet scripts: what it understands, what it says of what it does not, and that it notices what is wrong.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { formatReport, type ReportedFailure, reportFailure } from "./_runner/report.ts";
import { parseScript } from "./_runner/parser.ts";
import type { Profile } from "./_runner/settings.ts";
import { runScript } from "./_runner/run.ts";
import { ScriptError } from "./_runner/syntax.ts";

const LISTEN = `
   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0 bind(3, ..., ...) = 0
  +0 listen(3, 1) = 0
`;
const OPEN = `${LISTEN}
  +0 < S 0:0(0) win 65535 <mss 1000>
  +0 > S. 0:0(0) ack 1 <...>
 +.1 < . 1:1(0) ack 1 win 65535
  +0 accept(3, ..., ...) = 4
`;

interface Options {
  profile?: Profile;
  definitions?: Record<string, string>;
}

/** Runs a script; gives why it failed, or null. */
function failureOf(source: string, options: Options = {}): ReportedFailure | null {
  const definitions = new Map(Object.entries(options.definitions ?? {}));
  try {
    runScript(parseScript("test.pkt", source, definitions), {
      profile: options.profile ?? "linux",
    });
    return null;
  } catch (error) {
    return reportFailure("test.pkt", error).failure!;
  }
}

function passes(source: string, options: Options = {}): void {
  const failure = failureOf(source, options);
  const text = failure && formatReport({ script: "test", passed: false, notes: [], failure });
  assertEquals(text, null);
}

function fails(source: string, message: RegExp, options: Options = {}): ReportedFailure {
  const failure = failureOf(source, options);
  assert(failure !== null, "the script passed");
  assertMatch(failure.message, message);
  return failure;
}

Deno.test("parseScript() names line and column of what it does not understand", () => {
  const cases: [string, number, number, RegExp][] = [
    ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n +0 < S 0:5(6) win 1", 2, 9, /do not end at 5/],
    ["0 bind(3, ...", 1, 14, /, is missing/],
    ["0 < S 0:0(0) win 1 <mss 1460,what 3>", 1, 30, /option what/],
    ["0 < icmp nonsense", 1, 10, /type nonsense/],
    ["0 < [other] S 0:0(0)", 1, 6, /"other"/],
    ["0 bind(3, ...) = 0\n#ifdef X\n", 2, 1, /#endif is missing/],
    ["#else\n", 1, 1, /without #ifdef/],
    ["0 `unfinished", 1, 4, /` is missing/],
    ["? nonsense", 1, 1, /is missing/],
  ];
  for (const [source, line, column, message] of cases) {
    const error = assertThrows(() => parseScript("x", source), ScriptError) as ScriptError;
    assertEquals(error.place, { line, column }, `${source}: ${error.message}`);
    assertMatch(error.message, message);
  }
});

Deno.test("what is not known when a script runs is told with its place, too", () => {
  const places = [
    failureOf("\n 0 splice(3, ...) = 0"),
    failureOf("0 socket(..., SOCK_STREAM, IPPROTO_NONE|NOTHING, X) = Y"),
    failureOf(`${OPEN}\n+0 %{\n assert tcpi_nothing == 1 }%`),
    failureOf("--nothing=1\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"),
  ];
  assertEquals(places.map((one) => [one!.line, one!.message]), [
    [2, "the call splice is not understood"],
    [1, "the name Y is not known"],
    [12, "the name tcpi_nothing is not known"],
    [1, "the option --nothing is not understood"],
  ]);
});

Deno.test("conditions and definitions choose what is read", () => {
  const source = `${LISTEN}
#ifdef LATE
 +.5 close(4) = 0
#else
  +0 close(NUMBER) = 0
#endif
#ifndef LATE
  +0 close(3) = -1 EBADF (Bad file descriptor)
#endif`;
  passes(source, { definitions: { NUMBER: "3" } });
  fails(source, /gives something else/, { definitions: { LATE: "", NUMBER: "3" } });
});

Deno.test("times are absolute, relative, ranges, or any", () => {
  passes(`${OPEN}
    0.2 write(4, ..., 10) = 10
    0.2 > P. 1:11(10) ack 1
   +.25~+.35 > P. 1:11(10) ack 1
     * > P. 1:11(10) ack 1
   +.1 < . 1:1(0) ack 11 win 65535
  +.1...0.2 read(4, ..., 10) = 10
   +.1 < P. 1:11(10) ack 11 win 65535`.replace("+.1...0.2", "+.1...+.2"));
  const failure = fails(
    `${OPEN}
    +0 write(4, ..., 10) = 10
   +.2 > P. 1:11(10) ack 1`,
    /sent at 0.100 s, not 0.300 s/,
  );
  assertEquals(failure.line, 12);
});

Deno.test("what is relative counts from when the event before was to be, and not from when it was", () => {
  passes(`${OPEN}
       +0 write(4, ..., 10) = 10
       +0 > P. 1:11(10) ack 1
+.25~+.35 > P. 1:11(10) ack 1
      +.2 < . 1:1(0) ack 11 win 65535
     0.55 write(4, ..., 10) = 10
     0.55 > P. 11:21(10) ack 1`);
});

Deno.test("the IP header may stand in parentheses, and messages are those of the script's version of IP", () => {
  passes(`${OPEN}\n+0 < (ttl 3) F. 1:1(0) ack 1 win 100\n+0 > (ttl 64) . 1:1(0) ack 2`);
  const connect = `
   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
  +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
  +0 > S 0:0(0) <...>`;
  const error = "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [EHOSTUNREACH], [4]) = 0";
  passes(`--ip_version=ipv6\n${connect}
  +0 < [0:0(0)] icmp time_exceeded exceeded_hop_limit\n${error}`);
  passes(`${connect}\n+0 < icmp time_exceeded ttl_exceeded_in_transit [0:0(0)]\n${error}`);
});

Deno.test("the profile freebsd takes for granted what FreeBSD does", () => {
  const freebsd = { profile: "freebsd" } as const;
  // Buffers are whole segments, acknowledgments may wait from the first one on, what was not read does not reset.
  passes(
    `${OPEN}
    +0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [66000], [4]) = 0
    +0 < P. 1:101(100) ack 1 win 65535
   +.1 > . 1:1(0) ack 101
    +0 close(4) = 0
    +0 > F. 1:1(0) ack 101
    +0 < F. 101:101(0) ack 1 win 65535
    +0 > F. 1:1(0) ack 102`,
    freebsd,
  );
  const again = `
   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
  +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
  +0 > S 0:0(0) <...>
  +1 > S 0:0(0) <...>
+2.2 > S 0:0(0) <...>`;
  passes(again, freebsd);
  fails("`sysctl -w net.inet.tcp.rexmit_slop=0`" + again, /it was sent at 3.000 s/, freebsd);
  // What the host drops before TCP is not seen by it.
  const both = `${LISTEN}\n+0 < SF 0:0(0) win 100 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>`;
  passes(both, freebsd);
  fails("`sysctl -w net.inet.tcp.drop_synfin=1`" + both, /nothing was sent/, freebsd);
});

Deno.test("a segment is compared field by field", () => {
  const cases: [string, string][] = [
    ["+0 > P. 1:11(10) ack 2", "ack"],
    ["+0 > F. 1:11(10) ack 1", "flags"],
    ["+0 > P. 2:12(10) ack 1", "seq"],
    ["+0 > P. 1:10(9) ack 1", "length"],
    ["+0 > P. 1:11(10) ack 1 win 0", "win"],
    ["+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 1>", "options"],
    ["+0 > [ce] P. 1:11(10) ack 1", "ecn"],
    ["+0 > udp (10)", "protocol"],
  ];
  for (const [line, name] of cases) {
    const { fields } = fails(`${OPEN}\n+0 write(4, ..., 10) = 10\n${line}`, /another packet/);
    assertEquals(fields.filter(({ same }) => !same).map((one) => one.name), [name], line);
  }
});

Deno.test("what is up to the sender is compared strictly only in the profile of this project", () => {
  const plain = `${OPEN}\n+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1 win 1000`;
  passes(plain, { profile: "linux" });
  passes(plain, { profile: "freebsd" });
  fails(plain, /another packet/, { profile: "demikernel" });
  const run = `${OPEN}\n+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1`;
  passes(run, { profile: "linux" });
  fails(run, /another packet/, { profile: "demikernel" });
});

Deno.test("timestamps are learned, and echoed to the host as it sent them", () => {
  passes(`
   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = 0
  +0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>
 +.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,sackOK,TS val 700 ecr 100,nop,wscale 7>
  +0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 700>
  +0 %{ assert 90000 < tcpi_rtt < 110000, tcpi_rtt }%`);
});

Deno.test("commands are translated, and none is run", () => {
  const syn = (options: string) => `
   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
  +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
  +0 > S${options}`;
  passes(
    "`sysctl -q net.ipv4.tcp_timestamps=0`" + syn(" 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 7>"),
  );
  passes(
    "`sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_window_scaling=0`" +
      syn(" 0:0(0) <mss 1460,nop,nop,TS val 1 ecr 0>"),
  );
  passes("`set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1`" + syn("EW 0:0(0) <...>"));
  const script = parseScript("x", "`touch /tmp/never; nstat -n\nfalse`\n0 `ss -ti`\n0 `ss -ti`");
  assertEquals(runScript(script, { profile: "linux" }), [
    "ignored: touch",
    "ignored: nstat",
    "ignored: false",
    "ignored: ss",
  ]);
  assertThrows(() => Deno.statSync("/tmp/never"), Deno.errors.NotFound);
});

Deno.test("assertions are the subset of Python that scripts use", () => {
  const holds = (code: string) => passes(`${OPEN}\n+0 %{ ${code} }%`);
  holds("assert tcpi_state == TCP_ESTABLISHED, tcpi_state");
  holds("assert 1 <= tcpi_snd_cwnd <= 10 and not tcpi_snd_cwnd == 11 or False");
  holds("assert (tcpi_snd_mss, tcpi_rcv_wscale) == (1000, 0); assert 7 // 2 * 2 ** 3 % 5 == 4");
  holds("x = tcpi_snd_cwnd * 2  # twice\nassert x in (19, 20); print(x)");
  fails(
    `${OPEN}\n+0 %{ assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd }%`,
    /assert tcpi_snd_cwnd == 11: 10/,
  );
});

Deno.test("a call that gives something else, blocks too long, or not long enough, fails", () => {
  fails(`${OPEN}\n+0 write(4, ..., 10) = 9`, /gives something else/);
  fails(`${OPEN}\n+0 read(4, ..., 10) = 10`, /still blocks/);
  fails(`${OPEN}\n+0...0.5 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 65535`, /ended at/);
  fails(
    `${OPEN}\n+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0`,
    /the option is 0/,
  );
});

Deno.test("in the profile of this project, a packet that nobody expected fails", () => {
  fails(`${OPEN}\n+0 write(4, ..., 10) = 10`, /1 more packet was sent/, { profile: "demikernel" });
  passes(`${OPEN}\n+0 write(4, ..., 10) = 10`, { profile: "linux" });
});

Deno.test("formatReport() shows what was expected below what came, and the connection", () => {
  const failure = failureOf(`${OPEN}\n+0 write(4, ..., 10) = 10\n+0 > F. 1:11(10) ack 1`)!;
  const text = formatReport({ script: "a.pkt", passed: false, notes: [], failure });
  assertMatch(text, /^FAILED {2}a\.pkt:12:1 at 0\.100 s: another packet was sent$/m);
  assertMatch(text, /^ {8}expected {2}tcp {7}F\. {5}1 {4}10 {6}1 {4}none$/m);
  assertMatch(text, /^ {8}actual {4}tcp {7}\. {6}1 {4}10 {6}1 {4}none$/m);
  assertMatch(text, /^ {8}8080 to 40001: ESTABLISHED, 10 bytes in flight/m);
});
