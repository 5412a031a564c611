/**
 * The control block of a connection (RFC 9293, section 3.3.1): one plain object, whose numbers are 32-bit integers.
 *
 * It does nothing by itself: each idea of TCP is a file of functions beside it.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { CongestionControl } from "./congestion/congestion.ts";
import { NO_THRESHOLD, SlowStart } from "./congestion/hystart.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Listener } from "./listener.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { type RangePool, ReceiveBuffer } from "./receive_buffer.ts";
import type { Scoreboard } from "./scoreboard.ts";
import { SendBuffer } from "./send_buffer.ts";
import { STATE } from "./state.ts";

/** Who has a connection: is told of it after each segment, and may call back. */
export interface ConnectionUser {
  /** The connection is made. */
  connected(): void;
  /** There is something to take, or the peer sends no more. */
  readable(): void;
  /** Bytes were acknowledged: there may be room to send. */
  writable(): void;
  /** The connection is gone; nothing more will be told. */
  failed(errno: number): void;
}

/** What happened and is to be told to the user. */
export const EVENT = Object.freeze(
  { CONNECTED: 1, READABLE: 2, WRITABLE: 4, FAILED: 8 } as const,
);

/** What a timer of a connection is for: bits of {@linkcode Connection.armed}. */
export const TIMER = Object.freeze(
  {
    /** Retransmission, or a probe of a window that is closed. */
    RETRANSMIT: 1,
    /** The acknowledgment that was put off. */
    DELAYED_ACK: 2,
    /** The connection was silent for long. */
    KEEPALIVE: 4,
    /** The end of TIME-WAIT, or of waiting for the FIN of a peer that nobody listens to. */
    END: 8,
  } as const,
);

/** What the retransmission timer is set for, unless it is to probe a window (RFC 8985, section 8). */
export const LOSS = Object.freeze(
  {
    /** The retransmission timeout. */
    TIMEOUT: 0,
    /** A probe of the tail. */
    TAIL: 1,
    /** What may have been overtaken will be lost by then. */
    REORDERING: 2,
  } as const,
);

/** What every host takes in a segment (RFC 9293, MUST-15; section 3.7.1). */
export const DEFAULT_MSS = 536;
const DEFAULT_MSS_OF_IPV6 = 1220;

/** What a host takes in a segment by default, by the version of IP (RFC 9293, MUST-15). */
export function defaultMss(version: 4 | 6): number {
  return version === 4 ? DEFAULT_MSS : DEFAULT_MSS_OF_IPV6;
}

/** Whether a timeout was spurious (RFC 5682, section 3.1): which step is to be taken. */
export const FRTO = Object.freeze(
  {
    OFF: 0,
    /** Step 2: the first segment was sent again. */
    REPEATED: 1,
    /** Step 3: new segments were sent after it. */
    CONTINUED: 2,
  } as const,
);

/** See the module's description. Times are in milliseconds of the stack, unless said otherwise. */
export class Connection {
  // What nearly every segment needs, together: of ten thousand connections, each line of memory is far away.

