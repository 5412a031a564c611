/**
 * catpowder on its devices, with programs on the Linux kernel at the other end, which has all its offloads but where it is
 * said otherwise.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Missing, missingProgram, needing } from "../_needs.ts";
import { echoedSums } from "./_echoed_sums.ts";
import { Program } from "../examples/_program.ts";
import {
  INTERFACE,
  KernelLink,
  type Kind,
  KINDS,
  missingForLinks,
  OURS,
  prefixed,
  THEIRS,
} from "../_network/link.ts";

const SERVER = new URL("_server.ts", import.meta.url).pathname;
const CONNECTIONS = new URL("_connections.ts", import.meta.url).pathname;

const missing = missingForLinks();

/** One test for each kind of device. */
function onEach(what: string, needed: Missing, test: (kind: Kind) => Promise<void>): void {
  for (const kind of KINDS) {
    Deno.test({
      ...needing(missing ?? needed, `catpowder on ${kind} ${what}`),
      fn: () => test(kind),
    });
  }
}

/** Starts an example at the libOS's end, as one does who knows nothing of it: by the environment alone. */
function start(link: KernelLink, example: string, args: string[] = []): Promise<Program> {
  const { host, device } = link.port;
  const env = { LIBOS: "catpowder", DEVICE: device, ADDRESS: prefixed(OURS).join(" ") };
  return Program.start(example, args, { host, env });
}

