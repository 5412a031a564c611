/**
 * Where the coroutine layer listens and connects: options in the manner of Deno, as PDPIX has them.
 *
 * @module
 */

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

/** Reads an endpoint. Whether its parts are right is for the libOS to say. */
export function resolveEndpoint(
  endpoint: Endpoint,
  hostnameByDefault: string,
  inetType: "stream" | "dgram" = "stream",
): ResolvedEndpoint {
  if ("path" in endpoint) {
    const { path, type = "stream" } = endpoint;
    return { domain: "unix", type, address: { path } };
  }
  const { hostname = hostnameByDefault, port } = endpoint;
  const literal = hostname === "localhost" ? "127.0.0.1" : hostname;
  const domain = literal.includes(":") ? "inet6" : "inet";
  return { domain, type: inetType, address: { hostname: literal, port } };
}
