/**
 * One direction of a connection, parsed: heads whose fields stay where they lie, and bodies as ranges of what came.
 *
 * llhttp decides what is HTTP; here is what it needs to be told in spans, and the limits that it has not.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Fields } from "./fields.ts";
import { type Callbacks, ERROR, FLAGS, Llhttp, METHOD_NAMES, SLICE, TYPE } from "./llhttp.ts";

/** How far a message is. */
export const STEP = {
  /** All that came was parsed; more is needed. */
  more: 0,
  /** The head is here. */
  head: 1,
  /** A part of the body is here. */
  body: 2,
  /** The message is over. */
  end: 3,
  /** It is no message that is taken: see {@linkcode Parser.failure}. */
  failed: 4,
} as const;

/** What a head may be. */
export interface HeadLimits {
  /** The most bytes in it. */
  readonly maxHeaderSize: number;
  /** The most fields. */
  readonly maxHeaders: number;
}

/** Why a message is not taken. */
export interface Failure {
  /** The status that says so. */
  readonly status: number;
  /** In words. */
  readonly reason: string;
}

/** So many bytes of framing are taken for each byte of a body: a chunk of one byte has five. */
const FRAMING = 16;

const CR = 13;
const LF = 10;
const NOTHING = new Uint8Array(0);
const latin1 = new TextDecoder("latin1");

/** See the module's description. */
export class Parser implements Callbacks {
  /** The fields of the head. */
  fields: Fields = new Fields();
  /** Fields behind the body (RFC 9110, section 6.5). */
  trailers: [name: string, value: string][] = [];
  /** Where the target begins and ends, from the beginning of the message. */
  targetStart = 0;
  /** See there. */
  targetEnd = 0;
  /** The status of a response. */
  status = 0;
  /** Ten times the major version, and the minor one. */
  version = 0;
  /** The name of the method. */
  method = "";
  /** Whether the connection may be kept after this message. */
  keepAlive = false;
  /** Whether another protocol is asked for. */
  upgrade = false;
  /** Whether a body follows the head. */
  hasBody = false;
  /** Whether that is in chunks. */
  chunked = false;
  /** How long the body is by its own account; -1 if it says nothing. */
  contentLength = -1;
  /** Of a response: that no body follows whatever it says, since it answers HEAD. */
  answersHead = false;
  /** Whether something of the message has come. */
  begun = false;
  /** Whether the head is over. */
  headDone = false;
  /** Whether the message is over. */
  done = false;
  /** What is here of the body, in the bytes that were given last. */
  bodyStart = 0;
  /** See there. */
  bodyLength = 0;
  /** So many bytes the body has had. */
  bodyTotal = 0;
  /** Why it is not taken. */
  failure: Failure | null = null;
  readonly #llhttp: Llhttp;
  readonly #type: number;
  readonly #limits: HeadLimits;
  #bytes: Uint8Array = NOTHING;
  #position = 0;
  /** Where the slice that is parsed begins: in the bytes, and in the message. */
  #slice = 0;
  #shift = 0;
  /** Where the message begins in the bytes, as long as it is not cut. */
  #start = 0;
  /** A head that is cut is kept here. */
  #held: Uint8Array = NOTHING;
  #heldLength = 0;
  /** Bytes of the message that are behind. */
  #behind = 0;
  #headSize = 0;
  #inValue = false;
  #freed = false;

  /** Parses requests or responses, of the {@linkcode TYPE}. */
  constructor(type: number, limits: HeadLimits) {
    this.#type = type;
    this.#limits = limits;
    this.#llhttp = new Llhttp(type);
  }

  /** What is not parsed yet. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#position);
  }

  /** Whether something is not parsed yet. */
  get hasRest(): boolean {
    return this.#position < this.#bytes.length;
  }

  /** More bytes, when the last ones are parsed. They are the parser's until then: it may move parts of bodies together. */
  supply(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#position = 0;
    this.#start = 0;
  }

