/**
 * Reading: all calls that do.
 *
 * @module
 */

import { type Attempt, DONE, type Outcome, type System } from "./system.ts";
import { type CallEvent, type Expression, ScriptError } from "./syntax.ts";
import type { Descriptor } from "./descriptor.ts";
import { fieldOf, named, numberOf, sizeOfPieces } from "./values.ts";
import { isPattern } from "./flow.ts";

export function read(system: System, event: CallEvent): Attempt | Outcome {
  const { name, args, place } = event;
  const one = system.get(args[0]);
  if (args[1]?.kind === "name" && args[1].name === "NULL") return { value: -1, errno: "EFAULT" };
  const isMessage = name === "recvmsg";
  const pieces = name === "readv" ? args[1] : fieldOf(args[1], "msg_iov");
  const size = isMessage || name === "readv" ? sizeOfPieces(pieces) : numberOf(args[2]) ?? 0;
  const flags = numberOf(args[isMessage ? 2 : 3]) ?? 0;
  if ((flags & named("MSG_ERRQUEUE")!) !== 0) return { value: -1, errno: "EAGAIN" };
  system.lookAtConnecting(one);
  if (one.error !== null) return system.tellError(one);
  if (one.type === "dgram") return readDatagram(system, one, size);
  if (one.told && one.available === 0) return DONE;
  if (one.connecting !== null) return { poll: () => null, cancel: () => {} };
  if ((flags & named("MSG_PEEK")!) !== 0) return peek(one, size);
  const rest = isMessage ? fieldOf(args[1], "msg_control") : undefined;
  if (size === 0) return DONE;
  return system.operation(() => system.host.pop(one.qd, size), (completion) => {
    if (completion.opcode !== "pop" || completion.sga === null) return DONE;
    let value = takeText(one, completion.sga);
    while (value < size && one.available > 0) {
      const more = system.tryToken(system.host.pop(one.qd, size - value));
      if (more?.opcode !== "pop" || more.sga === null) break;
      value += takeText(one, more.sga);
    }
    if (rest === undefined) return { value };
    const wrong = checkControl(one, rest, place);
    return wrong === null ? { value } : { value, wrong };
  }, () => one.told = true);
}

function peek(one: Descriptor, size: number): Attempt {
  return {
    poll: () => {
      if (one.available > 0) return { value: Math.min(one.available, size) };
      return one.connection?.finReceived ? DONE : null;
    },
    cancel: () => {},
  };
}

function takeText(
  one: Descriptor,
  sga: { bytes(): Uint8Array; length: number; free(): void },
): number {
  const { length } = sga;
  const right = isPattern(sga.bytes(), one.read);
  one.read += length;
  sga.free();
  if (!right) throw new Error(`The bytes up to ${one.read} are not those that the peer sent`);
  return length;
}

function readDatagram(system: System, one: Descriptor, size: number): Attempt {
  return system.operation(() => system.host.pop(one.qd, size), (completion) => {
    if (completion.opcode !== "pop" || completion.sga === null) return DONE;
    const { sga } = completion;
    const { length } = sga;
    const right = isPattern(sga.bytes(), 0);
    sga.free();
    if (right) return { value: length };
    return { value: length, wrong: "the bytes are not those that the peer sent" };
  });
}

/** What `recvmsg` tells beside the bytes: how many are left (`TCP_CM_INQ`). Says what is wrong. */
function checkControl(
  one: Descriptor,
  control: Expression,
  place: CallEvent["place"],
): string | null {
  const items = control.kind === "list" ? control.items : [];
  for (const item of items) {
    if (numberOf(fieldOf(item, "cmsg_type")) !== named("TCP_CM_INQ")) {
      throw new ScriptError(place, "this control message is not understood");
    }
    // A connection that ended counts as one byte, so that nobody waits for it.
    const found = one.available || (one.connection?.finReceived ? 1 : 0);
    const expected = numberOf(fieldOf(item, "cmsg_data"));
    if (expected !== null && expected !== found) return `${found} bytes are left, not ${expected}`;
  }
  return null;
}
