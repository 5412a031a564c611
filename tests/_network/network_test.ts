/**
 * Hosts on a wire, and that nothing is left of them.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { needing } from "../_needs.ts";
import { Namespace } from "./namespace.ts";
import { DEVICE, KERNEL, missingForNetwork, Network } from "./network.ts";

const missing = missingForNetwork();

function networkTest(name: string, run: () => Promise<void> | void): void {
  Deno.test({ ...needing(missing, name), fn: run });
}

function namespaceOf(path: string): string {
  return Deno.readLinkSync(path);
}

const HERE = "/proc/thread-self/ns/net";

async function devices(host: Namespace): Promise<string[]> {
  const args = ["/sys/class/net"];
  const { stdout } = await host.command("ls", { args }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

networkTest("a namespace has its loopback alone, and this thread stays where it is", async () => {
  const before = namespaceOf(HERE);
  using host = new Namespace();
  assertEquals(await devices(host), ["lo"]);
  assertEquals(namespaceOf(HERE), before);
});

networkTest("a network has a device on either host, and the kernel's address on one", async () => {
  using network = new Network();
  const { libos, kernel } = network;
  assertEquals(await devices(libos), ["lo", DEVICE]);
  assertEquals(await devices(kernel), ["lo", DEVICE]);
  const args = ["-brief", "address", "show", DEVICE];
  const addresses = await Promise.all(
    [libos, kernel].map((host) => host.command("ip", { args }).output()),
  );
  const [without, having] = addresses.map(({ stdout }) => new TextDecoder().decode(stdout));
  assertEquals(without!.includes("/"), false);
  assertStringIncludes(having!, `${KERNEL.address}/24`);
});

networkTest("a namespace is gone when it is disposed of", () => {
  let path: string;
  {
    using host = new Namespace();
    path = host.path;
    assertStringIncludes(namespaceOf(path), "net:[");
  }
  assertEquals(existing(path), false);
});

networkTest("what fails to be made says why", () => {
  using host = new Namespace();
  let message = "";
  try {
    host.ip("link set nowhere up");
  } catch (error) {
    message = (error as Error).message;
  }
  assertStringIncludes(message, '"ip link set nowhere up" failed');
});

function existing(path: string): boolean {
  try {
    Deno.readLinkSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
