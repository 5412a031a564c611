/**
 * A worker of UCX's: the calls, over memory that is laid out once. No policy, and on the datapath no
 * allocation.
 *
 * What a call begins is over at once ({@linkcode STATUS.OK}), goes on (`IN_PROGRESS`), and then {@linkcode UcxWorker.request}
 * names it until it is freed, or failed, with a negative status. A wrong handle, or memory that goes away while a request is
 * under way, ends the process.
 *
 * @module
 */

import { addressOf } from "../libc/memory.ts";
import { libc } from "../libc/load.ts";
import { Words } from "../libc/words.ts";
import type { Handle, UcxContext } from "./context.ts";
import { ENDPOINT_PARAMS, MESSAGE_INFO, REQUEST_PARAMS, STATUS, WORKER_PARAMS } from "./layout.ts";
import type { Ucx } from "./load.ts";
import { check, Struct } from "./struct.ts";

/** Places of arguments in {@linkcode Words}. */
const BUFFER = 0;
const COUNT = 1;
const TAG = 2;
const INFO = 3;
/** Of the parameters of a request: none, with registered memory, and to close by force. */
const PLAIN = 4;
const REGISTERED = 5;
const FORCED = 6;

/** See the module's description. It belongs to one thread. */
export class UcxWorker {
  /** What {@linkcode UcxWorker.probe} found: see {@linkcode MESSAGE_INFO}. */
  readonly info: Int32Array<ArrayBuffer> = new Int32Array(MESSAGE_INFO.SIZE / 4);
  /** What goes on, after a call that said so: one request. */
  readonly request: Handle = new BigUint64Array(1);
  /** Its address, by which others come to it. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** A descriptor that is readable when there may be something to do, once {@linkcode UcxWorker.arm} gave `OK`. */
  readonly fd: number;
  readonly #ucx: Ucx;
  readonly #worker: Handle = new BigUint64Array(1);
  readonly #message: Handle = new BigUint64Array(1);
  readonly #messageHalves = new Int32Array(this.#message.buffer);
  readonly #requestHalves = new Int32Array(this.request.buffer);
  readonly #words = new Words(7);
  readonly #tag = new Int32Array(this.#words.u64.buffer, 8 * TAG, 2);
  /** The parameters of requests, which are referenced by address alone otherwise. */
  readonly #params = [new Struct(), new Struct(), new Struct()] as const;

