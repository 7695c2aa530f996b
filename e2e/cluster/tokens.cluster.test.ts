import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, eventually, series, sleep } from '../harness/index.ts';
import { skipWithoutCluster, TestCluster } from './harness/index.ts';

const AWAY_MS = Number(process.env.XSCALER_E2E_OUTAGE_MS ?? 8_000);
const NOBODYS_TOKEN = 'xag_nobodysNobodysNobodysNobodysNo0';

let cluster: TestCluster;

async function status(client: Client): Promise<number> {
  const { status } = await client.push([series({ __name__: 'tokens' }, [[Date.now(), 1]])]);
  return status;
}

/** One client at each gateway. */
function everywhere(tenant: string, token: string): Client[] {
  return cluster.ofRole('gateway').map((gateway) => cluster.client(tenant, token, gateway));
}

describe('tokens in a cluster', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start({ gateways: 2 });
  });

  after(() => cluster?.dispose());

  test('a token that is revoked is refused at every gateway within a second', async () => {
    const { tenant, token } = await cluster.createTenant('acme');
    const clients = everywhere(tenant, token);
    for (const client of clients) assert.equal(await status(client), 204);
    const [id] = (await cluster.command('token', 'list', tenant)).split('\t');
    await cluster.command('token', 'revoke', id);
    const revokedMs = Date.now();
    for (const client of clients) {
      await eventually('a refusal', 5_000, async () => ((await status(client)) === 401 ? true : undefined));
    }
    const tookMs = Date.now() - revokedMs;
    assert.ok(tookMs < 1_000, `it took ${tookMs} ms`);
  });

  test('gateways share the rates of their tenants', async () => {
    for (const gateway of cluster.ofRole('gateway')) {
      await eventually(`${gateway.name} knows the other`, 20_000, async () => {
        const { gateways } = await gateway.debug<{ gateways: number }>();
        return gateways === 2 ? true : undefined;
      });
    }
  });

  test('PostgreSQL is unreachable: known tokens go on, unknown ones are asked to come again', async () => {
    const { tenant, token } = await cluster.createTenant('known');
    const known = everywhere(tenant, token);
    const unknown = everywhere(tenant, NOBODYS_TOKEN);
    for (const client of unknown) assert.equal(await status(client), 401);
    await cluster.postgres.stop();
    const untilMs = Date.now() + AWAY_MS;
    for (const client of unknown) {
      await eventually('503', 10_000, async () => ((await status(client)) === 503 ? true : undefined));
    }
    while (Date.now() < untilMs) {
      for (const client of known) assert.equal(await status(client), 204);
      for (const client of unknown) assert.equal(await status(client), 503);
      await sleep(200);
    }
    await cluster.postgres.start();
    for (const client of unknown) {
      await eventually('401', 10_000, async () => ((await status(client)) === 401 ? true : undefined));
    }
    for (const client of known) assert.equal(await status(client), 204);
  });
});
