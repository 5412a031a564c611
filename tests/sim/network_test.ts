/**
 * The simulated network: time, links, partitions, crashes, captures, deadlocks.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { connect, datagram, serve } from "../../libos/net/mod.ts";
import type { Coroutine } from "../../libos/pdpix.ts";
import { DemikernelError } from "../../libos/error.ts";
import type { LinkOptions } from "../../libos/sim/link.ts";
import { type HostOptions, type NetworkOptions, simulate } from "../../libos/sim/network.ts";

const SERVER = "10.0.0.1";

function pair(options: Partial<NetworkOptions> = {}) {
  const network = simulate({ seed: 1, check: true, ...options });
  const server = network.host({ name: "server", addresses: [`${SERVER}/24`] });
  const client = network.host({ name: "client", addresses: ["10.0.0.2/24"] });
  return { network, server, client };
}

function echo({ server }: ReturnType<typeof pair>) {
  return serve({ libos: server, hostname: SERVER, port: 7 }, async (connection) => {
    for await (const sga of connection) await connection.push(sga);
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** Sends a text to the echo, and gives what came back. */
async function ask({ client }: ReturnType<typeof pair>, text: string): Promise<string> {
  using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
  await connection.push(bytes(text));
  using sga = await connection.pop();
  return new TextDecoder().decode(sga?.bytes());
}

Deno.test("an hour passes in no time, and async functions and coroutines see the same clock", async () => {
  const { network, client } = pair();
  await network.run(function* (): Coroutine {
    yield* client.operations.sleep(3_599_000);
  });
  assertEquals(network.now, 3_599_000);
  await network.run(async () => await client.operations.sleep(1000));
  assertEquals(network.now, 3_600_000);
  await network.close();
});

Deno.test("a message takes as long as its link, each way", async () => {
  const world = pair({ link: { delay: 20 } });
  echo(world);
  const { network } = world;
  await network.run(() => ask(world, "neighbours know each other then"));
  const before = network.now;
  await network.run(() => ask(world, "ping"));
  // The handshake and the echo take two round trips.
  assertEquals(network.now - before, 80);
  await network.close();
});

Deno.test("handlers of both kinds run as they do elsewhere", async () => {
  const world = pair({ link: { loss: 0.2, delay: 1 } });
  const { network, server } = world;
  serve({ libos: server, hostname: SERVER, port: 7 }, function* (connection) {
    for (;;) {
      const sga = yield* connection.pop();
      if (sga === null) return;
      yield* connection.push(sga);
    }
  });
  assertEquals(await network.run(() => ask(world, "generator")), "generator");
  await network.close();
});

Deno.test("a deadlock tells who waits for what, and how to run it again", async () => {
  const world = pair();
  echo(world);
  const { network, client } = world;
  const error = await assertRejects(
    () =>
      network.run(async () => {
        using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
        await connection.pop();
      }),
    DemikernelError,
  );
  assertMatch(error.message, /a deadlock/);
  assertMatch(error.message, /client:\n.*ESTABLISHED.*1 × pop waits/);
  assertMatch(error.message, /server:\n.*LISTEN, .*1 × accept waits/);
  assertMatch(error.message, /simulate\(\{ seed: 1 \}\)/);
  await network.close();
});

Deno.test("who blocks the thread in a deadlock is told, too", async () => {
  const { network, client } = pair();
  const qd = client.queue();
  const error = assertThrows(() => client.wait(client.pop(qd)), DemikernelError);
  assertMatch(error.message, /a deadlock/);
  await network.close();
});

Deno.test("what takes longer than its limit is ended", async () => {
  const { network, client } = pair();
  const long = () => network.run(async () => await client.operations.sleep(100), { limit: 50 });
  const error = await assertRejects(long, DemikernelError);
  assertEquals(error.code, "ETIMEDOUT");
  await network.close();
});

Deno.test("a partition at a set time loses everything, until it heals", async () => {
  const world = pair({ link: { delay: 1 } });
  const { network, server, client } = world;
  echo(world);
  network.at(100, () => network.partition([server], [client]));
  network.at(5000, () => network.heal());
  const took = await network.run(async () => {
    using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
    await client.operations.sleep(200);
    const before = network.now;
    await connection.push(bytes("through"));
    (await connection.pop())!.free();
    return network.now - before;
  });
  assert(took > 4800 && took < 15_000, `${took}`);
  await network.close();
});

