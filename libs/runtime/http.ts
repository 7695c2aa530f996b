/** What listens for HTTP, apart: Node's part of it takes 2 MB of every thread that has it. */
export { type AcceptOptions, acceptSockets, type FurtherSockets } from './accept-sockets.ts';
export {
  DEFAULT_HTTP_LIMITS,
  type HttpLimits,
  type HttpServer,
  type ListenOptions,
  listenHttp,
} from './http-server.ts';
