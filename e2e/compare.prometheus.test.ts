import { compareWithPrometheus, SHORT_WINDOWS } from './compare-with-prometheus.ts';
import { Xscaler } from './harness/index.ts';

compareWithPrometheus({
  writingMs: Number(process.env.XSCALER_E2E_WRITING_MS ?? 90_000),
  start: async () => {
    const xscaler = await Xscaler.start({ env: { ...SHORT_WINDOWS, XSCALER_WRITE_LOG_PARTITIONS: '2' } });
    const client = xscaler.client();
    return {
      client,
      url: xscaler.url,
      committedHeads: () => client.ownMetric('xscaler_ingester_head_commit_seconds_count'),
      dispose: () => xscaler.dispose(),
    };
  },
});
