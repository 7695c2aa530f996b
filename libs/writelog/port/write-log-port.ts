import type { MessagePort } from 'node:worker_threads';
import { fromWireError, toWireError, type WireError } from '@xscaler/rpc';
import { type LogBatch, type WriteLog, WriteLogError, type WriteLogErrorCode } from '../write-log.ts';

/*
 * The protocol between `connectWriteLog` and `serveWriteLog`: structured-clone messages, records transferred.
 *
 * The server begins with `hello`: what the client can't ask for, since it has to know it from the start.
 * A client numbers its calls and reads from one sequence. Every call gets one `results` entry (those of one group
 * commit travel together). A read gets `batch` messages while it has credit, then one `end`; the server spends a
 * batch's bytes of the credit when it sends it and stops at zero, the client gives them back when the batch is consumed.
 */
export type ClientMessage =
  | { readonly kind: 'append'; readonly id: number; readonly partition: number; readonly record: Uint8Array }
  | { readonly kind: 'startOffset' | 'endOffset'; readonly id: number; readonly partition: number }
  | { readonly kind: 'identity'; readonly id: number }
  | { readonly kind: 'truncate'; readonly id: number; readonly partition: number; readonly offset: number }
  | { readonly kind: 'read'; readonly id: number; readonly partition: number; readonly offset: number }
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'stop'; readonly id: number };

export type ServerMessage =
  | { readonly kind: 'hello'; readonly partitionCount: number }
  | { readonly kind: 'results'; readonly results: readonly CallResult[] }
  | { readonly kind: 'batch'; readonly id: number; readonly batch: LogBatch }
  | { readonly kind: 'end'; readonly id: number; readonly fault?: WireError };

export interface CallResult {
  readonly id: number;
  /** The call's answer: an offset, an identity, or nothing for `truncate`. */
  readonly value?: number | string;
  readonly fault?: WireError;
}

/** What a read may have under way to its client, in bytes (and one batch more). */
export const READ_CREDIT_BYTES = 8 * 1024 * 1024;

export function errorOf(fault: WireError): Error {
  if (fault.name !== 'WriteLogError') return fromWireError(fault);
  return new WriteLogError(fault.code as WriteLogErrorCode, fault.message);
}

export function batchBytes(batch: LogBatch): number {
  let bytes = 0;
  for (const record of batch.records) bytes += record.length;
  return bytes;
}

/**
 * The records ready to be moved through a port: those that are a view of a larger buffer are copied out of it,
 * since other views may be alive and a port moves whole buffers.
 */
export function detachable(record: Uint8Array): Uint8Array<ArrayBuffer> {
  const isWhole = record.buffer instanceof ArrayBuffer && record.byteLength === record.buffer.byteLength;
  return isWhole ? (record as Uint8Array<ArrayBuffer>) : Uint8Array.from(record);
}

/** Serves `log` to the client at the other end of `port`, until that end closes. Any number of ports may share one log. */
export function serveWriteLog(log: WriteLog, port: MessagePort): void {
  new WriteLogServer(log, port);
}

interface ServedRead {
  readonly stop: AbortController;
  creditBytes: number;
  wake: (() => void) | undefined;
}

class WriteLogServer {
  readonly #log: WriteLog;
  readonly #port: MessagePort;
  readonly #reads = new Map<number, ServedRead>();
  #results: CallResult[] = [];

  constructor(log: WriteLog, port: MessagePort) {
    this.#log = log;
    this.#port = port;
    port.on('message', (message: ClientMessage) => this.#receive(message));
    port.on('close', () => {
      for (const id of this.#reads.keys()) this.#stop(id);
    });
    port.postMessage({ kind: 'hello', partitionCount: log.partitionCount } satisfies ServerMessage);
  }

  #receive(message: ClientMessage): void {
    switch (message.kind) {
      case 'append':
        this.#answer(message.id, this.#log.append(message.partition, message.record));
        break;
      case 'startOffset':
        this.#answer(message.id, this.#log.startOffset(message.partition));
        break;
      case 'endOffset':
        this.#answer(message.id, this.#log.endOffset(message.partition));
        break;
      case 'identity':
        this.#answer(message.id, this.#log.identity());
        break;
      case 'truncate':
        this.#answer(
          message.id,
          this.#log.truncate(message.partition, message.offset).then(() => undefined),
        );
        break;
      case 'read':
        void this.#read(message.id, message.partition, message.offset);
        break;
      case 'credit':
        this.#addCredit(message.id, message.bytes);
        break;
      case 'stop':
        this.#stop(message.id);
        break;
    }
  }

  #answer(id: number, call: Promise<CallResult['value']>): void {
    call.then(
      (value) => this.#send(value === undefined ? { id } : { id, value }),
      (error) => this.#send({ id, fault: toWireError(error) }),
    );
  }

  /** The answers of one group commit resolve one after another: by the time the microtask runs they are all here. */
  #send(result: CallResult): void {
    this.#results.push(result);
    if (this.#results.length > 1) return;
    queueMicrotask(() => {
      this.#port.postMessage({ kind: 'results', results: this.#results } satisfies ServerMessage);
      this.#results = [];
    });
  }

  async #read(id: number, partition: number, offset: number): Promise<void> {
    const read: ServedRead = { stop: new AbortController(), creditBytes: READ_CREDIT_BYTES, wake: undefined };
    this.#reads.set(id, read);
    let end: ServerMessage = { kind: 'end', id };
    try {
      for await (const batch of this.#log.read(partition, offset, read.stop.signal)) {
        // Counted first: what is sent has moved away.
        read.creditBytes -= batchBytes(batch);
        this.#sendBatch(id, batch);
        while (read.creditBytes <= 0 && !read.stop.signal.aborted) {
          await new Promise<void>((resolve) => {
            read.wake = resolve;
          });
        }
        if (read.stop.signal.aborted) break;
      }
    } catch (error) {
      end = { kind: 'end', id, fault: toWireError(error) };
    }
    this.#reads.delete(id);
    this.#port.postMessage(end);
  }

  #sendBatch(id: number, { firstOffset, records }: LogBatch): void {
    const moved = records.map(detachable);
    this.#port.postMessage(
      { kind: 'batch', id, batch: { firstOffset, records: moved } } satisfies ServerMessage,
      moved.map((record) => record.buffer),
    );
  }

  #addCredit(id: number, bytes: number): void {
    const read = this.#reads.get(id);
    if (read === undefined) return;
    read.creditBytes += bytes;
    read.wake?.();
  }

  #stop(id: number): void {
    const read = this.#reads.get(id);
    read?.stop.abort();
    read?.wake?.();
  }
}
