/**
 * 64-bit integers, against bigints.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import {
  addIntegers,
  type Integer,
  MAX_INTEGER,
  MIN_INTEGER,
  parseInteger,
} from "../../examples/kv/integer.ts";

const int64 = fc.oneof(
  fc.bigInt({ min: MIN_INTEGER, max: MAX_INTEGER }),
  fc.bigInt({ min: -100n, max: 100n }),
  fc.tuple(
    fc.constantFrom(MIN_INTEGER + 3n, MAX_INTEGER - 3n, 2n ** 53n, -(2n ** 53n), 10n ** 15n),
    fc.bigInt({ min: -3n, max: 3n }),
  ).map(([edge, step]) => edge + step),
);

/** The one form that an integer has. */
function canonical(value: bigint): Integer | undefined {
  if (value < MIN_INTEGER || value > MAX_INTEGER) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

Deno.test("parseInteger() reads every 64-bit integer as it is printed", () => {
  fc.assert(fc.property(int64, (value) => {
    assertEquals(parseInteger(String(value)), canonical(value));
  }));
});

Deno.test("parseInteger() gives undefined when a number does not fit, or is spelled otherwise", () => {
  for (
    const text of [
      ...["9223372036854775808", "-9223372036854775809", "99999999999999999999", "1".repeat(400)],
      ...[
        "",
        "-",
        "+1",
        "01",
        "-0",
        "-01",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "a",
        "1a",
        "1\0",
        "\xb2",
      ],
    ]
  ) {
    assertEquals(parseInteger(text), undefined, JSON.stringify(text));
  }
});

Deno.test("parseInteger() takes no text that it would not print", () => {
  fc.assert(fc.property(fc.stringMatching(/^[-+ 0-9a.]{0,21}$/), (text) => {
    const value = parseInteger(text);
    if (value !== undefined) assertEquals(String(value), text);
  }));
});

Deno.test("addIntegers() adds exactly, or gives undefined when the sum does not fit", () => {
  fc.assert(fc.property(int64, int64, (a, b) => {
    assertEquals(addIntegers(canonical(a)!, canonical(b)!), canonical(a + b));
  }));
});
