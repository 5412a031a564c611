/**
 * Segments at all places that matter to a connection: where its windows begin and end, and one beside.
 *
 * @module
 */

import type { Connection } from "../../libos/inetstack/tcp/connection.ts";
import { type Input, textAt } from "./_input.ts";

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];

/** A segment to a connection, which the sender sees from inside: nobody knows better how to hit it. */
export function drawSegment(
  input: Input,
  connection: Connection,
  ports: readonly [from: number, to: number],
  now: number,
): Uint8Array<ArrayBuffer> {
  const { rcvNxt, rcvAdv, irs, finSeq, sndUna, sndNxt, sndMax, iss, sendBuffer } = connection;
  const flags = input.pick(
    [PSH | ACK, ACK, ACK, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK, FIN | SYN | RST]
      .concat([0, FIN, PSH | FIN | ACK, ACK | 0x40, ACK | 0x80, input.byte()]),
  );
  const seq = input.pick([rcvNxt, rcvNxt, rcvAdv, irs, finSeq, input.word()]) + input.near();
  const acks = [sndMax, sndMax, sndNxt, sndUna, iss, sendBuffer.end, input.word()];
  const ack = input.pick(acks) + input.near();
  const length = input.pick([0, 1, 100, 536, 1000, 1400, input.byte()]);
  const window = input.pick([65_535, 65_535, 0, 1, 500, input.short()]);
  const options = (flags & SYN) !== 0
    ? drawSynOptions(input, connection.tsRecent)
    : drawOptions(input, connection, now);
  return segmentOf(input, ports, seq, ack, flags, window, options, length);
}

/** A SYN of somebody, who may send text with it. */
export function drawSyn(
  input: Input,
  ports: readonly [from: number, to: number],
): Uint8Array<ArrayBuffer> {
  const flags = input.pick([SYN, SYN, SYN | 0xc0, SYN | FIN, SYN | ACK, ACK]);
  const seq = input.pick([0, -1, 0x7fffffff, input.word()]);
  const window = input.pick([65_535, 0, 1000]);
  const length = input.pick([0, 0, 0, 100]);
  return segmentOf(
    input,
    ports,
    seq,
    input.word(),
    flags,
    window,
    drawSynOptions(input, 1),
    length,
  );
}

function segmentOf(
  input: Input,
  [from, to]: readonly [from: number, to: number],
  seq: number,
  ack: number,
  flags: number,
  window: number,
  options: readonly number[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const padded = [...options].slice(0, 40);
  while (padded.length % 4 !== 0) padded.push(input.pick([1, 0]));
  const header = 20 + padded.length;
  const payload = new Uint8Array(header + length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint32(4, seq);
  view.setUint32(8, ack);
  payload[12] = (input.below(64) === 63 ? input.below(16) : header >> 2) << 4;
  payload[13] = flags;
  view.setUint16(14, window);
  payload.set(padded, 20);
  // Behind another header than there is, text would begin elsewhere.
  const begin = (payload[12]! >> 4) * 4;
  const first = (seq + ((flags & SYN) !== 0 ? 1 : 0) - begin) | 0;
  payload.set(textAt((first + header) | 0, length), header);
  if (begin >= 20 && begin < header) {
    payload.set(textAt((first + begin) | 0, header - begin), begin);
  }
  return payload;
}

function drawSynOptions(input: Input, stamp: number): number[] {
  const options: number[] = [];
  const which = input.pick([0b1111, 0, 0b0001, 0b1001, 0b0101, 0b0011, input.byte()]);
  if (which & 1) options.push(2, 4, ...half(input.pick([1460, 536, 88, 0, 65_535, input.short()])));
  if (which & 2) options.push(4, 2);
  if (which & 8) options.push(8, 10, ...word(stamp + input.near()), ...word(0));
  if (which & 4) options.push(1, 3, 3, input.pick([7, 0, 14, 15, 255]));
  if (which & 16) options.push(...input.bytes(16));
  return options;
}

function drawOptions(input: Input, connection: Connection, now: number): number[] {
  const options: number[] = [];
  const way = input.below(16);
  if (connection.timestamps !== (way === 1)) {
    const { tsRecent, tsOffset } = connection;
    const stamp = input.pick([tsRecent, tsRecent + 1, tsRecent - 1, input.word()]);
    const echo = input.pick([now + tsOffset, now + tsOffset - 10, 0, input.word()]);
    options.push(1, 1, 8, 10, ...word(stamp), ...word(echo));
  }
  if (connection.sackPermitted !== (way === 2) && input.below(2) === 1) {
    const blocks = 1 + input.below(4);
    options.push(1, 1, 5, 2 + 8 * blocks);
    for (let i = 0; i < blocks; i++) {
      const { sndUna, sndMax, mss } = connection;
      const begin = input.pick([sndUna + mss, sndUna, sndUna + mss * input.byte(), sndMax - mss]);
      const end = input.pick([begin + mss, begin + 3 * mss, sndMax, begin + 1, begin]);
      options.push(...word(begin + input.near()), ...word(end + input.near()));
    }
  }
  if (way === 3) options.push(...input.bytes(20));
  return options;
}

function half(value: number): number[] {
  return [value >>> 8 & 255, value & 255];
}

function word(value: number): number[] {
  return [...half(value >>> 16), ...half(value)];
}
