/**
 * Patterns; the differential test compares many more with Redis.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { matchGlob } from "../../examples/kv/glob.ts";

Deno.test("matchGlob() matches as documented", () => {
  for (
    const [pattern, text, expected] of [
      ["", "", true],
      ["*", "", true],
      ["**", "", false],
      ["?", "", false],
      ["", "a", false],
      ["a", "a", true],
      ["a", "A", false],
      ["a*", "a", true],
      ["a*b*c", "axxbyyc", true],
      ["a*b*c", "axxbyy", false],
      ["?", "a", true],
      ["?", "\xff", true],
      ["??", "a", false],
      ["[abc]", "b", true],
      ["[^abc]", "b", false],
      ["[^abc]", "d", true],
      ["[a-c]", "b", true],
      ["[c-a]", "b", true],
      // A range to the bracket, and a class that nothing closes.
      ["[a-]", "-", false],
      ["[a-]", "^", true],
      ["[]", "a", false],
      ["[^]", "a", true],
      ["[a", "a", true],
      ["[\\]]", "]", true],
      ["\\*", "*", true],
      ["\\*", "a", false],
      ["\\", "\\", true],
      ["a\0b", "a\0b", true],
    ] as const
  ) {
    assertEquals(matchGlob(pattern, text), expected, JSON.stringify([pattern, text]));
  }
});

Deno.test("matchGlob() matches what a regular expression does when there are only stars", () => {
  const pattern = fc.stringMatching(/^[ab*]{0,8}$/);
  const text = fc.stringMatching(/^[ab]{1,12}$/);
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
      assertEquals(matchGlob(pattern, text), expression.test(text));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("matchGlob() matches a text when the pattern is that text, escaped", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), (text) => {
    const pattern = text.replace(/[*?[\]^\\-]/g, "\\$&");
    assertEquals(matchGlob(pattern, text), true);
  }));
});

Deno.test("matchGlob() ends soon when many stars almost match", () => {
  // What tries every star again at every place would need longer than the universe has.
  assertEquals(matchGlob("a*".repeat(1000) + "b", "a".repeat(10_000)), false);
});