Deno.test("a cable that is pulled and put back costs time, and nothing else", async () => {
  const world = pair();
  const { network, client } = world;
  echo(world);
  client.link.cut();
  network.at(2500, () => client.link.mend());
  assertEquals(await network.run(() => ask(world, "patience")), "patience");
  assert(network.now > 2500);
  await network.close();
});

Deno.test("a host that crashed and came back resets the connections that it forgot", async () => {
  const world = pair({ link: { delay: 1 } });
  const { network, server, client } = world;
  echo(world);
  await network.run(async () => {
    using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
    await connection.push(bytes("before"));
    (await connection.pop())!.free();
    await server.crash();
    const again = network.host({ name: "server", addresses: [`${SERVER}/24`] });
    await connection.push(bytes("after"));
    await assertRejects(async () => await connection.pop(), Deno.errors.ConnectionReset);
    await again.exit();
  });
  await network.close();
});

Deno.test("a host that is gone is noticed: a connect fails, a connection times out", async () => {
  const world = pair({ link: { delay: 1 } });
  const { network, server, client } = world;
  echo(world);
  await network.run(async () => {
    using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
    await server.crash();
    await connection.push(bytes("anybody?"));
    const pop = async () => await connection.pop();
    await assertRejects(pop, Error);
    await assertRejects(() => ask(world, "x"), Error, "EHOSTUNREACH");
  });
  await network.close();
});

Deno.test("two runs of a seed are the same to the bit, of async functions too", async () => {
  const run = async (seed: number) => {
    const world = pair({ seed, capture: true, link: { loss: 0.1, jitter: 2, duplicate: 0.1 } });
    echo(world);
    const { network } = world;
    await network.run(async () => {
      await Promise.all(["one", "two", "three"].map((text) => ask(world, text)));
    });
    const file = network.capture();
    await network.close();
    return file;
  };
  assertEquals(await run(5), await run(5));
  assert((await run(5)).length !== (await run(6)).length);
});

Deno.test("capture() is a pcapng file of the frames, with their times", async () => {
  const world = pair({ capture: true, link: { delay: 1 } });
  echo(world);
  const { network } = world;
  await network.run(() => ask(world, "ping"));
  const file = network.capture();
  const view = new DataView(file.buffer);
  let at = 0;
  let packets = 0;
  for (; at < file.length; at += view.getUint32(at + 4, true)) {
    assertEquals(
      view.getUint32(at + view.getUint32(at + 4, true) - 4, true),
      view.getUint32(at + 4, true),
    );
    if (view.getUint32(at, true) === 6) packets++;
  }
  assertEquals([at, view.getUint32(0, true), view.getUint32(8, true)], [
    file.length,
    0x0a0d0d0a,
    0x1a2b3c4d,
  ]);
  assert(packets > 8);
  const none = simulate({ seed: 1 });
  assertThrows(() => none.capture(), DemikernelError, "simulate({ capture: true })");
  await network.close();
});

Deno.test("the trace is a line for each frame, as tcpdump's are", async () => {
  const lines: string[] = [];
  const world = pair({ trace: (line) => lines.push(line), link: { delay: 1 } });
  echo(world);
  await world.network.run(() => ask(world, "ping"));
  const find = (pattern: RegExp) => assert(lines.some((line) => pattern.test(line)), `${pattern}`);
  find(/^0\.000000 client: ARP, who has 10\.0\.0\.1\? tell 10\.0\.0\.2$/);
  find(/server: ARP, 10\.0\.0\.1 is at 02:00:00:00:00:01/);
  find(
    /client: IP 10\.0\.0\.2\.\d+ > 10\.0\.0\.1\.7: Flags \[S\], seq \d+, win 65535, options \[mss 1460,sackOK,TS val \d+ ecr 0,nop,wscale 7\], length 0/,
  );
  find(
    /Flags \[P\.\], seq \d+:\d+, ack \d+, win \d+, options \[nop,nop,TS val \d+ ecr \d+\], length 4/,
  );
  await world.network.close();
});

