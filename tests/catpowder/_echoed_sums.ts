/**
 * Megabytes through an echo server and back.
 *
 * @module
 */

import type { Namespace } from "../_network/namespace.ts";

/** Sends random megabytes to an echo server, and gives the SHA-256 of what was sent and of what came back. */
export async function echoedSums(
  client: Namespace,
  hostname: string,
  port: number,
  megabytes: number,
): Promise<[sent: string, received: string]> {
  const line = `head -c ${megabytes}M /dev/urandom | tee >(sha256sum >&2) | ` +
    `nc -N ${hostname} ${port} | sha256sum`;
  const command = client.command("bash", { args: ["-c", line], stdin: "null" });
  const { stdout, stderr } = await command.output();
  return [sumOf(stderr), sumOf(stdout)];
}

function sumOf(output: Uint8Array): string {
  const text = new TextDecoder().decode(output);
  const sum = /^[0-9a-f]{64}/m.exec(text)?.[0];
  if (sum === undefined) throw new Error(`no sum: ${text}`);
  return sum;
}
