/**
 * What must be so of every connection at any time.
 *
 * @module
 */

import { BOUNDS } from "../inetstack/bounds.ts";
import type { Connection } from "../inetstack/tcp/connection.ts";
import { TIMER } from "../inetstack/tcp/connection.ts";
import { RECORD } from "../inetstack/tcp/scoreboard.ts";
import { ahead } from "../inetstack/tcp/sequence.ts";
import { STATE, STATE_NAMES } from "../inetstack/tcp/state.ts";

/** Right edges of windows that were offered, by connection: they never go back. */
const EDGES = new WeakMap<Connection, number>();

/** Throws if something is not as it must be, and says what. */
export function checkInvariants(connection: Connection): void {
  const { state, sndUna, sndNxt, sndMax, sendBuffer, rcvNxt, rcvAdv, receiveBuffer } = connection;
  const fin = connection.finQueued ? 1 : 0;
  assert(connection, ahead(sndNxt, sndUna) >= 0, "SND.NXT is behind SND.UNA");
  assert(connection, ahead(sndMax, sndNxt) >= 0, "SND.NXT is beyond all that was sent");
  if (state < STATE.ESTABLISHED) return;
  if (state !== STATE.TIME_WAIT) {
    const end = (sendBuffer.end + fin) | 0;
    assert(connection, ahead(end, sndMax) >= 0, "more was sent than there is");
    assert(connection, ahead(sndUna, sendBuffer.start) >= 0, "what is not acknowledged was freed");
  }
  assert(connection, ahead(rcvAdv, rcvNxt) >= 0, "RCV.NXT is beyond the window");
  const edge = EDGES.get(connection);
  if (edge !== undefined) assert(connection, ahead(rcvAdv, edge) >= 0, "the window was shrunk");
  EDGES.set(connection, rcvAdv);
  assert(
    connection,
    receiveBuffer.available <= connection.receiveLimit,
    "more was received than there is room for",
  );
  assert(connection, receiveBuffer.outOfOrder <= BOUNDS.OUT_OF_ORDER, "too much is out of order");
  checkScoreboard(connection);
  assert(connection, connection.cwnd >= connection.mss, "cwnd is less than a segment");
  if (sndMax !== sndUna && state !== STATE.TIME_WAIT && !connection.pending) {
    const armed = (connection.armed & TIMER.RETRANSMIT) !== 0;
    assert(connection, armed, "something is under way, and no timer is set");
  }
}

/** Its records lie side by side from SND.UNA to SND.NXT, and what it counts is so. */
function checkScoreboard(connection: Connection): void {
  const { scoreboard, sndUna, sndNxt } = connection;
  if (scoreboard === null) return;
  const { first, last } = scoreboard;
  let [sacked, lost] = [0, 0];
  for (let i = first; i < last; i++) {
    const length = scoreboard.lengthOf(i);
    const state = scoreboard.stateOf(i);
    assert(connection, length > 0, "a record is empty");
    if ((state & RECORD.SACKED) !== 0) sacked += length;
    else if ((state & RECORD.LOST) !== 0) lost += length;
  }
  assert(connection, scoreboard.start === sndUna, "the scoreboard does not begin at SND.UNA");
  const end = first === last ? sndUna : scoreboard.endOf(last - 1);
  assert(connection, end === sndNxt, "the scoreboard does not end at SND.NXT");
  assert(connection, scoreboard.sackedBytes === sacked, "the scoreboard counts wrong what arrived");
  assert(connection, scoreboard.lostBytes === lost, "the scoreboard counts wrong what is lost");
}

function assert(
  { state, local, localPort, remote, remotePort }: Connection,
  holds: boolean,
  what: string,
): void {
  if (holds) return;
  const ends = `${local}:${localPort} to ${remote}:${remotePort}`;
  throw new Error(`${what}: ${ends}, ${STATE_NAMES[state]}`);
}
