/**
 * Constants and layouts, against what the C compiler of this system says of its headers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import * as constants from "../../ffi/libc/constants.ts";
import { ARPHRD_ETHER, IFF, IFREQ, INTERFACE_NAME_MAX, REQUEST } from "../../ffi/libc/ifreq.ts";
import { DATA_WORD, EVENT_WORDS, makeEpollEvent } from "../../ffi/libc/epoll_event.ts";
import {
  encodeLinkAddress,
  encodeMembership,
  encodeRing,
  MMSGHDR_WORDS,
  PACKET,
  PACKET_MR,
  PACKET_STATISTICS,
  TP_STATUS,
  TPACKET2,
  TPACKET2_FRAME,
  TPACKET_V2,
} from "../../ffi/libc/packet.ts";
import { MESSAGE, MessageHeader } from "../../ffi/libc/msghdr.ts";
import { decodeSockaddr, encodeSockaddr, SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { CONTROL } from "../../ffi/libc/rights.ts";
import {
  encodeXdpAddress,
  XDP,
  XDP_BIND,
  XDP_DESC,
  XDP_OFFSETS,
  XDP_PGOFF,
  XDP_RING_NEED_WAKEUP,
  XDP_STATISTICS,
} from "../../ffi/libc/xdp.ts";
import { Words } from "../../ffi/libc/words.ts";
import { Errno } from "../../libos/error.ts";
import { COMPILER, missingCompiler, needing } from "../_needs.ts";

/** C expressions, by what we say that they are. */
function expectations(): Map<string, number> {
  const expected = new Map<string, number>([["CLOCK_MONOTONIC", constants.CLOCK_MONOTONIC]]);
  const { AF, SOCK, MSG, SHUT, EFD, SOL, SO, TCP, IP, IPV6, EPOLL } = constants;
  const { O, PROT, MAP, EBADFD, TFD, MFD, F, SEEK_END, SCM_RIGHTS } = constants;
  const tables = {
    ...{ AF, SOCK, MSG, SHUT, EFD, SOL, SO, TCP, IP, IPV6, O, PROT, MAP, PACKET },
    ...{ TFD, MFD, F, XDP, XDP_PGOFF: { RX_RING: 0, TX_RING: XDP_PGOFF.TX_RING } },
  };
  for (const [prefix, table] of Object.entries(tables)) {
    for (const [name, value] of Object.entries(table)) expected.set(`${prefix}_${name}`, value);
  }
  for (const [name, value] of Object.entries(EPOLL)) {
    const call = name.startsWith("CTL_") || name === "CLOEXEC";
    expected.set(call ? `EPOLL_${name}` : `(uint32_t)EPOLL${name}`, value);
  }
  for (const [name, value] of Object.entries(Errno)) expected.set(name, value);

  for (const [name, value] of Object.entries(PACKET_MR)) expected.set(`PACKET_MR_${name}`, value);
  for (const [name, value] of Object.entries(TP_STATUS)) {
    expected.set(`TP_STATUS_${name.replace("CSUM_NOT_READY", "CSUMNOTREADY")}`, value);
  }
  expected.set("EBADFD", EBADFD).set("TPACKET_V2", TPACKET_V2);
  expected.set("SEEK_END", SEEK_END).set("SCM_RIGHTS", SCM_RIGHTS);
  for (const [name, value] of Object.entries(XDP_BIND)) expected.set(`XDP_${name}`, value);

  const { IN, IN6, UN } = SOCKADDR;
  const layouts: Record<string, number> = {
    "offsetof(struct sockaddr_in, sin_family)": SOCKADDR.FAMILY,
    "offsetof(struct sockaddr_in, sin_port)": IN.PORT,
    "offsetof(struct sockaddr_in, sin_addr)": IN.ADDRESS,
    "sizeof(struct sockaddr_in)": IN.SIZE,
    "offsetof(struct sockaddr_in6, sin6_family)": SOCKADDR.FAMILY,
    "offsetof(struct sockaddr_in6, sin6_port)": IN6.PORT,
    "offsetof(struct sockaddr_in6, sin6_addr)": IN6.ADDRESS,
    "offsetof(struct sockaddr_in6, sin6_scope_id)": IN6.SCOPE,
    "sizeof(struct sockaddr_in6)": IN6.SIZE,
    "offsetof(struct sockaddr_un, sun_family)": SOCKADDR.FAMILY,
    "offsetof(struct sockaddr_un, sun_path)": UN.PATH,
    "sizeof(((struct sockaddr_un *)0)->sun_path)": UN.PATH_MAX,
    "sizeof(struct sockaddr_un)": UN.SIZE,
    "offsetof(struct msghdr, msg_name)": 8 * MESSAGE.NAME,
    "offsetof(struct msghdr, msg_namelen)": 8 * MESSAGE.NAME_LENGTH,
    "offsetof(struct msghdr, msg_iov)": 8 * MESSAGE.VECTOR,
    "offsetof(struct msghdr, msg_iovlen)": 8 * MESSAGE.VECTOR_LENGTH,
    "sizeof(struct msghdr)": 8 * MESSAGE.SIZE,
    "sizeof(struct iovec)": 8 * MESSAGE.SEGMENT_SIZE,
    "offsetof(struct msghdr, msg_control)": 8 * MESSAGE.CONTROL,
    "offsetof(struct msghdr, msg_controllen)": 8 * MESSAGE.CONTROL_LENGTH,
    "offsetof(struct cmsghdr, cmsg_len)": CONTROL.LENGTH,
    "offsetof(struct cmsghdr, cmsg_level)": CONTROL.LEVEL,
    "offsetof(struct cmsghdr, cmsg_type)": CONTROL.TYPE,
    "CMSG_LEN(0)": CONTROL.DATA,
    "CMSG_LEN(sizeof(int))": CONTROL.SIZE,
    "XDP_UMEM_PGOFF_FILL_RING": XDP_PGOFF.FILL_RING,
    "XDP_UMEM_PGOFF_COMPLETION_RING": XDP_PGOFF.COMPLETION_RING,
    "XDP_RING_NEED_WAKEUP": XDP_RING_NEED_WAKEUP,
    "sizeof(struct xdp_mmap_offsets)": XDP_OFFSETS.SIZE,
    "offsetof(struct xdp_mmap_offsets, rx)": XDP_OFFSETS.RX,
    "offsetof(struct xdp_mmap_offsets, tx)": XDP_OFFSETS.TX,
    "offsetof(struct xdp_mmap_offsets, fr)": XDP_OFFSETS.FILL,
    "offsetof(struct xdp_mmap_offsets, cr)": XDP_OFFSETS.COMPLETION,
    "offsetof(struct xdp_ring_offset, producer)": XDP_OFFSETS.PRODUCER,
    "offsetof(struct xdp_ring_offset, consumer)": XDP_OFFSETS.CONSUMER,
    "offsetof(struct xdp_ring_offset, desc)": XDP_OFFSETS.DESCRIPTORS,
    "offsetof(struct xdp_ring_offset, flags)": XDP_OFFSETS.FLAGS,
    "offsetof(struct xdp_desc, addr)": XDP_DESC.ADDRESS,
    "offsetof(struct xdp_desc, len)": XDP_DESC.LENGTH,
    "offsetof(struct xdp_desc, options)": XDP_DESC.OPTIONS,
    "sizeof(struct xdp_desc)": XDP_DESC.SIZE,
    "offsetof(struct xdp_statistics, rx_dropped)": 8 * XDP_STATISTICS.RX_DROPPED,
    "offsetof(struct xdp_statistics, rx_ring_full)": 8 * XDP_STATISTICS.RX_RING_FULL,
    "sizeof(struct xdp_statistics)": 8 * XDP_STATISTICS.SIZE,
    "offsetof(struct iovec, iov_base)": 0,
    "offsetof(struct iovec, iov_len)": 8,
    "IOV_MAX": MESSAGE.SEGMENTS_MAX,
    "offsetof(struct epoll_event, events)": 0,
    "offsetof(struct epoll_event, data)": 4 * DATA_WORD,
    "sizeof(struct epoll_event)": 4 * EVENT_WORDS,
    "sizeof(struct timespec)": 16,
    "offsetof(struct timespec, tv_nsec)": 8,
    "offsetof(struct linger, l_linger)": 4,
    "sizeof(struct linger)": 8,
    "offsetof(struct ip_mreq, imr_interface)": 4,
    "sizeof(struct ip_mreq)": 8,
    "offsetof(struct ipv6_mreq, ipv6mr_interface)": 16,
    "sizeof(struct ipv6_mreq)": 20,
    "offsetof(struct tpacket2_hdr, tp_status)": TPACKET2.STATUS,
    "offsetof(struct tpacket2_hdr, tp_len)": TPACKET2.LENGTH,
    "offsetof(struct tpacket2_hdr, tp_snaplen)": TPACKET2.CAPTURED,
    "offsetof(struct tpacket2_hdr, tp_mac)": TPACKET2.MAC,
    "offsetof(struct tpacket2_hdr, tp_vlan_tci)": TPACKET2.VLAN,
    "TPACKET_ALIGN(TPACKET2_HDRLEN + 16) - ETH_HLEN": TPACKET2_FRAME,
    "offsetof(struct tpacket_stats, tp_packets)": 4 * PACKET_STATISTICS.PACKETS,
    "offsetof(struct tpacket_stats, tp_drops)": 4 * PACKET_STATISTICS.DROPS,
    "sizeof(struct tpacket_stats)": 4 * PACKET_STATISTICS.SIZE,
    "sizeof(struct mmsghdr)": 8 * MMSGHDR_WORDS,
    "offsetof(struct mmsghdr, msg_hdr)": 0,
    "sizeof(struct ifreq)": IFREQ.SIZE,
    "offsetof(struct ifreq, ifr_ifindex)": IFREQ.VALUE,
    "offsetof(struct ifreq, ifr_hwaddr.sa_data)": IFREQ.ADDRESS,
    "IFNAMSIZ - 1": INTERFACE_NAME_MAX,
    "SIOCGIFFLAGS": Number(REQUEST.SIOCGIFFLAGS),
    "SIOCGIFMTU": Number(REQUEST.SIOCGIFMTU),
    "SIOCGIFHWADDR": Number(REQUEST.SIOCGIFHWADDR),
    "SIOCGIFINDEX": Number(REQUEST.SIOCGIFINDEX),
    "TUNSETIFF": Number(REQUEST.TUNSETIFF),
    "IFF_TAP | IFF_NO_PI": IFF.TAP | IFF.NO_PI,
    "IFF_UP": IFF.UP,
    "ARPHRD_ETHER": ARPHRD_ETHER,
    "sizeof(socklen_t)": 4,
    "sizeof(size_t)": 8,
  };
  for (const [expression, value] of Object.entries(layouts)) expected.set(expression, value);
  return expected;
}