  /** Parses on, to the next {@linkcode STEP}. */
  parse(): number {
    if (this.failure !== null) return STEP.failed;
    this.bodyLength = 0;
    while (this.#position < this.#bytes.length) {
      const start = this.#slice = this.#position;
      const end = Math.min(start + SLICE, this.#bytes.length);
      this.#shift = this.#behind + start - this.#start;
      const hadHead = this.headDone;
      this.begun = true;
      const code = this.#llhttp.execute(this.#bytes, start, end, this);
      this.#position = code === ERROR.OK ? end : start + this.#llhttp.position;
      if (code === ERROR.PAUSED || code === ERROR.PAUSED_UPGRADE) this.#llhttp.resume(code);
      else if (code !== ERROR.OK) return this.#fail(code);
      if (!hadHead && this.headDone) {
        if (!this.#endHead()) return STEP.failed;
        return STEP.head;
      }
      if (!this.headDone) {
        if (this.#behind + this.#position - this.#start > this.#limits.maxHeaderSize) {
          return this.#tooLarge();
        }
      } else if (this.#isMostlyFraming()) {
        return this.#refuse(400, "Too much framing");
      }
      if (this.bodyLength > 0) return STEP.body;
      if (this.done) return STEP.end;
    }
    this.#keep();
    return STEP.more;
  }

  /** Gives the fields away, to be kept. */
  takeFields(): Fields {
    const { fields } = this;
    fields.keep(this.#headSize);
    this.fields = new Fields();
    return fields;
  }

  /** The stream has ended. Gives whether the message is over with it. */
  end(): boolean {
    if (this.headDone && !this.done) this.#llhttp.finish(this);
    return this.done;
  }

  /** The next message may come. */
  next(): void {
    this.fields.clear();
    if (this.trailers.length > 0) this.trailers = [];
    this.#held = NOTHING;
    this.#heldLength = 0;
    this.#behind = 0;
    this.#start = this.#position;
    this.targetStart = this.targetEnd = 0;
    this.begun = this.headDone = this.done = false;
    this.bodyLength = this.bodyTotal = 0;
    this.#inValue = false;
  }

  /** Frees what is not this language's. */
  [Symbol.dispose](): void {
    if (!this.#freed) this.#llhttp.free();
    this.#freed = true;
  }

  /** See {@linkcode Callbacks}. */
  onUrl(at: number, length: number): number {
    const start = this.#shift + at;
    if (this.targetEnd === 0) this.targetStart = start;
    this.targetEnd = start + length;
    return ERROR.OK;
  }

  /** See {@linkcode Callbacks}. */
  onField(at: number, length: number): number {
    if (this.headDone) return this.#onTrailer(at, length, false);
    const start = this.#shift + at;
    const { fields } = this;
    // It goes on where it was cut.
    if (!this.#inValue && fields.lastEnd(false) === start) fields.extendName(start + length);
    else if (fields.count === this.#limits.maxHeaders) return this.#refuseWithin("Too many fields");
    else fields.addName(start, start + length);
    this.#inValue = false;
    return ERROR.OK;
  }

  /** See {@linkcode Callbacks}. */
  onValue(at: number, length: number): number {
    if (this.headDone) return this.#onTrailer(at, length, true);
    const start = this.#shift + at;
    const { fields } = this;
    if (this.#inValue && fields.lastEnd(true) === start) fields.extendValue(start + length);
    else fields.setValue(start, start + length);
    this.#inValue = true;
    return ERROR.OK;
  }

  /** See {@linkcode Callbacks}. */
  onHead(status: number, upgrade: boolean, keepAlive: boolean): number {
    const llhttp = this.#llhttp;
    const { flags } = llhttp;
    this.headDone = true;
    this.status = status;
    this.upgrade = upgrade;
    this.keepAlive = keepAlive;
    this.version = llhttp.version;
    this.chunked = (flags & FLAGS.CHUNKED) !== 0;
    this.contentLength = (flags & FLAGS.CONTENT_LENGTH) === 0 ? -1 : llhttp.contentLength;
    this.#inValue = false;
    if (this.#type === TYPE.RESPONSE) {
      this.hasBody = !this.answersHead;
      // What is no last answer, or has no body, ends by itself.
      return this.answersHead
        ? 1
        : status < 200 || status === 204 || status === 304
        ? 0
        : ERROR.PAUSED;
    }
    this.method = METHOD_NAMES[llhttp.method]!;
    this.hasBody = this.chunked || this.contentLength > 0;
    // To be answered before the body comes.
    return this.hasBody ? ERROR.PAUSED : ERROR.OK;
  }

  /** See {@linkcode Callbacks}. */
  onBody(at: number, length: number): number {
    const start = this.#slice + at;
    const end = this.bodyStart + this.bodyLength;
    if (this.bodyLength === 0) this.bodyStart = start;
    // The chunks of a body become one run of bytes.
    else if (end !== start) this.#bytes.copyWithin(end, start, start + length);
    this.bodyLength += length;
    this.bodyTotal += length;
    return ERROR.OK;
  }

  /** See {@linkcode Callbacks}. One message at a time. */
  onMessage(): number {
    this.done = true;
    return ERROR.PAUSED;
  }

  /** Says where the head lies. */
  #endHead(): boolean {
    const size = this.#headSize = this.#behind + this.#position - this.#start;
    if (size > this.#limits.maxHeaderSize) {
      this.#tooLarge();
      return false;
    }
    if (this.#heldLength === 0) {
      this.fields.lie(this.#bytes, this.#start);
    } else {
      this.#hold(this.#position);
      this.fields.lie(this.#held, 0);
    }
    if (!this.#isLedByLines()) this.#refuse(400, "The first line does not begin a line");
    else this.#checkCoding();
    return this.failure === null;
  }

  /** Whether nothing but whole empty lines, which llhttp passes over in parts, too, is before the first one. */
  #isLedByLines(): boolean {
    const { fields } = this;
    let at = 0;
    while (fields.byte(at) === CR && fields.byte(at + 1) === LF) at += 2;
    return fields.byte(at) > CR;
  }

  /** An empty transfer encoding is none for llhttp, and may be one for others; here there is one alone. */
  #checkCoding(): void {
    const { fields } = this;
    if (fields.find("transfer-encoding") < 0) return;
    if (!this.chunked) this.#refuse(400, "The transfer encoding is not chunked");
    else if (fields.get("transfer-encoding")!.toLowerCase() !== "chunked") {
      this.#refuse(501, "No other transfer encodings than chunked are known");
    }
  }

  /** Before other bytes come. */
  #keep(): void {
    if (!this.begun) return;
    if (!this.headDone) this.#hold(this.#bytes.length);
    this.#behind += this.#bytes.length - this.#start;
    this.#start = this.#bytes.length;
  }

  /** Keeps the head up to a position. */
  #hold(end: number): void {
    const length = this.#heldLength + end - this.#start;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(2 * length, 65536)));
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(this.#bytes.subarray(this.#start, end), this.#heldLength);
    this.#heldLength = length;
  }

  #isMostlyFraming(): boolean {
    if (!this.chunked) return false;
    const framing = this.#behind + this.#position - this.#start - this.bodyTotal;
    return framing > 2 * this.#limits.maxHeaderSize + FRAMING * this.bodyTotal;
  }

  #onTrailer(at: number, length: number, inValue: boolean): number {
    const start = this.#slice + at;
    const text = latin1.decode(this.#bytes.subarray(start, start + length));
    const last = this.trailers.at(-1);
    if (inValue) last![1] += text;
    else if (!this.#inValue && last !== undefined) last[0] += text;
    else if (this.trailers.length === this.#limits.maxHeaders) {
      return this.#refuseWithin("Too many trailer fields");
    } else this.trailers.push([text, ""]);
    this.#inValue = inValue;
    return ERROR.OK;
  }

  #refuseWithin(reason: string): number {
    this.failure = { status: 431, reason };
    return ERROR.USER;
  }

  #tooLarge(): number {
    // RFC 9110, section 15.5.15, and RFC 6585, section 5.
    const isTarget = this.fields.count === 0 ||
      this.targetEnd - this.targetStart > this.#limits.maxHeaderSize;
    if (isTarget && this.#type === TYPE.REQUEST) {
      return this.#refuse(414, "The target is too long");
    }
    return this.#refuse(431, "The fields are too large");
  }

  #refuse(status: number, reason: string): number {
    this.failure = { status, reason };
    return STEP.failed;
  }

  #fail(code: number): number {
    if (this.failure !== null) return STEP.failed;
    const { reason } = this.#llhttp;
    if (code === ERROR.PAUSED_H2_UPGRADE || reason === "Invalid HTTP version") {
      return this.#refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    const isMethod = code === ERROR.INVALID_METHOD || reason.startsWith("Invalid method for HTTP");
    if (isMethod && this.#beginsLikeRequest()) {
      return this.#refuse(501, "The method is not known");
    }
    return this.#refuse(400, reason);
  }

  /** Whether it begins with a token and a space, as far as that is here. */
  #beginsLikeRequest(): boolean {
    const line = Buffer.from(this.#bytes.subarray(this.#start, this.#start + 64)).toString(
      "latin1",
    );
    return this.#behind === 0 && /^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]* [^\s]/i.test(line);
  }
}
