/**
 * The names of ICMP's types and codes (RFC 792, 1122, 1812; RFC 4443).
 *
 * @module
 */

const TYPES_4: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp_request: 13,
  timestamp_reply: 14,
  information_request: 15,
  information_reply: 16,
  address_mask_request: 17,
  address_mask_reply: 18,
};

const TYPES_6: Readonly<Record<string, number>> = {
  unreachable: 1,
  packet_too_big: 2,
  time_exceeded: 3,
  parameter_problem: 4,
  echo_request: 128,
  echo_reply: 129,
};

const UNREACHABLE_4: Readonly<Record<string, number>> = {
  net_unreachable: 0,
  host_unreachable: 1,
  protocol_unreachable: 2,
  port_unreachable: 3,
  frag_needed: 4,
  source_route_failed: 5,
  net_unknown: 6,
  host_unknown: 7,
  source_host_isolated: 8,
  net_prohibited: 9,
  host_prohibited: 10,
  net_unreachable_for_tos: 11,
  host_unreachable_for_tos: 12,
  packet_filtered: 13,
  precedence_violation: 14,
  precedence_cutoff: 15,
};

const UNREACHABLE_6: Readonly<Record<string, number>> = {
  no_route: 0,
  noroute: 0,
  adm_prohibited: 1,
  admin_prohibited: 1,
  not_neighbour: 2,
  beyond_scope: 2,
  addr_unreachable: 3,
  address_unreachable: 3,
  port_unreachable: 4,
  failed_policy: 5,
  reject_route: 6,
};

const TIME_EXCEEDED_4: Readonly<Record<string, number>> = {
  ttl_exceeded_in_transit: 0,
  frag_reass_exceeded: 1,
};

const TIME_EXCEEDED_6: Readonly<Record<string, number>> = {
  exceeded_hop_limit: 0,
  exceeded_frag_time: 1,
};

const PARAMETER_PROBLEM_6: Readonly<Record<string, number>> = {
  header_field: 0,
  unknown_next_header: 1,
  unknown_option: 2,
};

/** The names of the codes of a type. */
const CODES: Readonly<Record<string, Readonly<Record<4 | 6, Readonly<Record<string, number>>>>>> = {
  unreachable: { 4: UNREACHABLE_4, 6: UNREACHABLE_6 },
  time_exceeded: { 4: TIME_EXCEEDED_4, 6: TIME_EXCEEDED_6 },
  parameter_problem: { 4: {}, 6: PARAMETER_PROBLEM_6 },
};

/** The number of a type, by name or as `type_3`; null if there is none. */
export function icmpType(name: string, version: 4 | 6): number | null {
  return numbered(name, "type_") ?? (version === 4 ? TYPES_4 : TYPES_6)[name] ?? null;
}

/** The number of a code of a type, by name or as `code_1`; null if there is none. */
export function icmpCode(name: string, type: string, version: 4 | 6): number | null {
  return CODES[type]?.[version][name] ?? numbered(name, "code_");
}

/** Whether FreeBSD tells of an error that the connection was refused: for who may not be spoken to, and has no TCP. */
export function isRefusal(type: number, code: number, version: 4 | 6): boolean {
  if (version === 4) return type === 3 && [2, 3, 9, 10, 13].includes(code);
  return (type === 1 && (code === 1 || code === 4)) || (type === 4 && code === 1);
}

function numbered(name: string, prefix: string): number | null {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^\d+$/.test(digits) ? Number(digits) : null;
}
