/**
 * Preloaded into a server whose memory is measured: on SIGUSR2 it collects all garbage and gives what is
 * free back to the system, which a server cannot be asked for otherwise. It needs `--v8-flags=--expose-gc`.
 *
 * @module
 */

declare const gc: (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

function collect(): void {
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
}

Deno.addSignalListener("SIGUSR2", () => {
  collect();
  // What the first one found unreachable may have held more, by way of finalizers.
  setTimeout(collect, 50);
});
