/**
 * Names of hosts: what is one, and which addresses it has.
 *
 * @module
 */

import { isIP, isIPv6 } from "node:net";
import { checkKind, checkOptions } from "../check.ts";
import { DemikernelError, inspect } from "../error.ts";

/** A family of addresses: IPv4 or IPv6. */
export type Family = 4 | 6;

/**
 * Looks a name up: gives its addresses of one family, the best first. It may give none, or reject, where there are none.
 */
export type Resolver = (hostname: string, family: Family) => PromiseLike<readonly string[]>;

/** Who looks names up. */
export interface ResolverOption {
  /**
   * What looks up names that are not `localhost`. By default it is the system's resolver, as programs in C have it by
   * `getaddrinfo`: with `/etc/hosts`, and all that the system was told. It needs `--allow-net` for the name.
   */
  readonly resolver?: Resolver;
}

/** How to look a name up. */
export interface ResolveOptions extends ResolverOption {
  /** The only family to ask for; both by default. */
  readonly family?: Family;
}

/** The addresses of this host that lead nowhere else (RFC 6761, section 6.3: no resolver is asked). */
const LOOPBACK: Readonly<Record<Family, string>> = { 4: "127.0.0.1", 6: "::1" };
const LOCALHOST = /^(.+\.)?localhost\.?$/i;
/** Letters, digits and hyphens, as URLs have it (RFC 1123, section 2.1), and underscores, which some names have. */
const NAME =
  /^(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
/** The other forms of numbers that the system's resolver would take for addresses. */
const NUMBER = /(^|\.)(\d+\.|0x[0-9a-f]*\.?)$/i;

/**
 * Whether a host is told by its name: else it is an address, or nothing. Addresses have a colon, or end in a number (WHATWG
 * URL, "ends in a number checker"). It is asked of each datagram's address, so it looks no further than it has to.
 */
export function isName(hostname: string): boolean {
  const { length } = hostname;
  let end = length - 1;
  while (end >= 0 && isDigit(hostname.charCodeAt(end))) end--;
  const number = end < length - 1 && (end < 0 || hostname[end] === ".");
  return !number && !hostname.includes(":");
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Whether a name is one of this host's own. */
export function isLocalhost(hostname: string): boolean {
  return LOCALHOST.test(hostname);
}

/** An address without the brackets that `URL.hostname` puts around one of IPv6 (RFC 3986, section 3.2.2). */
export function withoutBrackets(hostname: string): string {
  const inner = hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : "";
  return isIPv6(inner) ? inner : hostname;
}

/** Throws {@linkcode DemikernelError} `EINVAL` for what is no name, before anybody is asked for it. */
export function checkName(call: string, hostname: string): void {
  if (!NAME.test(hostname) || NUMBER.test(hostname)) throw noHost(call, hostname);
}

function noHost(call: string, hostname: string): DemikernelError {
  return new DemikernelError("EINVAL", call, {
    detail: `${inspect(hostname)} is no address, and no name of a host`,
  });
}

/**
 * Looks a name up that was checked, for one family.
 *
 * @throws {Deno.errors.NotFound} If it has no address of it.
 * @throws {Deno.errors.NotCapable} Without the permission.
 */
export async function lookUp(
  hostname: string,
  family: Family,
  resolver: Resolver = systemResolver,
): Promise<readonly string[]> {
  if (isLocalhost(hostname)) return [LOOPBACK[family]];
  const found = await resolver(hostname, family);
  if (found.length > 0) return found;
  throw notFound(hostname, "ENOTFOUND");
}

/**
 * Gives the addresses of a host: those of IPv6 first, as connections try them. An address is given back as it is,
 * without brackets, and `localhost` is not asked for.
 *
 * {@linkcode connect} and datagrams look names up by themselves. This is for what is opened at once, such as
 * {@linkcode listen}, and for who sends many datagrams to one name.
 *
 * @throws {DemikernelError} `EINVAL` for what is neither an address nor a name.
 * @throws {Deno.errors.NotFound} If it has no address; its `code` is that of the resolver, such as `ENOTFOUND`.
 * @throws {Deno.errors.NotCapable} If the permission for the name is missing: `--allow-net=NAME`.
 *
 * @example Listen at a name
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { listen, open, resolve } from "@demikernel/deno";
 *
 * const [hostname] = await resolve("localhost", { family: 4 });
 * await using libos = open("catnap");
 * using listener = listen({ libos, hostname: hostname!, port: 0 });
 * assertEquals(listener.addr.hostname, "127.0.0.1");
 * ```
 */
export async function resolve(hostname: string, options: ResolveOptions = {}): Promise<string[]> {
  checkKind("resolve", "hostname", hostname, "a string");
  checkOptions("resolve", options, { resolver: "a function" });
  const { family, resolver } = options;
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new DemikernelError("EINVAL", "resolve", {
      detail: `family must be 4 or 6, not ${inspect(family)}`,
    });
  }
  const literal = withoutBrackets(hostname);
  if (!isName(literal)) {
    if (!isIP(literal)) throw noHost("resolve", literal);
    return [literal];
  }
  checkName("resolve", hostname);
  const families = family === undefined ? [6, 4] as const : [family];
  const answers = await Promise.allSettled(families.map((one) => lookUp(hostname, one, resolver)));
  const found = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
  const failed = answers.find((answer) => answer.status === "rejected");
  if (found.length === 0 && failed) throw failed.reason;
  return found;
}

/**
 * The system's resolver. Deno's own, `Deno.resolveDns`, asks name servers by itself, and knows nothing of `/etc/hosts`
 * and what else a system was told.
 */
async function systemResolver(hostname: string, family: Family): Promise<readonly string[]> {
  // Not before it is needed: whoever imports this by way of `mod.ts` may never be.
  const { lookup } = await import("node:dns/promises");
  try {
    const found = await lookup(hostname, { family, all: true });
    return found.map(({ address }) => address);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EPERM") {
      throw Object.assign(
        new Deno.errors.NotCapable(
          `Cannot resolve: looking up ${inspect(hostname)} needs --allow-net=${hostname}`,
          { cause: error },
        ),
        { code },
      );
    }
    throw notFound(hostname, code ?? "ENOTFOUND", error);
  }
}

function notFound(hostname: string, code: string, cause?: unknown): Error {
  const message = `Cannot resolve: no address of ${inspect(hostname)} was found (${code})`;
  return Object.assign(new Deno.errors.NotFound(message, { cause }), { code });
}
