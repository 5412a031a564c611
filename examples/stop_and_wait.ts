/**
 * A small protocol of its own, tested under loss: numbered messages over datagrams, each sent again until it is acknowledged.
 * A simulated network loses what a real one might, for as many seeds as one likes, in no time.
 *
 * ```sh
 * deno run examples/stop_and_wait.ts --seeds 20 --loss 0.3
 * ```
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  type Coroutine,
  type Datagram,
  datagram,
  type InetAddress,
  simulate,
  type SimulatedHost,
} from "../mod.ts";

const SENDER: InetAddress = { hostname: "10.0.0.1", port: 5000 };
const RECEIVER: InetAddress = { hostname: "10.0.0.2", port: 5000 };
/** How long to wait for an acknowledgment, in milliseconds. */
const PATIENCE = 50;

/** Sends numbers, each as often as it takes; gives how often that was. */
function* send(socket: Datagram, numbers: readonly number[]): Coroutine<number> {
  let sent = 0;
  for (const [place, number] of numbers.entries()) {
    // One bit tells a message from the one before it.
    const bit = place & 1;
    for (let acknowledged = false; !acknowledged;) {
      yield* socket.push(Uint8Array.of(bit, number), RECEIVER);
      sent++;
      try {
        const answer = yield* socket.pop({ timeout: PATIENCE });
        acknowledged = answer.bytes()[0] === bit;
        answer.free();
      } catch (error) {
        if (!(error instanceof Deno.errors.TimedOut)) throw error;
      }
    }
  }
  return sent;
}

/** Acknowledges messages, and keeps each that is new. */
function* receive(socket: Datagram, received: number[]): Coroutine {
  for (let expected = 0;;) {
    const message = yield* socket.pop();
    const [bit, number] = message.bytes();
    if (bit === expected) {
      received.push(number!);
      expected ^= 1;
    }
    yield* socket.push(Uint8Array.of(bit!), message.address);
    message.free();
  }
}

/** One run. Gives how many messages it took, and how long; throws if one was lost, doubled or out of order. */
export async function run(seed: number, loss: number): Promise<{ sent: number; time: number }> {
  const network = simulate({ seed, link: { delay: 5, jitter: 5, loss, duplicate: loss / 4 } });
  const open = (name: string, { hostname, port }: InetAddress): [SimulatedHost, Datagram] => {
    const libos = network.host({ name, addresses: [`${hostname}/24`] });
    return [libos, datagram({ libos, hostname, port })];
  };
  const [, from] = open("sender", SENDER);
  const [receiver, to] = open("receiver", RECEIVER);
  const numbers = Array.from({ length: 50 }, (_, i) => i * i % 251);
  const received: number[] = [];
  // It has no end of its own: closing the network ends it.
  const receiving = receiver.spawn(receive(to, received)).catch(() => {});
  const sent = await network.run(() => send(from, numbers));
  const time = network.now;
  await network.close();
  await receiving;
  if (received.join() !== numbers.join()) throw new Error(`seed ${seed}: received ${received}`);
  return { sent, time };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "10" },
      loss: { type: "string", default: "0.2" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log("Stop-and-wait over a simulated network: --seeds COUNT --loss PROBABILITY");
  } else {
    for (let seed = 0; seed < Number(values.seeds); seed++) {
      const { sent, time } = await run(seed, Number(values.loss));
      console.log(`seed ${seed}: 50 messages in ${sent} datagrams, ${(time / 1000).toFixed(2)} s`);
    }
  }
}
