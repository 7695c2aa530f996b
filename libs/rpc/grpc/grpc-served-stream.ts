import type { ServerWritableStream } from '@grpc/grpc-js';
import { statusOf } from './grpc-error.ts';

/**
 * One call running on the server: sends what `open` yields, and aborts its signal when the caller cancels, its connection
 * is lost, or the deadline passes. At most one message waits to be sent while the next one is made.
 */
export class ServedStream<Request, Message> {
  readonly #call: ServerWritableStream<Request, Message>;
  readonly #canceler = new AbortController();
  #deadline: NodeJS.Timeout | undefined;

  constructor(call: ServerWritableStream<Request, Message>) {
    this.#call = call;
    call.on('cancelled', () => this.#canceler.abort());
    // grpc-js sends the status when a deadline passes, but behind what a slow reader has not taken yet.
    const deadlineMs = Number(call.getDeadline());
    if (Number.isFinite(deadlineMs)) {
      this.#deadline = setTimeout(() => this.#canceler.abort(), deadlineMs - Date.now());
    }
  }

  async run(open: (request: Request, signal: AbortSignal) => AsyncIterable<Message>): Promise<void> {
    const { signal } = this.#canceler;
    try {
      let sent: Promise<void> | undefined;
      for await (const message of open(this.#call.request, signal)) {
        await sent;
        if (signal.aborted) break;
        sent = this.#send(message);
      }
      await sent;
      this.#call.end();
    } catch (error) {
      // How a stream of grpc-js is told its status.
      this.#call.emit('error', Object.assign(new Error(), statusOf(error)));
    } finally {
      clearTimeout(this.#deadline);
    }
  }

  /** Ends when the connection has taken the message, or the call is over: then grpc-js doesn't call back. */
  #send(message: Message): Promise<void> {
    const { signal } = this.#canceler;
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      signal.addEventListener('abort', done);
      this.#call.write(message, done);
    });
  }
}
