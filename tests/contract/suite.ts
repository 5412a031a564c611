/**
 * All cases, by topic.
 *
 * @module
 */

import type { Case } from "./case.ts";
import { ACCEPT } from "./cases/accept.ts";
import { ARGUMENTS } from "./cases/arguments.ts";
import { BACKPRESSURE } from "./cases/backpressure.ts";
import { BIND } from "./cases/bind.ts";
import { CANCEL } from "./cases/cancel.ts";
import { CLOSE } from "./cases/close.ts";
import { CONNECT } from "./cases/connect.ts";
import { COROUTINE } from "./cases/coroutine.ts";
import { SPAWN } from "./cases/spawn.ts";
import { DATAGRAM } from "./cases/datagram.ts";
import { DATAGRAM_REFUSED } from "./cases/datagram_refused.ts";
import { DUAL_STACK } from "./cases/dual_stack.ts";
import { ENDING } from "./cases/ending.ts";
import { LIFECYCLE } from "./cases/lifecycle.ts";
import { LISTEN } from "./cases/listen.ts";
import { MEMORY } from "./cases/memory.ts";
import { OWNERSHIP } from "./cases/ownership.ts";
import { OPTIONS } from "./cases/options.ts";
import { PIPE } from "./cases/pipe.ts";
import { PUSH_POP } from "./cases/push_pop.ts";
import { PUSH_POP_REFUSED } from "./cases/push_pop_refused.ts";
import { QUEUE } from "./cases/queue.ts";
import { SOCKET } from "./cases/socket.ts";
import { SOCKET_FILE } from "./cases/socket_file.ts";
import { WAIT } from "./cases/wait.ts";
import { WAIT_MANY } from "./cases/wait_many.ts";

/** See the module's description. */
export const SUITE: readonly Case[] = [
  ...LIFECYCLE,
  ...ARGUMENTS,
  ...SOCKET,
  ...BIND,
  ...SOCKET_FILE,
  ...LISTEN,
  ...ACCEPT,
  ...CONNECT,
  ...OPTIONS,
  ...PUSH_POP,
  ...PUSH_POP_REFUSED,
  ...ENDING,
  ...CLOSE,
  ...WAIT,
  ...WAIT_MANY,
  ...CANCEL,
  ...BACKPRESSURE,
  ...MEMORY,
  ...OWNERSHIP,
  ...DATAGRAM,
  ...DATAGRAM_REFUSED,
  ...DUAL_STACK,
  ...QUEUE,
  ...PIPE,
  ...COROUTINE,
  ...SPAWN,
];
