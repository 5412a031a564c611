import { simulate } from "../libos/sim/network.ts";
import { connected } from "./contract/world.ts";
import { SIM } from "./contract/subjects_sim.ts";
const subject = SIM[0]!; const libos = subject.open(); const peer = subject.openPeer!(libos); const world = { subject, libos, peer };
const owners = new Map(); const all = Array.from({ length: 20 }, () => connected(world));
for (const [i, { b }] of all.entries()) for (let k = 0; k < 100; k++) owners.set(b.pop(1), i);
for (const { a } of all) for (let k = 0; k < 100; k++) a.push(1);
const order: number[] = [];
while (peer.statistics().tokens > 0) { const c = peer.waitNextN(64, 2000); if (!c.length) break; for (const x of c) { (x as any).sga?.free(); order.push(owners.get(x.qt)); } }
let s = "", last = -1, n = 0; for (const o of order) { if (o !== last) { s += ` ${last}x${n}`; last = o; n = 0; } n++; } console.log(s);
