/**
 * Selective acknowledgments that come (RFC 2018, section 5; RFC 2883): what they tell is written on the scoreboard.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { provePath } from "./path_mtu.ts";
import { forgetDelivered, noteDelivered, noteDuplicate } from "./rack.ts";
import { ahead, before } from "./sequence.ts";
import { RECORD, type Scoreboard } from "./scoreboard.ts";
import { read32, type Segment } from "./segment.ts";
import type { Tcp } from "./tcp.ts";

/** Begins to keep records, now that more than one segment is under way; what was sent up to `end` is one. */
export function beginScoreboard(tcp: Tcp, connection: Connection, end: number): Scoreboard {
  const board = tcp.scoreboards.take(connection.sndUna);
  connection.scoreboard = board;
  connection.fack = connection.sndUna;
  forgetDelivered(connection);
  if (end !== connection.sndUna) board.append(end, connection.sentAt);
  return board;
}

/** Nothing is under way any more. */
export function endScoreboard(tcp: Tcp, connection: Connection): void {
  const board = connection.scoreboard;
  if (board === null) return;
  connection.scoreboard = null;
  tcp.scoreboards.put(board);
}

/** Everything before `ack` has arrived. */
export function deliverUpTo(
  connection: Connection,
  board: Scoreboard,
  ack: number,
  now: number,
): void {
  while (board.first < board.last && before(board.start, ack)) {
    const { first } = board;
    const end = board.endOf(first);
    if ((board.stateOf(first) & RECORD.SACKED) === 0) {
      const whole = !before(ack, end);
      board.delivered += ahead(whole ? end : ack, board.start);
      if (whole) noteDelivered(connection, board, first, now);
    }
    board.shift(ack);
  }
}

/** An acknowledgment in order came, and nothing is missing. */
export function takeInOrder(tcp: Tcp, connection: Connection, ack: number): void {
  const board = connection.scoreboard!;
  board.delivered = 0;
  provePath(connection, ahead(ack, board.start));
  deliverUpTo(connection, board, ack, tcp.host.time.us);
  if (board.first === board.last) endScoreboard(tcp, connection);
}

/** Takes the blocks of a segment; says whether the peer told of something that came twice. */
export function takeBlocks(
  connection: Connection,
  board: Scoreboard | null,
  segment: Segment,
  now: number,
): boolean {
  const { memory, sackAt, sackBlocks } = segment;
  let duplicate = false;
  for (let i = 0; i < sackBlocks; i++) {
    const from = read32(memory.u8, sackAt + 8 * i);
    const to = read32(memory.u8, sackAt + 8 * i + 4);
    // Whoever acknowledges what is no part of what is under way is not believed.
    if (!before(from, to) || before(connection.sndMax, to)) continue;
    if (i === 0 && isDuplicate(segment, from, to)) {
      // Older ones than the last window may be anybody's (RFC 2883, section 5).
      if (ahead(connection.sndUna, from) > connection.maxSndWnd) continue;
      duplicate = true;
      if (connection.tailProbe && to === connection.tailProbeEnd) connection.tailProbe = false;
      noteDuplicate(connection);
      continue;
    }
    if (board !== null && !before(from, connection.sndUna)) {
      markBlock(connection, board, from, to, now);
    }
  }
  return duplicate;
}

/** Whether the first block tells of a duplicate: it was acknowledged already, or is within the second (section 4). */
function isDuplicate(segment: Segment, from: number, to: number): boolean {
  if (!before(segment.ack, to)) return true;
  if (segment.sackBlocks < 2) return false;
  const { memory, sackAt } = segment;
  const secondFrom = read32(memory.u8, sackAt + 8);
  const secondTo = read32(memory.u8, sackAt + 12);
  return !before(from, secondFrom) && !before(secondTo, to);
}

/** A block was acknowledged: the records within are, those at its edges in part. */
function markBlock(
  connection: Connection,
  board: Scoreboard,
  from: number,
  to: number,
  now: number,
): void {
  // Who acknowledges single bytes cannot make it grow without an end: then whole segments count alone.
  const room = board.reserve(2);
  let index = board.find(from);
  if (index === board.last) return;
  if (before(board.startOf(index), from) && (board.stateOf(index) & RECORD.SACKED) === 0) {
    if (room) board.split(index, from);
    index++;
  }
  let begin = index;
  while (index < board.last && before(board.startOf(index), to)) {
    if ((board.stateOf(index) & RECORD.SACKED) === 0) {
      if (before(to, board.endOf(index))) {
        if (!room) break;
        board.split(index, to);
      }
      board.delivered += board.lengthOf(index);
      noteDelivered(connection, board, index, now);
      board.markSacked(index);
    }
    index++;
  }
  if (index === begin) return;
  if (begin > board.first && (board.stateOf(begin - 1) & RECORD.SACKED) !== 0) begin--;
  if (index < board.last && (board.stateOf(index) & RECORD.SACKED) !== 0) index++;
  board.merge(begin, index);
}
