/**
 * A store that speaks the protocol of Redis, from the bytes of requests to the bytes of replies.
 *
 * There is no network in here: a server makes one {@linkcode Store}, one {@linkcode Session} for each
 * connection, feeds it what it receives, and sends what it replies.
 *
 * To read how a store is built, begin with `session.ts` and follow a request: `request_reader.ts` finds it
 * in the bytes, `command.ts` finds what to run, `commands/` runs it on a `database.ts`, which keeps keys and values in `records.ts`, `reply.ts` writes the answer.
 *
 * @module
 */
export { freedBytes } from "./memory.ts";
export { describeMetrics, METRICS_TYPE } from "./metrics.ts";
export { ReplyBuffer, type ReplyMemory } from "./reply.ts";
export { type ReplyMode, Session, type SessionInfo } from "./session.ts";
export { type Statistics, Store, type StoreOptions } from "./store.ts";
