/**
 * Values, and bytes as strings.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { splitInline } from "../../examples/kv/inline.ts";
import { decodeLatin1, encodeLatin1 } from "../../examples/kv/latin1.ts";
import { ReplyBuffer } from "../../examples/kv/reply.ts";
import { Span, spanOf } from "../../examples/kv/span.ts";
import { bytes, parseReplies } from "./kv_testing.ts";

const sizes = fc.oneof(
  fc.nat({ max: 100 }),
  fc.constantFrom(0, 6, 7, 64, 65, 256, 257, 1025),
);
const someBytes = sizes.chain((length) =>
  fc.uint8Array({ minLength: length, maxLength: length, size: "max" })
);

Deno.test("decodeLatin1() and encodeLatin1() give back any bytes", () => {
  fc.assert(fc.property(someBytes, fc.nat({ max: 5 }), (array, offset) => {
    const padded = new Uint8Array(offset + array.length + 3).fill(7);
    padded.set(array, offset);
    const text = decodeLatin1(padded, offset, offset + array.length);
    const target = new Uint8Array(padded.length).fill(7);
    assertEquals(encodeLatin1(text, target, offset), offset + array.length);
    assertEquals(target, padded);
  }));
});

Deno.test("Span.copyTo() copies any bytes, and no others", () => {
  fc.assert(fc.property(someBytes, fc.nat({ max: 5 }), (array, offset) => {
    const padded = new Uint8Array(offset + array.length + 3).fill(7);
    padded.set(array, offset);
    const span = new Span().set(padded, offset, offset + array.length);
    assertEquals(span.text(), String.fromCharCode(...array));
    const target = new Uint8Array(padded.length).fill(7);
    assertEquals(span.copyTo(target, offset), offset + array.length);
    assertEquals(target, padded);
  }));
});

Deno.test("splitInline() gives back words when they are quoted", () => {
  const word = fc.uint8Array({ maxLength: 20 }).map((array) => String.fromCharCode(...array));
  const quoted = (text: string) =>
    `"${
      text.replace(
        /[^ -!#-[\]-~]/g,
        (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
      )
    }"`;
  fc.assert(fc.property(fc.array(word), (words) => {
    assertEquals(splitInline(words.map(quoted).join(" ")), words);
  }));
});

Deno.test("splitInline() ends a word at its closing quote, whatever space follows", () => {
  for (const space of " \t\n\v\f\r") {
    assertEquals(splitInline(`echo ''${space}`), ["echo", ""]);
    assertEquals(splitInline(`echo a"b"${space}c`), ["echo", "ab", "c"]);
  }
});

Deno.test("ReplyBuffer writes replies that are read as they were meant, whatever their size", () => {
  const reply = fc.oneof(
    someBytes.map((array) => ({ type: "$", text: String.fromCharCode(...array), array })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({
      type: ":",
      text: String(value),
      array: undefined,
    })),
  );
  fc.assert(fc.property(fc.array(reply, { maxLength: 60 }), (replies) => {
    const buffer = new ReplyBuffer();
    for (const { text, array } of replies) {
      if (array !== undefined && array.length % 2 === 0) buffer.value(spanOf(text));
      else if (array !== undefined) buffer.bulk(text);
      else buffer.integer(BigInt(text) > 2n ** 53n ? BigInt(text) : Number(text));
    }
    const written = decodeLatin1(buffer.bytes, 0, buffer.length);
    assertEquals(
      parseReplies(written).map(({ type, text }) => ({ type, text })),
      replies.map(({ type, text }) => ({ type, text: type === ":" ? String(asSent(text)) : text })),
    );
  }));
});

/** What a number says of an integer that it cannot hold exactly. */
function asSent(text: string): bigint | number {
  return BigInt(text) > 2n ** 53n ? BigInt(text) : Number(text);
}

Deno.test("ReplyBuffer.error() writes one line when the text has several", () => {
  const buffer = new ReplyBuffer();
  buffer.error("\r\nERR a\r\nb\n");
  assertEquals(buffer.bytes.subarray(0, buffer.length), bytes("-ERR a  b\r\n"));
});