  /** One of {@linkcode STATE}. */
  state: number = STATE.CLOSED;
  /** Both ports as they lie in a segment that comes. */
  readonly portsIn: number = 0;
  /** The last word of the peer's address, which of IPv4 is all of it. */
  readonly remoteWord: number = 0;
  /** The last word of the own address. */
  readonly localWord: number = 0;
  /** 4 or 6. */
  readonly version: 4 | 6 = 4;
  /** Whether both sides send them. */
  timestamps = false;
  /** Whether the peer's FIN came; perhaps not all that is before it. */
  finSeen = false;
  /** Nobody will take what comes any more. */
  deaf = false;
  /** RCV.NXT */
  rcvNxt = 0;
  /** The right edge of the window that was offered: RCV.NXT + RCV.WND. It never goes back. */
  rcvAdv = 0;
  /** TS.Recent */
  tsRecent = 0;
  /** SND.UNA: the oldest that is not acknowledged. */
  sndUna = 0;
  /** The highest that was ever sent. */
  sndMax = 0;
  /** SND.NXT: what is sent next; it goes back after a timeout. */
  sndNxt = 0;
  /** Whether a loss is being repaired. */
  recovering = false;
  /** Whether that is to probe a window (RFC 9293, section 3.8.6.1). */
  probing = false;
  /** Acknowledgments in a row that told nothing new; not 0 as long as something arrived behind a hole, or a tail is probed. */
  duplicateAcks = 0;
  /** How often the timer expired in a row. */
  retransmits = 0;
  /** The sum of the pseudo-header, without the length. */
  readonly pseudo: number = 0;
  /** What came, and was not taken yet. */
  declare readonly receiveBuffer: ReceiveBuffer;
  /** When something came last. */
  heardAt = 0;
  /** Questions that were not answered. */
  keepaliveProbes = 0;
  /** Last.ACK.sent */
  lastAckSent = 0;
  /** When that came. */
  tsRecentAt = 0;
  /** SND.WND, scaled. */
  sndWnd = 0;
  /** Snd.Wind.Shift: the scale of the peer's windows. */
  sndScale = 0;
  /** SND.WL1 */
  sndWl1 = 0;
  /** SND.WL2 */
  sndWl2 = 0;
  /** The largest window that the peer ever offered (Max.SND.WND). */
  maxSndWnd = 0;
  /** Whether a segment is being timed. */
  timing = false;
  /** Which byte. */
  timedSeq = 0;
  /** When it was sent, in microseconds of the stack. */
  timedAt = 0;
  /** SRTT in microseconds; 0 as long as nothing was measured. */
  srtt = 0;
  /** RTTVAR in microseconds. */
  rttvar = 0;
  /** RTO, without the backing off. */
  rto = 1000;
  /** What is to be sent. */
  readonly sendBuffer: SendBuffer = new SendBuffer();
  /** Through whom the peer is reached. */
  declare readonly neighbour: Neighbour;
  /** How the window grows and shrinks. */
  congestion: CongestionControl;
  /** What happened and was not told yet: bits of {@linkcode EVENT}. */
  events = 0;
  /** Which of them are set: bits of {@linkcode TIMER}. */
  armed = 0;
  /** Where its entry is in the wheel; -1 if it has none. */
  timerSlot = -1;
  /** For when that is. */
  timerAt = 0;
  /** When to retransmit, or to probe. */
  retransmitAt = 0;
  /** What the retransmission timer is set for: one of {@linkcode LOSS}. */
  lossTimer: number = LOSS.TIMEOUT;
  /** What is under way, while more than one segment is. */
  scoreboard: Scoreboard | null = null;
  /** Whether a probe of the tail is under way (TLP.end_seq is set). */
  tailProbe = false;
  /** How long what was sent may wait to be acknowledged; 0 for no limit but that of retransmissions. */
  userTimeout = 0;
  /** Whether the timer expired, or a window is probed, and nothing was acknowledged since. */
  stalled = false;
  /** When something was sent last, in microseconds of the stack. */
  sentAt = 0;
  /** When to send the acknowledgment that was put off. */
  ackAt = 0;
  /** The largest text that a segment of the peer had. */
  rcvMss: number = DEFAULT_MSS;
  /** Bytes that came since one was sent. */
  unacknowledged = 0;
  /** Acknowledgments that do not wait; none once text was answered by text. */
  quickAcks = 16;
  /** RCV.NXT when text was sent last. */
  answered = 0;
  /** Who has it; null before it is accepted, and after it was closed. */
  user: ConnectionUser | null = null;
  /** Whether it waits for its turn to send. */
  pending = false;
  /** Bytes of text that a segment to the peer may have, its options taken off. */
  mss = 0;
  /** cwnd */
  cwnd = 0;
  /** ssthresh */
  ssthresh: number = NO_THRESHOLD;
  /** Whether it was the congestion window that ended the last burst. */
  cwndLimited = false;
  /** What was sent up to there used the congestion window up. */
  limitedEnd = 0;
  /** Whether small segments are sent at once (no Nagle). */
  nodelay = true;
  /** Both ports as they lie in a segment that goes. */
  readonly portsOut: number = 0;
  /** What is added to the time, so that it tells nothing. */
  tsOffset = 0;
  /** Rcv.Wind.Shift: the scale of the own windows. */
  rcvScale = 0;
  /** Bytes that may wait in it. */
  receiveLimit: number = BOUNDS.RECEIVE_BUFFER;
  /** Whether the receive buffer grows by itself. */
  tunesReceive = false;
  /** Whether the peer may be told of ranges out of order (RFC 2018). */
  sackPermitted = false;
  /** Whether both sides know it; while a SYN is out, whether it was asked for. */
  ecn = false;
  /** Where a range begins that came twice (RFC 2883). */
  duplicateFrom = 0;
  /** Where it ends; the same if there is none to tell of. */
  duplicateTo = 0;
  /** Whether the FIN was sent. */
  finSent = false;
  /** Whether an acknowledgment is to be sent with the next turn. */
  ackNow = false;
  /** The own address. */
  declare readonly local: IpAddress;
  /** The peer's address. */
  declare readonly remote: IpAddress;
  /** The next one in its row of the table. */
  next: Connection | null = null;

