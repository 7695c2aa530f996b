import { compareWithPrometheus, SHORT_WINDOWS } from '../compare-with-prometheus.ts';
import { skipWithoutCluster, TestCluster } from './harness/index.ts';

compareWithPrometheus({
  skip: skipWithoutCluster(),
  writingMs: Number(process.env.XSCALER_E2E_WRITING_MS ?? 90_000),
  start: async () => {
    const cluster = await TestCluster.start({ env: SHORT_WINDOWS });
    const client = await cluster.createTenant('compared');
    return {
      client,
      url: `http://${cluster.service('gateway-0').address}`,
      committedHeads: async () => {
        let heads = 0;
        for (const ingester of cluster.ofRole('ingester'))
          heads += await ingester.metric('xscaler_ingester_head_commit_seconds_count');
        return heads;
      },
      dispose: () => cluster.dispose(),
    };
  },
});
