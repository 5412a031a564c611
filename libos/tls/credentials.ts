/**
 * Who a side of TLS is, and whom it trusts.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { DemikernelError } from "../error.ts";

/** A certificate and its key, in PEM. */
export interface KeyPair {
  /** The certificate, and those that lead to a known authority. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/**
 * Gives the certificate for the host that a client asks for, or for null if it named none. It is asked for each
 * connection: what it gives may change.
 */
export type KeyPairOf = (servername: string | null) => KeyPair;

/** Certificates of authorities, in PEM: one or more in each string. */
export type Authorities = string | readonly string[];

/** Makes contexts of key pairs, once for each as long as it is the same object. */
export class Contexts {
  readonly #call: string;
  readonly #ca: Authorities | undefined;
  readonly #made = new WeakMap<KeyPair, SecureContext>();

  /** For a call, as errors name it; with authorities that are trusted in place of the usual ones. */
  constructor(call: string, ca: Authorities | undefined) {
    this.#call = call;
    this.#ca = ca;
  }

  /** The context of a key pair. Throws {@linkcode DemikernelError} `EINVAL` for what is none. */
  of(pair: KeyPair): SecureContext {
    let context = this.#made.get(pair);
    if (context === undefined) {
      checkPem(this.#call, "cert", pair?.cert);
      checkPem(this.#call, "key", pair.key);
      const { cert, key } = pair;
      checkMatch(this.#call, cert, key);
      context = createSecureContext({ cert, key, ...authorities(this.#ca) });
      this.#made.set(pair, context);
    }
    return context;
  }
}

/** Refuses what is no PEM, without showing it: it may be a key all the same. */
function checkPem(call: string, name: string, value: unknown): void {
  if (typeof value === "string" && value.includes("-----BEGIN ")) return;
  throw new DemikernelError("EINVAL", call, { detail: `${name} must be a string in PEM` });
}

/** Refuses a key that is not that of the certificate: Node would say so to the first client. */
function checkMatch(call: string, cert: string, key: string): void {
  let matches: boolean;
  try {
    matches = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    const detail = `cert or key cannot be read: ${(cause as Error).message}`;
    throw new DemikernelError("EINVAL", call, { detail, cause });
  }
  if (!matches) throw new DemikernelError("EINVAL", call, { detail: "key is not that of cert" });
}

/** Authorities as `node:tls` takes them; nothing if the usual ones are meant. */
export function authorities(ca: Authorities | undefined): { ca?: string[] } {
  return ca === undefined ? {} : { ca: [ca].flat() as string[] };
}