  // Who it is.

  /** The own port. */
  readonly localPort: number = 0;
  /** The peer's port. */
  readonly remotePort: number = 0;
  /** The listener that it was made for, until it is accepted. */
  listener: Listener | null = null;
  /** Why it is gone; an errno, 0 while it is not. */
  error = 0;
  /** What ICMP told lately, which becomes the error if the connection fails for it (RFC 1122, section 4.2.3.9). */
  softError = 0;
  /** The next one that waits. */
  nextPending: Connection | null = null;

  // Send sequence variables.

  /** ISS */
  iss = 0;
  /** What the peer said, or has by default (RFC 9293, section 3.7.1). */
  peerMss: number = DEFAULT_MSS;
  /** What the user said that no segment is to be larger than, either way; 0 for no limit. */
  maxSegmentSize = 0;
  /** The largest IP packet that the way takes, as far as is known. */
  pathMtu = 0;
  /** A size of packets that has arrived; 0 if none is known. */
  provenMtu = 0;
  /** What somebody said the largest packet is, although larger ones had arrived; 0 if nobody did. */
  claimedMtu = 0;
  /** Bytes that may wait in it. */
  sendLimit: number = BOUNDS.SEND_BUFFER;
  /** Where the last segment ends that was not full. */
  smallEnd = 0;
  /** The user sends no more: a FIN follows the last byte. */
  finQueued = false;

  // Receive sequence variables.

  /** IRS */
  irs = 0;
  /** Where the peer's FIN is, if {@linkcode Connection.finSeen}. */
  finSeq = 0;
  /** Whether all that the peer sent came, and its FIN. */
  finReceived = false;
  /** The range out of order that came last. */
  lastSack = 0;
  /** Where the blocks begin that the last acknowledgment told of; null as long as none told of two. */
  earlierSacks: Int32Array | null = null;

  // Recovery from losses (RFC 6582), and what is counted.

  /** The highest that was sent when it was noticed. */
  recover = 0;
  /** Acknowledged bytes that the window did not grow for yet. */
  acked = 0;
  /** Segments sent again, of all times. */
  retransmitted = 0;

  /** What CUBIC has to remember; null as long as nothing was lost. */
  cubic: Float64Array | null = null;
  /** What slow start has to remember. */
  readonly slowStart: SlowStart = new SlowStart();

  // Recovery by selective acknowledgments (RFC 6675, RFC 8985, RFC 6937).

