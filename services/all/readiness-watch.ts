const WATCH_MS = 1_000;

/** Knows from second to second what another thread says of itself: for `/-/ready`. */
export class ReadinessWatch {
  readonly #ask: () => Promise<string | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #notReady: string | undefined;

  /** `ask` says why it isn't ready; `before` counts until it is asked first. */
  constructor(ask: () => Promise<string | undefined>, before: string) {
    this.#ask = ask;
    this.#notReady = before;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  notReady(): string | undefined {
    return this.#notReady;
  }

  async #look(): Promise<void> {
    this.#notReady = await this.#ask().catch((error: Error) => error.message);
  }
}
