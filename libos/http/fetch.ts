import type { SocketAddress } from "../pdpix.ts";
import type { HttpRequest } from "./request.ts";
import type { Answered } from "./session.ts";
export type FetchHandler<A extends SocketAddress> = (request: Request, info: { remoteAddr: A }) => Response | Promise<Response>;
export function fetchTier(_handler: FetchHandler<never>): (request: HttpRequest) => Answered { return () => "x"; }
