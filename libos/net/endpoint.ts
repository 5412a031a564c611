/**
 * Where the coroutine layer listens and connects: options in the manner of Deno, as PDPIX has them.
 *
 * @module
 */

import { type LibOSName, open } from "../open.ts";
import type { Domain, LibOS, SocketAddress, SocketType } from "../pdpix.ts";

/** Which libOS to use. */
export interface LibOSOption {
  /**
   * An open libOS, or the name of one, which is then opened, and closed with what it was opened for.
   *
   * @default {"catnap"}
   */
  readonly libos?: LibOS | LibOSName;
}

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

/** A libOS, and whether it goes with what it was taken for. */
export class Lease {
  /** The libOS. */
  readonly libos: LibOS;
  readonly #owned: boolean;

  /** Takes the libOS that is given, or opens it. Throws as {@linkcode open}. */
  constructor({ libos = "catnap" }: LibOSOption) {
    this.#owned = typeof libos === "string";
    this.libos = typeof libos === "string" ? open({ libos }) : libos;
  }

  /** Closes the libOS if it was opened here. */
  async end(): Promise<void> {
    if (this.#owned) await this.libos.exit();
  }
}