const HEADERS = [
  "arpa/inet.h",
  "errno.h",
  "fcntl.h",
  "limits.h",
  "linux/if_ether.h",
  "linux/if_packet.h",
  "linux/if_xdp.h",
  "linux/if_tun.h",
  "net/if.h",
  "net/if_arp.h",
  "netinet/in.h",
  "netinet/tcp.h",
  "stddef.h",
  "stdint.h",
  "stdio.h",
  "sys/epoll.h",
  "sys/eventfd.h",
  "sys/ioctl.h",
  "sys/mman.h",
  "sys/socket.h",
  "sys/timerfd.h",
  "sys/uio.h",
  "sys/un.h",
  "time.h",
  "unistd.h",
];

/** Compiles and runs the body of a C `main`; gives the lines that it said. */
async function runC(body: string): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    const source = `#define _GNU_SOURCE\n${HEADERS.map((h) => `#include <${h}>\n`).join("")}
      int main(void) { ${body} return 0; }`;
    await Deno.writeTextFile(`${directory}/main.c`, source);
    const decoder = new TextDecoder();
    const compiled = await new Deno.Command(COMPILER, {
      args: ["-o", `${directory}/main`, `${directory}/main.c`],
    }).output();
    assertEquals(compiled.code, 0, decoder.decode(compiled.stderr));
    const { stdout } = await new Deno.Command(`${directory}/main`).output();
    return decoder.decode(stdout).trimEnd().split("\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const missing = missingCompiler();

Deno.test({
  ...needing(missing, "constants and layouts are those of the C headers"),
  async fn() {
    const expected = expectations();
    const print = [...expected.keys()].map((one) => `printf("%lld\\n", (long long)(${one}));`);
    const actual = await runC(print.join("\n"));
    assertEquals(
      Object.fromEntries([...expected.keys()].map((one, i) => [one, Number(actual[i])])),
      Object.fromEntries(expected),
    );
  },
});

/** A structure that C fills, and the bytes that we make of the same. */
const STRUCTURES: readonly (readonly [name: string, c: string, bytes: Uint8Array])[] = [
  [
    "sockaddr_ll",
    `struct sockaddr_ll it = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
       .sll_ifindex = 259 };`,
    encodeLinkAddress(259),
  ],
  [
    "packet_mreq",
    `struct packet_mreq it = { .mr_ifindex = 259, .mr_type = PACKET_MR_UNICAST, .mr_alen = 6,
       .mr_address = { 2, 0, 0, 0, 0, 7 } };`,
    encodeMembership(259, PACKET_MR.UNICAST, Uint8Array.of(2, 0, 0, 0, 0, 7)),
  ],
  [
    "tpacket_req",
    `struct tpacket_req it = { .tp_block_size = 65536, .tp_block_nr = 32, .tp_frame_size = 2048,
       .tp_frame_nr = 1024 };`,
    encodeRing(65_536, 32, 2048),
  ],
  [
    "sockaddr_xdp",
    `struct sockaddr_xdp it = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = 259,
       .sxdp_queue_id = 3 };`,
    encodeXdpAddress(259, 3, XDP_BIND.COPY),
  ],
  [
    "sockaddr_in",
    `struct sockaddr_in it = { .sin_family = AF_INET, .sin_port = htons(8080) };
     inet_pton(AF_INET, "192.0.2.7", &it.sin_addr);`,
    encodeSockaddr({ address: Uint8Array.of(192, 0, 2, 7), port: 8080, scope: 0 }),
  ],
  [
    "sockaddr_in6",
    `struct sockaddr_in6 it = { .sin6_family = AF_INET6, .sin6_port = htons(65535),
       .sin6_scope_id = 0xfedcba98 };
     inet_pton(AF_INET6, "fe80::1:2", &it.sin6_addr);`,
    encodeSockaddr({
      address: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2),
      port: 65535,
      scope: 0xfedcba98,
    }),
  ],
  [
    "epoll_event",
    `struct epoll_event it;
     __builtin_memset(&it, 0, sizeof it);
     it.events = EPOLLIN | EPOLLET;
     it.data.u64 = 4000000000u;`,
    makeEpollEvent(constants.EPOLL.IN | constants.EPOLL.ET, 4000000000),
  ],
];

for (const [name, c, bytes] of STRUCTURES) {
  Deno.test({
    ...needing(missing, `struct ${name} is laid out as C does`),
    async fn() {
      const [line] = await runC(`${c}
        for (size_t i = 0; i < sizeof it; i++) printf("%d ", ((unsigned char *)&it)[i]);`);
      assertEquals(line!.trim().split(" ").map(Number), [...bytes]);
    },
  });
}

Deno.test("encodeSockaddr() and decodeSockaddr() are inverse", () => {
  const text = new TextEncoder();
  for (
    const parts of [
      { address: Uint8Array.of(127, 0, 0, 1), port: 0, scope: 0 },
      { address: Uint8Array.of(255, 255, 255, 255), port: 65535, scope: 0 },
      { address: new Uint8Array(16).fill(0xab), port: 443, scope: 2 ** 32 - 1 },
      { path: text.encode("/tmp/socket") },
      { path: text.encode("\0abstract") },
      { path: new Uint8Array(0) },
    ]
  ) {
    assertEquals(decodeSockaddr(encodeSockaddr(parts)), parts);
  }
});

Deno.test("encodeSockaddr() ends a path in NUL, and an abstract name where it ends", () => {
  const length = (path: string) => encodeSockaddr({ path: new TextEncoder().encode(path) }).length;
  assertEquals([length("/a"), length("\0a"), length("")], [2 + 3, 2 + 2, 2]);
});

Deno.test("decodeSockaddr() reads a path that fills the structure, and one with rubbish after it", () => {
  const full = new Uint8Array(SOCKADDR.UN.SIZE).fill(0x78);
  full.set([constants.AF.UNIX, 0]);
  const parts = decodeSockaddr(full);
  assert("path" in parts);
  assertEquals(parts.path.length, SOCKADDR.UN.PATH_MAX);
  full[5] = 0;
  const cut = decodeSockaddr(full);
  assertEquals("path" in cut && cut.path.length, 3);
});

Deno.test("Words.set() writes numbers below 2⁵³ as 64-bit integers", () => {
  const words = new Words(2);
  for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47 + 5, Number.MAX_SAFE_INTEGER]) {
    words.set(1, value);
    assertEquals([...words.u64], [0n, BigInt(value)]);
  }
});

Deno.test("MessageHeader names its segments and where they go, and forgets them", () => {
  let memory = new Uint8Array(0);
  const header = new MessageHeader((bytes) => (memory = bytes, 4096));
  const words = () => [...new BigUint64Array(memory.buffer, 0, 12)];
  header.setName(70_000, 16);
  header.addSegment(2 ** 40, 7);
  header.addSegment(5, 2 ** 30);
  const vector = BigInt(4096 + 8 * MESSAGE.SIZE);
  assertEquals(
    words(),
    [70_000n, 16n, vector, 2n, 0n, 0n, 0n, 2n ** 40n, 7n, 5n, 2n ** 30n, 0n],
  );
  header.clear();
  assertEquals(words().slice(0, 4), [0n, 0n, vector, 0n]);
  assertEquals(header.segments, 0);
});
