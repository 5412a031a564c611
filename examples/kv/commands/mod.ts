/**
 * All commands there are.
 *
 * To add a family, write a file that exports its declarations, and name it here.
 *
 * @module
 */
import { CommandTable } from "../command.ts";
import { clientCommands } from "./client.ts";
import { commandCommands } from "./command.ts";
import { connectionCommands } from "./connection.ts";
import { expiryCommands } from "./expiry.ts";
import { keyCommands } from "./keys.ts";
import { serverCommands } from "./server.ts";
import { stringCommands } from "./strings.ts";

/** The commands by name. */
export const COMMANDS: CommandTable = new CommandTable([
  ...stringCommands,
  ...keyCommands,
  ...expiryCommands,
  ...connectionCommands,
  ...clientCommands,
  ...serverCommands,
  ...commandCommands(() => COMMANDS),
]);