  /** Whether {@linkcode Connection.recovering} is after a timeout. */
  afterTimeout = false;
  /** RACK.xmit_ts: when that was sent which was sent last of all that arrived, in microseconds of the stack. */
  rackTime = 0;
  /** RACK.end_seq: where it ends. */
  rackEnd = 0;
  /** RACK.rtt: its round-trip time in microseconds; 0 as long as nothing arrived. */
  rackRtt = 0;
  /** RACK.min_RTT in microseconds; 0 as long as nothing arrived. */
  minRtt = 0;
  /** RACK.fack: the highest that arrived. */
  fack = 0;
  /** RACK.reordering_seen */
  reordering = false;
  /** RACK.reo_wnd_mult */
  reorderingMultiple = 1;
  /** RACK.reo_wnd_persist */
  reorderingPersist = 16;
  /** RACK.dsack_round */
  duplicateRound = 0;
  /** TLP.end_seq */
  tailProbeEnd = 0;
  /** TLP.is_retrans */
  tailProbeRepeats = false;
  /** How far the detection of spurious timeouts is: one of {@linkcode FRTO}. */
  frto: number = FRTO.OFF;
  /** RecoverFS: bytes under way when the loss was noticed. */
  recoverFlight = 0;
  /** prr_delivered */
  prrDelivered = 0;
  /** prr_out */
  prrOut = 0;
  /** Retransmissions of this recovery that the peer did not call duplicates. */
  undoable = 0;
  /** cwnd before the loss was noticed. */
  priorCwnd = 0;
  /** ssthresh before the loss was noticed. */
  priorSsthresh = 0;
  /** The window shrank for a mark of congestion, or for what a probe repaired: it does not again for what was sent before. */
  congestionEnd = 0;
  // Explicit congestion notification (RFC 3168).

  /** Whether a mark came that the sender did not react to yet. */
  ecnEcho = false;
  /** Whether the peer is to be told that the window shrank. */
  ecnReduced = false;

  // Sizes of buffers, and how long the peer is waited for.

  /** Whether the send buffer grows by itself. */
  tunesSend = false;
  /** When the receive buffer was looked at last, in microseconds of the stack. */
  tunedAt = 0;
  /** Up to where the user had taken the stream then. */
  tunedSeq = 0;
  /** When the first challenge ACK of this period was sent. */
  challengedAt = 0;
  /** How many challenge ACKs were to be sent in it. */
  challenges = 0;
  /** Since when nothing goes on. */
  stalledAt = 0;
  /** How often the timer expired since the peer answered: one that answers is there, though its window is closed. */
  unanswered = 0;

  // Timers.

  /** The next one in its slot of the wheel. */
  timerNext: Connection | null = null;
  /** The one before. */
  timerPrevious: Connection | null = null;
  /** When it is over. */
  endAt = 0;
  /** When to ask whether the peer is there. */
  keepaliveAt = 0;
  /** Whether to ask at all. */
  keepalive = false;
  /** After so long a silence. */
  keepaliveIdle = 7_200_000;
  /** So often. */
  keepaliveInterval = 75_000;
  /** So many times. */
  keepaliveCount = 9;

  /** Makes one that is closed. */
  constructor(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    neighbour: Neighbour,
    portsIn: number,
    portsOut: number,
    pseudo: number,
    pool: RangePool,
    congestion: CongestionControl,
  ) {
    this.version = local.version;
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
    this.localWord = local.w3;
    this.remoteWord = remote.w3;
    this.neighbour = neighbour;
    this.portsIn = portsIn;
    this.portsOut = portsOut;
    this.pseudo = pseudo;
    this.receiveBuffer = new ReceiveBuffer(pool);
    this.congestion = congestion;
  }

  /** Bytes between SND.UNA and SND.NXT. */
  get inFlight(): number {
    return (this.sndNxt - this.sndUna) | 0;
  }

  /** Bytes that are in the network, as far as is known (pipe of RFC 6675, section 4). */
  get pipe(): number {
    const { scoreboard } = this;
    const sent = (this.sndNxt - this.sndUna) | 0;
    return scoreboard === null ? sent : sent - scoreboard.sackedBytes - scoreboard.lostBytes;
  }

  /** RCV.WND: how much of what was offered is left. */
  get rcvWnd(): number {
    return (this.rcvAdv - this.rcvNxt) | 0;
  }
}
