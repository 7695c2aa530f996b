import type { ServerResponse } from 'node:http';
import { ClientGone } from '../bodies/body.ts';
import type { Pace, PaceWatch } from '../budgets/pace.ts';

/** Written at once: how far a client is shows after each piece. */
const PIECE_BYTES = 256 * 1024;

/**
 * Sends the rest of an answer, whose headers are set, and cuts off a client that takes it too slowly.
 * @param onSlow told of a client before it is cut off, with what it has taken in all
 * @returns when the system has taken the last byte, or the connection is closed
 */
export async function sendPaced(
  response: ServerResponse,
  body: Uint8Array,
  paces: PaceWatch,
  onSlow: (takenBytes: number) => void,
): Promise<void> {
  const isShort = body.length <= PIECE_BYTES;
  if (isShort) response.end(body);
  // Most answers are gone by now.
  if (response.closed || (isShort && response.socket?.writableLength === 0)) return;
  await sendWatched(response, body, isShort ? body.length : 0, paces, onSlow);
}

/** @param handed bytes of the body that the response has been given */
function sendWatched(
  response: ServerResponse,
  body: Uint8Array,
  handed: number,
  paces: PaceWatch,
  onSlow: (takenBytes: number) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const taken = () => Math.max(0, handed - (response.socket?.writableLength ?? 0));
    let pace: Pace | undefined;
    const watch = () => {
      pace = paces.watch(taken, () => {
        onSlow(taken());
        response.destroy(new ClientGone('the client takes its answer too slowly'));
      });
    };
    response.once('close', () => {
      pace?.stop();
      resolve();
    });
    const sendOn = () => {
      while (body.length - handed > PIECE_BYTES) {
        const piece = body.subarray(handed, handed + PIECE_BYTES);
        handed += piece.length;
        if (!response.write(piece)) {
          response.once('drain', sendOn);
          return;
        }
      }
      const last = body.subarray(handed);
      handed = body.length;
      response.end(last);
    };
    // An answer that waits behind another one of its connection has no socket yet.
    if (response.socket === null) response.once('socket', watch);
    else watch();
    if (handed < body.length) sendOn();
  });
}
