/**
 * The pinned llhttp: its parser has its fields where they are read.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Callbacks, ERROR, FLAGS, Llhttp, TYPE } from "../../libos/http/llhttp.ts";

/** What a parser was told of a message. */
class Told implements Callbacks {
  readonly spans: [kind: string, at: number, length: number][] = [];
  onUrl = (at: number, length: number): number => this.#tell("url", at, length);
  onField = (at: number, length: number): number => this.#tell("field", at, length);
  onValue = (at: number, length: number): number => this.#tell("value", at, length);
  onBody = (at: number, length: number): number => this.#tell("body", at, length);
  onHead = (status: number, upgrade: boolean, keepAlive: boolean): number =>
    this.#tell(`${status} ${upgrade} ${keepAlive}`, 0, 0);
  onMessage = (): number => ERROR.PAUSED;

  #tell(kind: string, at: number, length: number): number {
    this.spans.push([kind, at, length]);
    return ERROR.OK;
  }
}

Deno.test("llhttp's fields are where they are looked for", () => {
  const llhttp = new Llhttp(TYPE.REQUEST);
  const text = "PUT /a HTTP/1.0\r\nContent-Length: 8589934597\r\n\r\nabcde";
  const bytes = new TextEncoder().encode(`xx${text}`);
  const told = new Told();
  assertEquals(llhttp.execute(bytes, 2, bytes.length, told), ERROR.OK);
  assertEquals(told.spans, [
    ["url", 4, 2],
    ["field", 17, 14],
    ["value", 33, 10],
    ["0 false false", 0, 0],
    ["body", 47, 5],
  ]);
  assertEquals([llhttp.version, llhttp.method, llhttp.flags & FLAGS.CONTENT_LENGTH], [10, 4, 32]);
  // What is left of 2³³ + 5.
  assertEquals(llhttp.contentLength, 2 ** 33);
  llhttp.free();
});

Deno.test("llhttp stops where it is told to, and says what is wrong and where", () => {
  const told = new Told();
  const llhttp = new Llhttp(TYPE.REQUEST);
  const text = "GET / HTTP/1.1\r\n\r\n";
  const bytes = new TextEncoder().encode(text + text);
  assertEquals(llhttp.execute(bytes, 0, bytes.length, told), ERROR.PAUSED);
  assertEquals(llhttp.position, text.length);
  llhttp.resume(ERROR.PAUSED);
  const wrong = new TextEncoder().encode("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx");
  llhttp.execute(wrong, 0, wrong.length, told);
  assertEquals([llhttp.position, llhttp.reason], [47, "Invalid character in chunk size"]);
  llhttp.free();
});
