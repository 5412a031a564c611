/**
 * Certificates for tests, made by openssl.
 *
 * @module
 */

import type { KeyPair } from "../../libos/tls/mod.ts";
import { say } from "../node/_node.ts";

/** A certificate that was issued, and where it is. */
export interface Issued extends KeyPair {
  /** The path of its certificate. */
  readonly certPath: string;
  /** The path of its key. */
  readonly keyPath: string;
}

/** A folder with a certificate of its own for each host, each of which is its own authority. */
export class Certificates implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder. */
  static async make(): Promise<Certificates> {
    return new Certificates(await Deno.makeTempDir());
  }

  /** Issues one for a host, and for 127.0.0.1. */
  async issue(host: string): Promise<Issued> {
    const [certPath, keyPath] = [`${this.#folder}/${host}.crt`, `${this.#folder}/${host}.key`];
    const { code, stderr } = await say("openssl", [
      ...["req", "-x509", "-nodes", "-days", "2", "-subj", `/CN=${host}`],
      ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-addext", `subjectAltName=DNS:${host},IP:127.0.0.1`],
      ...["-keyout", keyPath, "-out", certPath],
    ]);
    if (code !== 0) throw new Error(stderr);
    return {
      certPath,
      keyPath,
      cert: await Deno.readTextFile(certPath),
      key: await Deno.readTextFile(keyPath),
    };
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
