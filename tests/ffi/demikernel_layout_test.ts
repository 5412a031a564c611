import { assertEquals } from "@std/assert";
import { ARGS_SIZE, type Layout, LAYOUTS, LINGER, TIMESPEC } from "../../ffi/demikernel/layout.ts";
import { compilingTest, Folder } from "./_demikernel.ts";

/** The structs of both versions, and where a compiler puts what is in them. */
const PROGRAM = `
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#pragma pack(push, 1)
struct old_segment { void *buf; uint32_t length; };
struct old_sga { void *buf; uint32_t numsegs; struct old_segment segments[1]; struct sockaddr_in address; };
struct old_args { int argc; char *const *argv; void (*callback)(const char *, uint32_t, uint64_t); };
struct new_segment { void *md; void *buf; uint32_t length; };
struct new_sga { uint32_t numsegs; struct new_segment segments[19]; struct sockaddr_in address; };
struct new_args { int argc; char *const *argv; void (*callback)(void); void (*log)(void); void (*metric)(void); };
struct accepted { int32_t qd; struct sockaddr_in address; };
struct old_result { uint32_t opcode; int32_t qd; uint64_t qt; int64_t ret;
    union { struct old_sga sga; struct accepted accepted; } value; };
struct new_result { uint32_t opcode; int32_t qd; uint64_t qt; int64_t ret;
    union { struct new_sga sga; struct accepted accepted; } value; };
#pragma pack(pop)

#define OF(type, member) (int)offsetof(struct type, member)
#define LAYOUT(version, sga_buf) \\
    printf("{\\"maxSegments\\":%d,", (int)(sizeof ((struct version##_sga *)0)->segments / \\
        sizeof (struct version##_segment))); \\
    printf("\\"sga\\":{\\"buf\\":%d,\\"numsegs\\":%d,\\"segments\\":%d,\\"address\\":%d,\\"size\\":%d},", \\
        OF(version##_sga, sga_buf), OF(version##_sga, numsegs), OF(version##_sga, segments), \\
        OF(version##_sga, address), (int)sizeof(struct version##_sga)); \\
    printf("\\"segment\\":{\\"buf\\":%d,\\"length\\":%d,\\"size\\":%d},", OF(version##_segment, buf), \\
        OF(version##_segment, length), (int)sizeof(struct version##_segment)); \\
    printf("\\"result\\":{\\"opcode\\":%d,\\"qd\\":%d,\\"qt\\":%d,\\"ret\\":%d,\\"sga\\":%d,\\"acceptedQd\\":%d," \\
        "\\"acceptedAddress\\":%d,\\"size\\":%d}}", OF(version##_result, opcode), OF(version##_result, qd), \\
        OF(version##_result, qt), OF(version##_result, ret), OF(version##_result, value.sga), \\
        OF(version##_result, value.accepted.qd), OF(version##_result, value.accepted.address), \\
        (int)sizeof(struct version##_result));

int main(void)
{
    printf("{\\"layouts\\":[");
    LAYOUT(old, buf)
    printf(",");
    LAYOUT(new, segments[0].md)
    printf("],\\"args\\":[%d,%d],", (int)sizeof(struct old_args), (int)sizeof(struct new_args));
    printf("\\"timespec\\":{\\"SECONDS\\":%d,\\"NANOSECONDS\\":%d,\\"SIZE\\":%d},", OF(timespec, tv_sec),
        OF(timespec, tv_nsec), (int)sizeof(struct timespec));
    printf("\\"linger\\":{\\"ON\\":%d,\\"SECONDS\\":%d,\\"SIZE\\":%d}}", OF(linger, l_onoff), OF(linger, l_linger),
        (int)sizeof(struct linger));
    return 0;
}
`;

/** What the C program prints. */
interface Compiled {
  readonly layouts: readonly Omit<Layout, "name">[];
  readonly args: readonly number[];
  readonly timespec: unknown;
  readonly linger: unknown;
}

compilingTest("LAYOUTS are what a C compiler makes of the structs", async () => {
  using folder = new Folder();
  const program = await folder.compile(folder.write("layout.c", PROGRAM), "layout");
  const { stdout } = await new Deno.Command(program).output();
  const compiled = JSON.parse(new TextDecoder().decode(stdout)) as Compiled;
  assertEquals(LAYOUTS.map(({ name: _, ...layout }) => layout), compiled.layouts);
  assertEquals(compiled.args, [20, 36]);
  assertEquals(compiled.args.every((size) => size <= ARGS_SIZE), true);
  assertEquals(compiled.timespec, { ...TIMESPEC });
  assertEquals(compiled.linger, { ...LINGER });
});

Deno.test("LAYOUTS keep results aligned, one behind the other, and everything in whole words", () => {
  for (const { sga, segment, result } of LAYOUTS) {
    assertEquals(result.size % 8, 0);
    for (const offset of [...Object.values(sga), ...Object.values(segment)]) {
      assertEquals(offset % 4, 0);
    }
  }
});
