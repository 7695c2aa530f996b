/** A fact that must be fetched from elsewhere before a request can be encoded. Once it is decided the request is encoded again. */
export interface Question {
  /** Never rejects; takes up to about two seconds. */
  decide(nowMs: number): Promise<void>;
}
