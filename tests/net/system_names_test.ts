/**
 * Names as the system has them: those of hosts in `/etc/hosts`, and those of interfaces, on a host that the test makes.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Namespace } from "../_network/namespace.ts";
import { missingForNetwork } from "../_network/network.ts";
import { needing } from "../_needs.ts";

const MOD = JSON.stringify(new URL("../../mod.ts", import.meta.url));

/** What a program prints, whatever it prints it to. */
async function outputOf(command: Deno.Command): Promise<string> {
  const { stdout, stderr } = await command.output();
  return [stdout, stderr].map((one) => new TextDecoder().decode(one)).join("");
}

Deno.test({
  ...needing(missingForNetwork(), "connect() and datagrams reach a name of /etc/hosts"),
  async fn() {
    using host = new Namespace();
    const hosts = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(hosts, "127.0.0.2 four.test both.test\n2001:db8::1 both.test\n");
      const program = `
        import { connect, datagram, open, resolve, serve } from ${MOD};
        await using libos = open("catnap");
        await using server = serve({ libos, hostname: "127.0.0.2", port: 0 }, () => {});
        for (const hostname of ["four.test", "both.test"]) {
          console.log(await resolve(hostname));
          using client = await connect({ libos, hostname, port: server.addr.port });
          console.log(client.remoteAddr.hostname);
        }
        using two = datagram({ libos, hostname: "127.0.0.2" });
        using one = datagram({ libos });
        await one.push("hi", { hostname: "both.test", port: two.addr.port });
        console.log((await two.pop()).length);
        for (const hostname of ["nobody.test", "six.invalid"]) {
          const error = await connect({ libos, hostname, port: 1 }).catch((error) => error);
          console.log(error.name, typeof error.code);
        }
      `;
      const shell = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
      const args = ["-c", shell, "sh", Deno.execPath(), "eval", "--ext=js", program];
      assertEquals(
        await outputOf(host.command("sh", { args, env: { NO_COLOR: "1" } })),
        [
          '[ "127.0.0.2" ]',
          "127.0.0.2",
          '[ "2001:db8::1", "127.0.0.2" ]',
          "127.0.0.2",
          "2",
          "NotFound string",
          "NotFound string",
          "",
        ].join("\n"),
      );
    } finally {
      await Deno.remove(hosts);
    }
  },
});

Deno.test({
  ...needing(missingForNetwork(), "a zone may be an interface's name, or its index"),
  async fn() {
    using host = new Namespace();
    host.ip("link add name near type veth peer name far");
    for (const name of ["near", "far"]) {
      host.ip(`link set ${name} up`);
      host.ip(`addr add fe80::${name === "near" ? 1 : 2}/64 dev ${name} nodad`);
    }
    const program = `
      import { connect, datagram, listen, open } from ${MOD};
      import { networkInterfaces } from "node:os";
      await using libos = open("catnap");
      const { scopeid } = networkInterfaces().near.find(({ address }) => address === "fe80::1");
      for (const zone of ["near", String(scopeid)]) {
        const hostname = "fe80::1%" + zone;
        using listener = listen({ libos, hostname, port: 0 });
        const { port } = listener.addr;
        using client = await connect({ libos, hostname, port });
        using server = await listener.accept();
        console.log(listener.addr.hostname === "fe80::1%" + scopeid);
        using two = datagram({ libos, hostname });
        using one = datagram({ libos, hostname: "::" });
        await one.push("hi", { hostname: "[" + hostname + "]", port: two.addr.port });
        console.log((await two.pop()).length);
      }
      for (const zone of ["far", "nobody"]) {
        try {
          listen({ libos, hostname: "fe80::1%" + zone, port: 0 });
        } catch (error) {
          console.log(error.code, error.message);
        }
      }
    `;
    const args = ["eval", "--ext=js", program];
    const said = await outputOf(host.command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }));
    const lines = said.split("\n");
    assertEquals(lines.slice(0, 4), ["true", "2", "true", "2"], said);
    assertStringIncludes(lines[4]!, "EADDRNOTAVAIL");
    assertStringIncludes(lines[5]!, "EINVAL");
    assertStringIncludes(lines[5]!, "the zone of fe80::1%nobody must be the name or the index");
  },
});

Deno.test("connect() to a name says which permission is missing to look it up", async () => {
  const program = `
    import { connect, resolve } from ${MOD};
    for (const call of [connect, ({ hostname }) => resolve(hostname)]) {
      try {
        await call({ hostname: "host.invalid", port: 1 });
      } catch (error) {
        console.log(error instanceof Deno.errors.NotCapable, error.message);
      }
    }
    console.log(await resolve("localhost"));
  `;
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, program);
    const args = ["run", "--no-prompt", "--allow-ffi", file];
    const message = 'Cannot resolve: looking up "host.invalid" needs --allow-net=host.invalid';
    assertEquals(
      await outputOf(new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })),
      `true ${message}\ntrue ${message}\n[ "::1", "127.0.0.1" ]\n`,
    );
  } finally {
    await Deno.remove(file);
  }
});
