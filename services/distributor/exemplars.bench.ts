/** Cost of a request of exemplars to a distributor, with and without a limit: `npx node services/distributor/exemplars.bench.ts`. */
import { Labels } from '@xscaler/model';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { NOW_MS, setUp } from './distributor.testbed.ts';

const SERIES = 10_000;
const ROUNDS = 30;

for (const limit of [0, 120, 0, 120]) {
  const { post, log } = setUp({ max_exemplars_per_series_per_minute: limit });
  const bodies = Array.from({ length: ROUNDS }, (_, round) =>
    packSnappy(
      encodeWriteRequest(
        Array.from({ length: SERIES }, (_, i) => ({
          labels: Labels.of({ __name__: 'checkout_seconds_bucket', le: '1', pod: `pod-${i}` }),
          timestamps: [],
          values: [],
          exemplars: [
            {
              labels: Labels.of({
                trace_id: `${round}-${i}`.padStart(32, '0'),
                span_id: `${i}`.padStart(16, '0'),
              }),
              value: i / 7,
              timestampMs: NOW_MS - 600_000 + 15_000 * round + (i % 15_000),
            },
          ],
        })),
      ),
    ),
  );
  let ms = 0;
  for (const [round, body] of bodies.entries()) {
    const begun = performance.now();
    await post(body);
    // The first rounds warm up.
    if (round >= 10) ms += performance.now() - begun;
  }
  const perExemplar = (1_000 * ms) / ((ROUNDS - 10) * SERIES);
  console.log(`limit ${limit}: ${perExemplar.toFixed(2)} µs an exemplar, ${log.records.length} records`);
}
