/**
 * Something that has to be known before a request can be encoded, and has to be asked elsewhere. When it is decided the request
 * is encoded again.
 */
export interface Question {
  /** Never rejects; takes a second or two at most. */
  decide(nowMs: number): Promise<void>;
}
