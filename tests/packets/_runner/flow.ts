/**
 * What is known of one flow between the host and its peer: ports, and how numbers of the script and of the wire go together.
 *
 * @module
 */

/** The first number of the peer. It is near the end of the numbers, so that most scripts come around it. */
export const PEER_FIRST = 0xfffff000;
/** The port of the peer that connects, and that of who listens, on either side. */
export const PEER_PORT = 40_001;
export const SERVER_PORT = 8080;

/** The bytes of a stream, by their place in it: whoever gets them can check them. */
export function patternOf(from: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (from + i) % 251;
  return bytes;
}

/** Whether these are the bytes that belong there. */
export function isPattern(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== (from + i) % 251) return false;
  return true;
}

/** See the module's description. */
export class Flow {
  /** The host's port; 0 until it chose one. */
  localPort: number;
  readonly remotePort: number;
  /** The first number of the host; null until it sent one. */
  localFirst: number | null = null;
  /** The scale of the windows that the host offers. */
  localScale = 0;
  /** Whether the peer scales its own, without which neither does (RFC 7323, section 2.2). */
  peerScales = false;
  /** Where the host's FIN is, as the script counts; null as long as it sent none. */
  fin: number | null = null;
  /** How large segments the peer takes, as it says; null as long as it did not. */
  peerMss: number | null = null;
  /** What the host acknowledged last, as the script counts. */
  acknowledged = 0;
  /** How far the host has sent, as the script counts. */
  sentEnd = 0;
  /** A SYN came that may begin another connection: the host's next one has another first number. */
  mayRestart = false;
  /** The timestamps of the script, and those that the host sent in their place. */
  readonly #stamps = new Map<number, number>();
  #firstStamp: readonly [number, number] | null = null;

  constructor(localPort: number, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** A number of the host on the wire, as the script counts. */
  relative(seq: number): number {
    return (seq - (this.localFirst ?? 0)) >>> 0;
  }

  /** A number of the host in the script, as it is on the wire. */
  absolute(seq: number): number {
    return (seq + (this.localFirst ?? 0)) >>> 0;
  }

  /** A number of the peer on the wire, as the script counts. */
  static peerRelative(seq: number): number {
    return (seq - PEER_FIRST) >>> 0;
  }

  /** A number of the peer in the script, as it is on the wire. */
  static peerAbsolute(seq: number): number {
    return (seq + PEER_FIRST) >>> 0;
  }

  /**
   * The host sent a timestamp where the script has another one. Gives how many ticks it is off, if the script is to be held
   * to how they grow.
   */
  learn(script: number, live: number, tick: number): number {
    this.#stamps.set(script, live);
    this.#firstStamp ??= [script, live];
    if (tick === 0) return 0;
    const [firstScript, firstLive] = this.#firstStamp;
    return ((live - firstLive) | 0) - (script - firstScript) * tick;
  }

  /** What the peer echoes for a timestamp of the script. */
  echo(script: number): number {
    const known = this.#stamps.get(script);
    if (known !== undefined) return known;
    if (script === 0 || this.#firstStamp === null) return script;
    return (this.#firstStamp[1] + script - this.#firstStamp[0]) >>> 0;
  }
}
