/**
 * Recovery from losses by selective acknowledgments (RFC 6675), where RACK tells what is lost (RFC 8985), and PRR how much is
 * sent meanwhile (RFC 6937). For peers without selective acknowledgments see `recovery.ts`.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { reduceThreshold } from "./congestion/congestion.ts";
import { FRTO, LOSS, TIMER } from "./connection.ts";
import { judgeTimeout, undo } from "./frto.ts";
import { output } from "./output.ts";
import { beginReduction, reduceProportionally } from "./prr.ts";
import { detectLoss, forgetDelivered, noteRecovered } from "./rack.ts";
import { beginScoreboard, deliverUpTo, endScoreboard, takeBlocks } from "./sack.ts";
import { before, isUnderWay } from "./sequence.ts";
import { RECORD } from "./scoreboard.ts";
import type { Segment } from "./segment.ts";
import { endTailProbe } from "./tail_loss_probe.ts";
import type { Tcp } from "./tcp.ts";
import { arm, armRetransmission } from "./timers.ts";

/** An acknowledgment came that is none of an old window; SND.UNA has moved by `acked` already. */
export function takeSelective(
  tcp: Tcp,
  connection: Connection,
  segment: Segment,
  acked: number,
): void {
  const { time } = tcp.host;
  let board = connection.scoreboard;
  if (board === null && segment.sackBlocks > 0 && connection.sndNxt !== connection.sndUna) {
    board = beginScoreboard(tcp, connection, connection.sndNxt);
  }
  let sacked = 0;
  let delivered = acked;
  if (board !== null) {
    board.delivered = 0;
    board.original = false;
    deliverUpTo(connection, board, connection.sndUna, time.us);
    sacked = board.sackedBytes;
  }
  if (segment.sackBlocks > 0 && takeBlocks(connection, board, segment, time.us)) {
    undoIfNeedless(connection);
  }
  if (board !== null) {
    delivered = board.delivered;
    sacked = board.sackedBytes - sacked;
  }
  if (acked > 0) connection.duplicateAcks = 0;
  if (sacked > 0) connection.duplicateAcks++;
  const repaired = endTailProbe(connection, segment, acked);
  if (board !== null && connection.afterTimeout) judgeTimeout(connection, board, acked);
  if (connection.recovering && !before(connection.sndUna, connection.recover)) {
    endRecovery(connection);
  }
  if (repaired && !connection.recovering) reduceOnce(connection);
  const wait = board === null ? 0 : detectLoss(connection, board, time.us);
  if (!connection.recovering && board !== null && board.lostBytes > 0) {
    beginRecovery(tcp, connection);
  }
  if (connection.recovering && !connection.afterTimeout) {
    reduceProportionally(connection, delivered, acked > 0);
  } else if (acked > 0) {
    if (connection.afterTimeout) connection.cwndLimited = true;
    connection.congestion.acknowledged(connection, acked, time);
  }
  if (connection.tailProbe || (board !== null && board.sackedBytes > 0)) {
    connection.duplicateAcks = Math.max(connection.duplicateAcks, 1);
  }
  if (board === null) return;
  if (board.first === board.last) return endScoreboard(tcp, connection);
  if (wait > 0) waitForReordering(tcp, connection, wait);
  if (sacked > 0 || board.lostBytes > 0) tcp.want(connection);
}

/** Something is lost: the window shrinks, and what is lost is sent again (RFC 6675, section 5). */
function beginRecovery(tcp: Tcp, connection: Connection): void {
  connection.recovering = true;
  connection.afterTimeout = false;
  connection.recover = connection.sndMax;
  connection.undoable = 0;
  remember(connection);
  beginReduction(connection);
  armRetransmission(tcp, connection);
  // A window that shrank for a congestion mark in this round trip does not shrink again.
  const { congestionEnd, sndUna, sndMax } = connection;
  if (!isUnderWay(congestionEnd, sndUna, sndMax)) reduceThreshold(connection, false);
}

function endRecovery(connection: Connection): void {
  if (!connection.afterTimeout) connection.cwnd = connection.ssthresh;
  connection.recovering = connection.afterTimeout = false;
  connection.frto = FRTO.OFF;
  noteRecovered(connection);
}

/** A probe has repaired a loss that nobody noticed: the window shrinks as for any other (RFC 8985, section 7.4). */
function reduceOnce(connection: Connection): void {
  const { congestionEnd, sndUna, sndMax } = connection;
  if (isUnderWay(congestionEnd, sndUna, sndMax)) return;
  reduceThreshold(connection, false);
  connection.cwnd = connection.ssthresh;
  connection.congestionEnd = sndMax;
}

function remember(connection: Connection): void {
  connection.priorCwnd = connection.cwnd;
  connection.priorSsthresh = connection.ssthresh;
}

/** All that was sent again came twice, says the peer: nothing was lost (RFC 3708, section 3). */
function undoIfNeedless(connection: Connection): void {
  if (!connection.recovering || connection.undoable <= 0 || --connection.undoable > 0) return;
  if (connection.scoreboard !== null && connection.scoreboard.lostBytes > 0) return;
  undo(connection);
}

/** What is late may have been overtaken: it is looked at again later (RFC 8985, section 6.3). */
function waitForReordering(tcp: Tcp, connection: Connection, microseconds: number): void {
  if ((connection.armed & TIMER.RETRANSMIT) === 0 || connection.probing) return;
  arm(tcp, connection, TIMER.RETRANSMIT, Math.max(1, Math.ceil(microseconds / 1000)));
  connection.lossTimer = LOSS.REORDERING;
}

/** The time is over in which something could have been overtaken. */
export function onReorderingTimeout(tcp: Tcp, connection: Connection): void {
  const board = connection.scoreboard;
  armRetransmission(tcp, connection);
  if (board === null) return;
  const wait = detectLoss(connection, board, tcp.host.time.us);
  if (board.lostBytes > 0 && !connection.recovering) beginRecovery(tcp, connection);
  if (connection.recovering && !connection.afterTimeout) reduceProportionally(connection, 0, false);
  if (wait > 0) waitForReordering(tcp, connection, wait);
  output(tcp, connection);
}

/** Nothing was acknowledged for too long: all is taken for lost, and it begins with one segment (RFC 6675, section 5.1). */
export function onSelectiveTimeout(tcp: Tcp, connection: Connection): void {
  const board = connection.scoreboard ?? beginScoreboard(tcp, connection, connection.sndNxt);
  // That of a connection which repairs losses already judges nothing (RFC 5682, section 2.1, step 1).
  connection.frto = connection.afterTimeout && connection.retransmits === 0
    ? FRTO.OFF
    : FRTO.REPEATED;
  if (!connection.recovering) remember(connection);
  if (connection.retransmits === 0) {
    reduceThreshold(connection, true);
  }
  // What was acknowledged selectively would have been so in order by now, if the peer still had it (RFC 2018, section 8).
  board.markAllLost((board.stateOf(board.first) & RECORD.SACKED) !== 0);
  forgetDelivered(connection);
  connection.cwnd = connection.mss;
  connection.recovering = connection.afterTimeout = true;
  connection.recover = connection.sndMax;
  connection.undoable = 0;
  connection.tailProbe = false;
  connection.duplicateAcks = 0;
}

/** What is under way is sent anew, and no congestion is to be blamed: it was too big (RFC 8201, section 4). */
export function repeatAll(tcp: Tcp, connection: Connection): void {
  const board = connection.scoreboard ?? beginScoreboard(tcp, connection, connection.sndNxt);
  board.markAllLost(false);
  connection.duplicateAcks = Math.max(connection.duplicateAcks, 1);
}