/** How many of so many datagrams arrive, how many bytes of them, and how late the last one is. */
async function flood(link: LinkOptions, count: number, size = 100) {
  const { network, server, client } = pair();
  using to = datagram({ libos: server, hostname: SERVER, port: 9 });
  using from = datagram({ libos: client, hostname: "10.0.0.2", port: 9 });
  const order: number[] = [];
  let last = 0;
  const heard = server.spawn((function* (): Coroutine {
    for (;;) {
      const sga = (yield* server.operations.pop(to.qd))!;
      order.push(sga.bytes()[0]!);
      last = network.now;
      sga.free();
    }
  })()).catch(() => {});
  let begin = 0;
  await network.run(async () => {
    await client.operations.sleep(1);
    await from.push(new Uint8Array(size), { hostname: SERVER, port: 9 });
    await client.operations.sleep(1000);
    order.length = 0;
    // They know each other by now.
    client.link.set(link);
    begin = network.now;
    for (let i = 0; i < count; i++) {
      await from.push(new Uint8Array(size).fill(i), { hostname: SERVER, port: 9 });
    }
    await client.operations.sleep(10_000);
  });
  await network.close();
  await heard;
  const sorted = order.every((one, i) => i === 0 || order[i - 1]! <= one);
  return { count: order.length, time: last - begin, sorted, order };
}

Deno.test("a link loses, doubles and reorders as many frames as it is told to", async () => {
  const lost = await flood({ loss: 0.3 }, 200);
  assert(lost.count > 100 && lost.count < 180, `${lost.count}`);
  const twice = await flood({ duplicate: 0.3 }, 200);
  assert(twice.count > 220 && twice.count < 300, `${twice.count}`);
  const overtaken = await flood({ reorder: 0.3, delay: 1 }, 200);
  assertEquals([overtaken.count, overtaken.sorted], [200, false]);
  const late = await flood({ jitter: 5 }, 200);
  assertEquals([late.count, late.sorted], [200, true]);
  const wrong = await flood({ corrupt: 0.3 }, 200);
  assert(wrong.count > 100 && wrong.count < 180, `${wrong.count}`);
});

Deno.test("losses come in bursts where they are told to", async () => {
  const { order } = await flood({ burst: { enter: 0.02, leave: 0.2 } }, 250);
  const gaps = order.slice(1).map((one, i) => one - order[i]! - 1).filter((gap) => gap > 0);
  const average = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  assert(average > 2, `${order.length} ${gaps}`);
});

Deno.test("congestion marks slow a connection down, and lose nothing", async () => {
  const run = async (mark: number) => {
    const network = simulate({ seed: 3, check: true, link: { delay: 10 } });
    const server = network.host({ name: "server", addresses: [`${SERVER}/24`] });
    const client = network.host({ addresses: ["10.0.0.2/24"], ecn: true, link: { mark } });
    let [received, retransmitted] = [0, -1];
    const serving = serve({ libos: server, hostname: SERVER, port: 7 }, async (connection) => {
      for await (const sga of connection) {
        received += sga.length;
        sga.free();
      }
    });
    await network.run(async () => {
      using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
      for (let i = 0; i < 10; i++) await connection.push(new Uint8Array(200_000));
      while (received < 2_000_000) await client.operations.sleep(1);
      retransmitted = client.statistics().connections![0]!.retransmitted;
    });
    const took = network.now;
    await serving.shutdown();
    await network.close();
    return [took, retransmitted] as const;
  };
  const [clear] = await run(0);
  const [marked, retransmitted] = await run(0.05);
  assert(marked > 2 * clear, `${marked} and ${clear}`);
  assertEquals(retransmitted, 0);
});

Deno.test("a bandwidth takes its time, and a full queue loses", async () => {
  // 100 frames of 1000 B and their headers, at 10 Mbit/s.
  const slow = await flood({ bandwidth: 10e6 }, 100, 1000);
  assertEquals(slow.count, 100);
  assert(Math.abs(slow.time - 100 * (1000 + 42 + 24) * 8 / 10_000) < 1, `${slow.time}`);
  const full = await flood({ bandwidth: 10e6, queue: 10 }, 100, 1000);
  assert(full.count >= 10 && full.count <= 12, `${full.count}`);
});

