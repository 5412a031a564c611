/**
 * Writing: all calls that do.
 *
 * @module
 */

import { addressOf } from "./opening.ts";
import { type Attempt, DONE, type Outcome, type System } from "./system.ts";
import { blocks } from "./calls.ts";
import type { CallEvent, Expression } from "./syntax.ts";
import type { Descriptor } from "./descriptor.ts";
import { fieldOf, named, numberOf, sizeOfPieces } from "./values.ts";
import { Flow, patternOf, SERVER_PORT } from "./flow.ts";
import { STATE } from "../../../libos/inetstack/tcp/state.ts";

/** How long Linux waits for more where a sender said that there will be (`tcp(7)`, TCP_CORK), in milliseconds. */
const CORK_LIMIT = 200;

export function write(system: System, event: CallEvent): Attempt | Outcome {
  const { name, args } = event;
  const one = system.get(args[0]);
  if (args[1]?.kind === "name" && args[1].name === "NULL") return { value: -1, errno: "EFAULT" };
  const isMessage = name === "sendmsg";
  const pieces = name === "writev" ? args[1] : fieldOf(args[1], "msg_iov");
  const size = isMessage || name === "writev" ? sizeOfPieces(pieces) : numberOf(args[2]) ?? 0;
  const flags = name === "write" || name === "writev" ? 0 : numberOf(args[isMessage ? 2 : 3]) ?? 0;
  if ((flags & named("MSG_FASTOPEN")!) !== 0) return { value: -1, errno: "EOPNOTSUPP" };
  system.lookAtConnecting(one);
  if (one.error !== null) return system.tellError(one);
  if (one.type === "dgram") {
    const target = isMessage
      ? fieldOf(args[1], "msg_name")
      : name === "sendto"
      ? args[4] ?? ({ kind: "any" } as const)
      : undefined;
    return writeDatagram(system, one, size, target);
  }
  if (one.connecting !== null) return { poll: () => null, cancel: () => {} };
  if (one.told) return { value: -1, errno: "EPIPE" };
  if (one.connection === null) return { value: -1, errno: "EPIPE" };
  if (size === 0) return DONE;
  const more = one.corked || (flags & named("MSG_MORE")!) !== 0;
  return writeStream(system, one, size, more, blocks(system, event));
}

function writeStream(
  system: System,
  one: Descriptor,
  size: number,
  more: boolean,
  blocks: boolean,
): Attempt | Outcome {
  const connection = one.connection!;
  const { tcp } = system.host.stack;
  const room = (tcp.pushLimit(connection) - connection.sendBuffer.end) | 0;
  let count = one.held + size;
  if (!blocks && connection.state !== STATE.CLOSED) {
    if (room <= 0) return { value: -1, errno: "EAGAIN" };
    count = Math.min(count, room);
  }
  const value = Math.min(size, count - one.held);
  const now = more ? count - count % connection.mss : count;
  if (now === 0) {
    one.held = count;
    if (one.heldUntil === Infinity) one.heldUntil = system.host.now + CORK_LIMIT;
    return { value };
  }
  return system.operation(
    () => {
      const token = system.start(one, now);
      one.held = count - now;
      one.heldUntil = one.held > 0 ? system.host.now + CORK_LIMIT : Infinity;
      return token;
    },
    () => ({ value }),
    () => one.told = true,
  );
}

function writeDatagram(
  system: System,
  one: Descriptor,
  size: number,
  target: Expression | undefined,
): Attempt {
  return system.operation(() => {
    const sga = system.host.alloc(size);
    sga.bytes().set(patternOf(0, size));
    if (target === undefined) return system.host.push(one.qd, sga);
    const address = addressOf(target) ?? { hostname: system.remote, port: SERVER_PORT };
    if (system.flows.length === 0) system.flows.push(new Flow(0, address.port));
    return system.host.pushTo(one.qd, sga, address);
  }, () => ({ value: size }));
}
