/**
 * Where the coroutine layer listens and connects: options in the manner of Deno, as PDPIX has them.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import { DemikernelError, inspect } from "../error.ts";
import { checkName, isLocalhost, isName, withoutBrackets } from "./names.ts";
import type { Domain, InetAddress, SocketAddress, SocketType, UnixAddress } from "../pdpix.ts";

/** A port of a host. */
export interface InetEndpoint {
  /**
   * An IPv4 or IPv6 address, also in brackets as `URL.hostname` gives it, and with a zone (`fe80::1%eth0`, RFC 4007); or
   * a name. To connect, names are looked up; to listen, only `localhost` is known, which is 127.0.0.1, and
   * {@linkcode resolve} gives the addresses of the others. Each function has its default.
   */
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

/** The kind of address that sockets of an endpoint have. */
export type AddressOf<E extends Endpoint> = E extends UnixEndpoint ? UnixAddress : InetAddress;

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
  const literal = literalOf(call, hostname);
  const domain = literal.includes(":") ? "inet6" : "inet";
  return { domain, type, address: { hostname: literal, port } };
}

/** The address of what is opened at once, when nobody can be asked for a name. */
function literalOf(call: string, hostname: string): string {
  if (!isName(hostname)) return withoutBrackets(hostname);
  if (isLocalhost(hostname)) return "127.0.0.1";
  checkName(call, hostname);
  throw new DemikernelError("EINVAL", call, {
    detail: `${inspect(hostname)} is a name, and ${call} does not wait for its addresses; ` +
      "resolve() gives them",
  });
}

/** Throws {@linkcode DemikernelError} `EINVAL` for what is no port, before a name is looked up. */
export function checkPort(call: string, port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return;
  throw new DemikernelError("EINVAL", call, {
    detail: `a port must be an integer from 0 to 65535, not ${inspect(port)}`,
  });
}