/** Runs a shell command at the kernel's end; gives what it prints. */
async function shell(link: KernelLink, line: string): Promise<string> {
  const command = link.kernel.command("bash", { args: ["-c", line], stdin: "null" });
  const { stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

const EACH = [OURS.inet, OURS.inet6];

onEach("answers ping", missingProgram("ping"), async (kind) => {
  using link = new KernelLink(kind);
  await using _program = await start(link, "tcp_echo");
  for (const address of EACH) {
    // Once small, once in fragments.
    for (const size of [56, 4000]) {
      const said = await shell(link, `ping -c 3 -i 0.05 -W 2 -s ${size} ${address}`);
      assertStringIncludes(said, "3 received, 0% packet loss");
    }
  }
});

onEach("serves nc with tcp_echo and udp_echo", missingProgram("nc"), async (kind) => {
  using link = new KernelLink(kind);
  {
    await using echo = await start(link, "tcp_echo");
    assertEquals(await shell(link, `echo stream | nc -N ${OURS.inet} ${echo.port}`), "stream\n");
  }
  await using echo = await start(link, "udp_echo", ["--hostname", "::"]);
  assertEquals(
    await shell(link, `echo datagram | nc -u -w 1 ${OURS.inet6} ${echo.port}`),
    "datagram\n",
  );
});

onEach("serves curl with http", missingProgram("curl"), async (kind) => {
  using link = new KernelLink(kind);
  await using http = await start(link, "http");
  assertEquals(await shell(link, `curl -sS http://${OURS.inet}:${http.port}/`), "hello");
});

onEach("sleeps until a frame comes", missingProgram("nc"), async (kind) => {
  using link = new KernelLink(kind);
  await using echo = await start(link, "tcp_echo", ["--idle", "park", "--handler", "iterator"]);
  // Longer than the loop takes to sleep outside of Deno's way.
  const line = `(for i in 1 2 3; do sleep 0.2; echo $i; done) | nc -N ${OURS.inet} ${echo.port}`;
  assertEquals(await shell(link, line), "1\n2\n3\n");
});

onEach(
  "serves redis-cli and redis-benchmark with kv",
  missingProgram("redis-cli"),
  async (kind) => {
    using link = new KernelLink(kind);
    await using kv = await start(link, "kv");
    const cli = `redis-cli -h ${OURS.inet} -p ${kv.port}`;
    assertEquals(
      await shell(link, `${cli} set greeting hello; ${cli} get greeting`),
      "OK\nhello\n",
    );
    const said = await shell(
      link,
      `redis-benchmark -h ${OURS.inet} -p ${kv.port} -c 50 -n 5000 -t set,get -P 4 -q`,
    );
    assertMatch(said, /SET: [\d.]+ requests per second/);
    assertMatch(said, /GET: [\d.]+ requests per second/);
  },
);

onEach(
  "relays to servers of the kernel's, also iperf3 both ways",
  missingProgram("iperf3"),
  async (kind) => {
    using link = new KernelLink(kind);
    const to = `${THEIRS.inet}:5201`;
    await using relay = await start(link, "relay", ["--to", to]);
    const said = await shell(
      link,
      `serve() { iperf3 -s -1 >/dev/null & until ss -tlnH | grep -q :5201; do sleep 0.05; done; }
     serve; iperf3 -c ${OURS.inet} -p ${relay.port} -n 4M 2>&1 | tail -5; wait
     serve; iperf3 -R -c ${OURS.inet} -p ${relay.port} -n 4M 2>&1 | tail -5; wait`,
    );
    assertEquals(said.match(/iperf Done/g)?.length, 2, said);
  },
);

onEach("carries 100 MB both ways at once unchanged", missingProgram("nc"), async (kind) => {
  using link = new KernelLink(kind);
  await using echo = await start(link, "tcp_echo");
  const [sent, received] = await echoedSums(link.kernel, OURS.inet, echo.port, 100);
  assertEquals(received, sent);
});

onEach("has a thousand connections at once", undefined, async (kind) => {
  using link = new KernelLink(kind);
  await using echo = await start(link, "tcp_echo");
  const line = `ulimit -n 4096; ${Deno.execPath()} run --allow-net --no-check ${CONNECTIONS} ` +
    `${OURS.inet} ${echo.port} 1000`;
  assertEquals(await shell(link, line), "1000\n");
});

onEach("uses timestamps and window scaling with Linux", missingProgram("nc"), async (kind) => {
  using link = new KernelLink(kind);
  await using echo = await start(link, "tcp_echo");
  const said = await shell(
    link,
    `(echo hello; sleep 1) | nc -N ${OURS.inet} ${echo.port} & sleep 0.5; ss -tino dst ${OURS.inet}; wait`,
  );
  assertMatch(said, /\bts\b/);
  assertMatch(said, /\bsack\b/);
  assertMatch(said, /wscale:\d+,\d+/);
});

onEach(
  "sends nothing that tshark finds fault with",
  missingProgram("tshark") ?? missingProgram("curl") ?? missingProgram("ping"),
  async (kind) => {
    using link = new KernelLink(kind);
    // What the kernel does not finish would be in the file as it is.
    link.kernel.ethtool(`-K ${INTERFACE} tx off`);
    const file = await Deno.makeTempFile({ suffix: ".pcapng" });
    try {
      const { host, device } = link.port;
      const args = ["run", "-A", SERVER, device, file, ...prefixed(OURS)];
      const server = host.command(Deno.execPath(), { args, stdout: "piped" }).spawn();
      const output = server.stdout.getReader();
      await output.read();
      for (const address of EACH) {
        const url = address.includes(":") ? `http://[${address}]/` : `http://${address}/`;
        assertEquals(await shell(link, `curl -sS ${url}`), "hello\n");
        await shell(link, `ping -c 2 -i 0.05 -s 3000 ${address}`);
        assertEquals(
          await shell(link, `head -c 300000 /dev/zero | nc -N ${address} 7 | wc -c`),
          "300000\n",
        );
        assertEquals(await shell(link, `echo datagram | nc -u -w 1 ${address} 7`), "datagram\n");
        assertStringIncludes(
          await shell(link, `nc -w 1 ${address} 9 && echo open; echo over`),
          "over",
        );
      }
      server.kill("SIGTERM");
      await output.cancel();
      await server.status;
      assert(Number(await tshark(file, "tcp")) > 100);
      assertEquals(await tshark(file, "_ws.malformed"), "0");
      // Linux fills in 0xffff where it ought to be 0, which sums up as well.
      const wrong = ["ip", "udp", "icmp", "icmpv6"].map((one) => `${one}.checksum.status == 0`);
      wrong.push("(tcp.checksum.status == 0 && tcp.checksum != 0xffff)");
      assertEquals(await tshark(file, wrong.join(" || ")), "0");
    } finally {
      await Deno.remove(file);
    }
  },
);

/** How many frames of a file a filter of tshark's finds. */
async function tshark(file: string, filter: string): Promise<string> {
  const options = ["ip", "tcp", "udp"].flatMap((one) => ["-o", `${one}.check_checksum:TRUE`]);
  const args = ["-r", file, ...options, "-Y", filter, "-T", "fields", "-e", "frame.number"];
  const { stdout } = await new Deno.Command("tshark", { args, stderr: "null" }).output();
  return String(new TextDecoder().decode(stdout).split("\n").length - 1);
}
