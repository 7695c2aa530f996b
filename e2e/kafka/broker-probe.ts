import { once } from 'node:events';
import { createConnection } from 'node:net';

const ANSWER_WITHIN_MS = 2_000;

/**
 * How many brokers the one at `port` of the loopback knows to be up, by a metadata request of its own: before a
 * client of ours can be trusted, something else must say that the brokers exist.
 *
 *     request  = length:i32 key:i16=3 version:i16=6 correlation:i32 client:i16=-1 topics:i32=0 autoCreate:u8=0
 *     response = length:i32 correlation:i32 throttleMs:i32 brokerCount:i32 …
 *
 * @throws Error if it doesn't answer
 */
export async function brokersSeenFrom(port: number): Promise<number> {
  const request = Buffer.alloc(19);
  request.writeInt32BE(15, 0);
  request.writeInt16BE(3, 4);
  request.writeInt16BE(6, 6);
  request.writeInt16BE(-1, 12);
  const socket = createConnection({ port, host: '127.0.0.1', timeout: ANSWER_WITHIN_MS });
  socket.once('timeout', () => socket.destroy(new Error('no answer')));
  try {
    socket.write(request);
    let answer = Buffer.alloc(0);
    while (answer.length < 16) {
      const [bytes] = await once(socket, 'data');
      answer = Buffer.concat([answer, bytes]);
    }
    return answer.readInt32BE(12);
  } finally {
    socket.destroy();
  }
}
