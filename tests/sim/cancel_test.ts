/**
 * What is taken back of a stream, while more of it was sent than the send buffer holds: the congestion window lets it go.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { LibOS, Operation, QueueDescriptor } from "../../libos/pdpix.ts";
import { simulate } from "../../libos/sim/network.ts";

/** The send buffer holds the first one; the others wait. */
const SIZES = [4096, 20_000, 8000] as const;
const SERVER = { hostname: "10.0.0.1", port: 7 } as const;

/** Begins a push of so many equal bytes. */
function pushing(libos: LibOS, qd: QueueDescriptor, byte: number, size: number): Operation<void> {
  const sga = libos.alloc(size);
  sga.bytes().fill(byte);
  return libos.operations.push(qd, sga);
}

/**
 * Does something when the last push was sent whole, and nobody was told so yet: gives how the pushes ended, and how many of
 * their bytes came.
 */
async function whileUnderWay(
  act: (client: LibOS, qd: QueueDescriptor, last: Operation<void>) => void,
): Promise<{ answers: string[]; came: number[] }> {
  await using network = simulate({ seed: 1, check: true, link: { delay: 20 } });
  const server = network.host({ addresses: ["10.0.0.1/24"] });
  const client = network.host({ addresses: ["10.0.0.2/24"] });
  const listening = server.socket("inet", "stream");
  server.bind(listening, SERVER);
  server.listen(listening, 1);
  return await network.run(async () => {
    const accepting = server.operations.accept(listening);
    const qd = client.socket("inet", "stream");
    client.setsockopt(qd, "sendBuffer", 4096);
    await client.operations.connect(qd, SERVER);
    const peer = await accepting;
    const pushes = SIZES.map((size, i) => pushing(client, qd, i, size));
    const ended = pushes.map((push) => push.then(() => "push", ({ code }) => String(code)));
    // The first window was acknowledged, and the rest was sent; its acknowledgment is on its way.
    await client.operations.sleep(50);
    act(client, qd, pushes.at(-1)!);
    const came: number[] = [];
    for (;;) {
      using sga = await server.operations.pop(peer);
      if (sga === null) return { answers: await Promise.all(ended), came };
      for (const byte of sga.bytes()) came[byte] = (came[byte] ?? 0) + 1;
    }
  });
}

Deno.test("a push that was sent is not taken out of the stream when it is cancelled", async () => {
  const { answers, came } = await whileUnderWay((client, qd, last) => {
    last.cancel();
    void pushing(client, qd, SIZES.length, 100);
    client.shutdown(qd, "write");
  });
  assertEquals(answers, ["push", "push", "ECANCELED"]);
  assertEquals(came, [...SIZES, 100]);
});

Deno.test("a connection that is closed sends all that began, and its FIN", async () => {
  const { answers, came } = await whileUnderWay((client, qd) => client.close(qd));
  assertEquals(answers, ["push", "push", "push"]);
  assertEquals(came, [...SIZES]);
});