  /** Makes one, which sleeps and wakes for itself. Throws {@linkcode UcxError}. */
  constructor(context: UcxContext) {
    this.#ucx = context.ucx;
    const params = new Struct();
    params.u64(WORKER_PARAMS.MASK, WORKER_PARAMS.FIELD_THREAD_MODE);
    check(
      "ucp_worker_create",
      this.#ucx.ucp_worker_create(context.handle[0]!, params.bytes, this.#worker),
    );
    const [, registered, forced] = this.#params;
    registered.u32(REQUEST_PARAMS.MASK, REQUEST_PARAMS.FIELD_MEMORY);
    forced.u32(REQUEST_PARAMS.MASK, REQUEST_PARAMS.FIELD_FLAGS);
    forced.u32(REQUEST_PARAMS.FLAGS, REQUEST_PARAMS.FLAG_FORCE);
    this.#params.forEach(({ bytes }, i) => this.#words.set(PLAIN + i, addressOf(bytes)));
    this.#words.set(INFO, addressOf(new Uint8Array(this.info.buffer)));
    this.address = this.#readAddress();
    const fd = new Int32Array(1);
    check("ucp_worker_get_efd", this.#ucx.ucp_worker_get_efd(this.#worker[0]!, fd));
    this.fd = fd[0]!;
  }

  /** Does what is ready; says how much that was. */
  progress(): number {
    return this.#ucx.ucp_worker_progress(this.#worker[0]!);
  }

  /** Takes the next message that came, and says whether there was one. It has to be received. */
  probe(): boolean {
    const { u64 } = this.#words;
    this.#message[0] = this.#ucx.ucp_tag_probe_nb(this.#worker[0]!, 0n, 0n, 1, u64[INFO]!);
    return (this.#messageHalves[0]! | this.#messageHalves[1]!) !== 0;
  }

  /** Receives the message that was found, its first `length` bytes, to an address. */
  receive(address: number, length: number, memory: Handle | null): number {
    const words = this.#words;
    words.set(BUFFER, address);
    words.set(COUNT, length);
    const { u64 } = words;
    this.request[0] = this.#ucx.ucp_tag_msg_recv_nbx(
      this.#worker[0]!,
      u64[BUFFER]!,
      u64[COUNT]!,
      this.#message[0]!,
      u64[this.#paramsFor(memory)]!,
    );
    return this.#status();
  }

  /** Sends `length` bytes from an address, under a tag of two words. */
  send(
    endpoint: Handle,
    address: number,
    length: number,
    low: number,
    high: number,
    memory: Handle | null,
  ): number {
    const words = this.#words;
    words.set(BUFFER, address);
    words.set(COUNT, length);
    this.#tag[0] = low;
    this.#tag[1] = high;
    const { u64 } = words;
    this.request[0] = this.#ucx.ucp_tag_send_nbx(
      endpoint[0]!,
      u64[BUFFER]!,
      u64[COUNT]!,
      u64[TAG]!,
      u64[this.#paramsFor(memory)]!,
    );
    return this.#status();
  }

  /** How a request stands. */
  statusOf(request: bigint): number {
    return this.#ucx.ucp_request_check_status(request);
  }

  /** Lets go of a request, which goes on if it is not over. */
  free(request: bigint): void {
    this.#ucx.ucp_request_free(request);
  }

  /** Makes ready to sleep. `BUSY` means that there is something to do: progress, and try again. */
  arm(): number {
    return this.#ucx.ucp_worker_arm(this.#worker[0]!);
  }

  /** Makes an endpoint to an address. Throws {@linkcode UcxError}. An address that nobody's worker gave is not survived. */
  connect(address: Uint8Array<ArrayBuffer>): Handle {
    const endpoint: Handle = new BigUint64Array(1);
    const params = new Struct();
    const { FIELD_ADDRESS, FIELD_ERROR_MODE } = ENDPOINT_PARAMS;
    params.u64(ENDPOINT_PARAMS.MASK, FIELD_ADDRESS | FIELD_ERROR_MODE);
    params.u64(ENDPOINT_PARAMS.ADDRESS, BigInt(addressOf(address)));
    params.u32(ENDPOINT_PARAMS.ERROR_MODE, ENDPOINT_PARAMS.ERROR_MODE_PEER);
    const status = this.#ucx.ucp_ep_create(this.#worker[0]!, params.bytes, endpoint);
    check("ucp_ep_create", status);
    return endpoint;
  }

  /** Begins to flush an endpoint: it is over when all that was sent is with the peer. */
  flush(endpoint: Handle): number {
    this.request[0] = this.#ucx.ucp_ep_flush_nbx(endpoint[0]!, this.#words.u64[PLAIN]!);
    return this.#status();
  }

  /** Lets go of an endpoint; its requests fail. What that takes goes on by itself. */
  disconnect(endpoint: Handle): void {
    this.request[0] = this.#ucx.ucp_ep_close_nbx(endpoint[0]!, this.#words.u64[FORCED]!);
    if (this.#status() === STATUS.IN_PROGRESS) this.free(this.request[0]!);
  }

  /** Lets go of it. There must be no endpoint or request left. */
  close(): void {
    this.#ucx.ucp_worker_destroy(this.#worker[0]!);
  }

  #paramsFor(memory: Handle | null): number {
    if (memory === null) return PLAIN;
    this.#params[1].u64(REQUEST_PARAMS.MEMORY, memory[0]!);
    return REGISTERED;
  }

  /** What is in `request`: nothing, an error, or a request (`UCS_PTR_STATUS`). */
  #status(): number {
    const low = this.#requestHalves[0]!;
    const high = this.#requestHalves[1]!;
    if (high === -1 && low >= STATUS.LAST) return low;
    return (low | high) === 0 ? STATUS.OK : STATUS.IN_PROGRESS;
  }

  #readAddress(): Uint8Array<ArrayBuffer> {
    const address: Handle = new BigUint64Array(1);
    const length: Handle = new BigUint64Array(1);
    const worker = this.#worker[0]!;
    check("ucp_worker_get_address", this.#ucx.ucp_worker_get_address(worker, address, length));
    const bytes = new Uint8Array(Number(length[0]));
    libc().memcpy(BigInt(addressOf(bytes)), address[0]!, length[0]!);
    this.#ucx.ucp_worker_release_address(worker, address[0]!);
    return bytes;
  }
}