Deno.test("wrong options are refused in a sentence", () => {
  assertThrows(() => simulate({ seed: 0.5 }), DemikernelError, "a seed is an integer");
  const network = simulate({ seed: 1 });
  const wrong = [{ loss: 2 }, { delay: -1 }, { burst: { enter: 3, leave: 0 } }, { bandwidth: 0 }];
  for (const link of wrong) {
    assertThrows(
      () => network.host({ addresses: ["10.0.0.1/24"], link }),
      DemikernelError,
      "Cannot set link",
    );
  }
  assertThrows(
    () => network.host({ addresses: ["10.0.0.1/24"], mtu: 100 }),
    DemikernelError,
    "MTU",
  );
});

Deno.test("arguments of the wrong kind are DemikernelErrors that say which", async () => {
  const network = simulate({ seed: 1 });
  const host = (options: unknown) => network.host(options as HostOptions);
  const good = { addresses: ["10.0.0.1/24"] };
  const { link } = host(good);
  const wrong: [string, () => unknown][] = [
    ["Cannot simulate: options must be an object, not undefined", () => simulate(undefined!)],
    ["options must be an object, not null", () => simulate(null!)],
    ["a seed is an integer", () => simulate({} as NetworkOptions)],
    ["trace must be a function", () => simulate({ seed: 1, trace: 5 as never })],
    ["Cannot make host: options must be an object", () => host(undefined)],
    ["addresses must be an array, not undefined", () => host({})],
    ["addresses must be an array", () => host({ addresses: "10.0.0.1/24" })],
    ["routes must be an array", () => host({ ...good, routes: 5 })],
    ["options must be an object", () => host({ ...good, routes: [null] })],
    ["gateways must be an array", () => host({ ...good, gateways: "10.0.0.2" })],
    ["neighbours must be an object", () => host({ ...good, neighbours: [] })],
    ["name must be a string", () => host({ ...good, name: 5 })],
    ["link must be an object", () => host({ ...good, link: null })],
    ["options must be an object", () => link.set(null!)],
    ["burst must be an object", () => link.set({ burst: 5 as never })],
    ["works must be an array", () => network.runSync(undefined!)],
    ["action must be a function", () => network.at(1, undefined!)],
    ["hosts must be an array", () => network.partition([], undefined!)],
  ];
  for (const [message, call] of wrong) assertThrows(call, DemikernelError, message);
  await assertRejects(() => network.run(undefined!), DemikernelError, "work must be a function");
  await network.close();
});

Deno.test("statistics() show a connection from inside", async () => {
  const world = pair({ link: { delay: 10 } });
  echo(world);
  const { network, client } = world;
  await network.run(async () => {
    using connection = await connect({ libos: client, hostname: SERVER, port: 7 });
    await connection.push(bytes("ping"));
    (await connection.pop())!.free();
    const [one] = client.statistics().connections!;
    assertEquals(one!.state, "ESTABLISHED");
    assertEquals(one!.remote, { hostname: SERVER, port: 7 });
    // The first round trip had to wait for the neighbour's address.
    assert(one!.rtt >= 20 && one!.rtt < 40, `${one!.rtt}`);
    assertEquals([one!.mss, one!.timestamps, one!.retransmitted], [1448, true, 0]);
    assertEquals([one!.inFlight, one!.sendQueue, one!.receiveQueue], [0, 0, 0]);
    assertEquals(one!.slowStartThreshold, Infinity);
  });
  await network.close();
});

Deno.test("exit() sends what is to be sent, and resets who does not take it within a second", async () => {
  const world = pair({ link: { delay: 10 } });
  const { network, server, client } = world;
  let received = 0;
  const serving = serve({ libos: server, hostname: SERVER, port: 7 }, async (connection) => {
    try {
      for await (const sga of connection) {
        received += sga.length;
        sga.free();
      }
    } catch {
      // It is reset when nobody takes it.
    }
  });
  await network.run(async () => {
    const connection = await connect({ libos: client, hostname: SERVER, port: 7 });
    await connection.push(new Uint8Array(200_000));
    connection.close();
    await client.exit();
    assertEquals(received, 200_000);
    const other = network.host({ name: "other", addresses: ["10.0.0.3/24"] });
    const stuck = await connect({ libos: other, hostname: SERVER, port: 7 });
    server.link.cut();
    await stuck.push(new Uint8Array(10));
    stuck.close();
    const before = network.now;
    const { leakedBuffers } = await other.exit();
    assertEquals([leakedBuffers, Math.round(network.now - before)], [0, 1000]);
  });
  await serving.shutdown();
  await network.close();
});
