/**
 * Where the coroutine layer listens and connects: options in the manner of Deno, as PDPIX has them.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import type { Domain, SocketAddress, SocketType } from "../pdpix.ts";

/** A port of a host. */
export interface InetEndpoint {
  /** An IPv4 or IPv6 address, or `localhost`, which is 127.0.0.1. Each function has its default. */
  readonly hostname?: string;
  /** 0 to 65535; to listen, 0 lets the libOS choose. */
  readonly port: number;
}

/** A Unix socket. */
export interface UnixEndpoint {
  /** Its path; a leading NUL makes it abstract. */
  readonly path: string;
  /** Whether it carries records (`seqpacket`) or bytes (`stream`, the default). */
  readonly type?: "stream" | "seqpacket";
}

/** Where to listen, or connect to. */
export type Endpoint = InetEndpoint | UnixEndpoint;

/** An endpoint as PDPIX has it. */
export interface ResolvedEndpoint {
  /** The domain of the socket. */
  readonly domain: Domain;
  /** Its type. */
  readonly type: SocketType;
  /** Its address. */
  readonly address: SocketAddress;
}

/** Reads an endpoint. What is of the right kind is for the libOS to judge. */
export function resolveEndpoint(
  call: string,
  endpoint: Endpoint,
  hostnameByDefault: string,
): ResolvedEndpoint {
  checkOptions(call, endpoint, { hostname: "a string", path: "a string", type: "a string" });
  const { hostname = hostnameByDefault, port, path, type = "stream" } = endpoint as
    & InetEndpoint
    & Partial<UnixEndpoint>;
  if (path !== undefined) return { domain: "unix", type, address: { path } };
  const literal = hostname === "localhost" ? "127.0.0.1" : hostname;
  const domain = literal.includes(":") ? "inet6" : "inet";
  return { domain, type, address: { hostname: literal, port } };
}
