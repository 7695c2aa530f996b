import { escapedJson } from '@xscaler/promql';
import type { UpstreamResponse } from '@xscaler/rpc';
import { type ApiError, STATUS_OF } from './api-error.ts';

export const JSON_HEADERS = { 'content-type': 'application/json' };

/** Warnings and infos that go with an answer. */
export interface Annotations {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** `{"status":"success","data":…}` around data that is JSON text already, in pieces that follow one another. */
export function successPieces(data: readonly Uint8Array[], annotations: Annotations = {}): Uint8Array[] {
  const head = Buffer.from('{"status":"success","data":');
  const tail = Buffer.from(`${annotationsJson(annotations)}}`);
  return [head, ...data, tail];
}

/** The answer with what `successPieces` gives. */
export function successJson(data: readonly Uint8Array[], annotations?: Annotations): UpstreamResponse {
  return { status: 200, headers: JSON_HEADERS, body: joined(successPieces(data, annotations)) };
}

/** All pieces, one after the other, in a buffer of their own. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

export function success(data: unknown, annotations?: Annotations): UpstreamResponse {
  return successJson([Buffer.from(escapedJson(data))], annotations);
}

export function failure(error: ApiError): UpstreamResponse {
  const status = STATUS_OF[error.errorType];
  const envelope = { status: 'error', errorType: error.errorType, error: error.message };
  const comeBack = error.errorType === 'unavailable' || error.errorType === 'too_many_requests';
  const headers = comeBack ? { ...JSON_HEADERS, 'retry-after': '1' } : JSON_HEADERS;
  return { status, headers, body: new Uint8Array(Buffer.from(escapedJson(envelope))) };
}

function annotationsJson({ warnings = [], infos = [] }: Annotations): string {
  const warningsJson = warnings.length > 0 ? `,"warnings":${escapedJson(warnings)}` : '';
  const infosJson = infos.length > 0 ? `,"infos":${escapedJson(infos)}` : '';
  return warningsJson + infosJson;
}
