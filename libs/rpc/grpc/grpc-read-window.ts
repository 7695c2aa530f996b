import { InterceptingCall } from '@grpc/grpc-js';

type NextCall = ConstructorParameters<typeof InterceptingCall>[0];

/**
 * Bounds how many messages of a stream are fetched before they are used. The stream that grpc-js hands out reads 16
 * ahead by itself, which is 16 MB of frames for each stream; what isn't fetched stays with the sender.
 */
export class ReadWindow {
  readonly #size: number;
  #fetched = 0;
  #call: WindowedCall | undefined;
  #isWaiting = false;

  constructor(size: number) {
    this.#size = size;
  }

  intercept(call: NextCall): InterceptingCall {
    this.#call = new WindowedCall(call, this);
    return this.#call;
  }

  /** Whether another message may be fetched now; else the call is asked again once there is room. */
  admit(): boolean {
    this.#isWaiting = this.#fetched >= this.#size;
    if (!this.#isWaiting) this.#fetched++;
    return !this.#isWaiting;
  }

  /** A message has been used. */
  used(): void {
    this.#fetched--;
    if (this.#isWaiting) this.#call?.startRead();
  }
}

class WindowedCall extends InterceptingCall {
  readonly #window: ReadWindow;

  constructor(call: NextCall, window: ReadWindow) {
    super(call);
    this.#window = window;
  }

  override startRead(): void {
    if (this.#window.admit()) super.startRead();
  }
}
