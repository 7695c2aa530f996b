import { Heartbeat } from '@xscaler/cluster';

const ASK_EVERY_MS = 2_000;
/** A server that refuses may be restarting, or handing over to its standby: for this long that is not worth a word. */
const REFUSING_MS = 5_000;
/** One that is silent may just have much to do. */
const SILENT_MS = 15_000;

/** Asks a server again and again whether it answers. */
export class AnswerWatch {
  readonly #name: string;
  readonly #now: () => number;
  readonly #asking: Heartbeat;
  #answeredMs: number;
  #failure: string | undefined;

  /** `now` is monotonic, ms. */
  constructor(name: string, ask: () => Promise<unknown>, now: () => number = () => performance.now()) {
    this.#name = name;
    this.#now = now;
    this.#answeredMs = now();
    this.#asking = new Heartbeat(
      async () => {
        await ask();
        this.#answeredMs = now();
        this.#failure = undefined;
      },
      ASK_EVERY_MS,
      (error) => {
        this.#failure = (error as Error).message;
      },
    );
  }

  /** Doesn't wait for the first answer. */
  start(): void {
    this.#answeredMs = this.#now();
    void this.#asking.start();
  }

  /** Doesn't wait for an answer that is due. */
  stop(): void {
    void this.#asking.stop();
  }

  /** Undefined if it has answered lately. */
  get reason(): string | undefined {
    const sinceMs = this.#now() - this.#answeredMs;
    if (sinceMs < (this.#failure === undefined ? SILENT_MS : REFUSING_MS)) return undefined;
    const failure = this.#failure === undefined ? '' : `: ${this.#failure}`;
    return `${this.#name} has not answered for ${Math.round(sinceMs / 1000)} s${failure}`;
  }
}
