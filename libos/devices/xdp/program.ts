/**
 * The program that decides what of an interface is the libOS's: ARP and neighbour discovery for its addresses, and IP to
 * them. All else passes to the kernel.
 *
 * @module
 */

import type { IpAddress } from "../../inetstack/ip_address.ts";

/** Offsets in a frame: in an Ethernet header, and behind it in ARP, IPv4, IPv6 and ICMPv6. */
const FRAME = {
  TYPE: 12,
  HEADER: 14,
  ARP: { SENDER: 28, TARGET: 38, END: 42 },
  IPV4: { DESTINATION: 30, END: 34 },
  IPV6: { NEXT_HEADER: 20, DESTINATION: 38, END: 54 },
  NEIGHBOUR: { TYPE: 54, TARGET: 62, END: 78 },
} as const;

const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;

/** What redirects a frame to the socket of the queue that it came by; without one it passes. */
export function takeByMap(map: number): string {
  return `
    r1 = map ${map}
    r2 = *(u32 *)(r6 + 16)           // rx_queue_index
    r3 = 2                           // XDP_PASS
    call 51                          // bpf_redirect_map
    exit`;
}

/** The program for addresses, which does what `take` says with what is theirs. Words are compared as they lie. */
export function filterFor(addresses: readonly IpAddress[], take: string): string {
  const four = addresses.filter(({ version }) => version === 4);
  const six = addresses.filter(({ version }) => version === 6);
  return `
    r6 = r1
    r2 = *(u32 *)(r1 + 0)            // data
    r3 = *(u32 *)(r1 + 4)            // data_end
    ${within(FRAME.HEADER)}
    r5 = *(u16 *)(r2 + ${FRAME.TYPE})
    if r5 == 0x0608 goto arp
    if r5 == 0x0008 goto ipv4
    if r5 == 0xdd86 goto ipv6
    goto pass

  arp:
    ${within(FRAME.ARP.END)}
    r4 = *(u32 *)(r2 + ${FRAME.ARP.TARGET})
    ${four.map(({ w3 }) => `if w4 == ${w3} goto take`).join("\n")}
    r4 = *(u32 *)(r2 + ${FRAME.ARP.SENDER})
    ${four.map(({ w3 }) => `if w4 == ${w3} goto take`).join("\n")}
    goto pass

  ipv4:
    ${within(FRAME.IPV4.END)}
    r4 = *(u32 *)(r2 + ${FRAME.IPV4.DESTINATION})
    ${four.map(({ w3 }) => `if w4 == ${w3} goto take`).join("\n")}
    goto pass

  ipv6:
    ${within(FRAME.IPV6.END)}
    ${anyOf("destination", six, FRAME.IPV6.DESTINATION)}
    r4 = *(u8 *)(r2 + ${FRAME.IPV6.NEXT_HEADER})
    if r4 != ${ICMPV6} goto pass
    ${within(FRAME.NEIGHBOUR.END)}
    r4 = *(u8 *)(r2 + ${FRAME.NEIGHBOUR.TYPE})
    if r4 == ${SOLICITATION} goto neighbour
    if r4 != ${ADVERTISEMENT} goto pass
  neighbour:
    ${anyOf("target", six, FRAME.NEIGHBOUR.TARGET)}

  pass:
    r0 = 2
    exit

  take:
    ${take}`;
}

/** The frame has so many bytes, or passes: the verifier wants to see that before they are read. */
function within(bytes: number): string {
  return `
    r4 = r2
    r4 += ${bytes}
    if r4 > r3 goto pass`;
}

/** Takes the frame if one of the addresses is at a place. */
function anyOf(what: string, addresses: readonly IpAddress[], at: number): string {
  const words = `
    r4 = *(u32 *)(r2 + ${at})
    r5 = *(u32 *)(r2 + ${at + 4})
    r7 = *(u32 *)(r2 + ${at + 8})
    r8 = *(u32 *)(r2 + ${at + 12})`;
  const each = addresses.map(({ w0, w1, w2, w3 }, i) => `
    if w4 != ${w0} goto ${what}${i}
    if w5 != ${w1} goto ${what}${i}
    if w7 != ${w2} goto ${what}${i}
    if w8 == ${w3} goto take
  ${what}${i}:`);
  return words + each.join("\n");
}
