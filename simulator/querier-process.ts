import { SampleColumns } from '@xscaler/model';
import { BlockReaders, EndOffsets, FanOut, ReadHorizon } from '@xscaler/querier';
import { type IngesterReplica, ReplicatedIngesters } from '@xscaler/rpc/network';
import { SeriesMerger } from '@xscaler/tsdb';
import { IngesterLink } from './ingester-link.ts';
import { type IngesterProcess, SimulatedProcess, type Surroundings } from './processes.ts';
import { foundValue } from './sent-sample.ts';
import { type ClusterSettings, MAX_CLOCK_SKEW_MS } from './settings.ts';
import type { Actor } from './virtual-time.ts';

/** A series' samples as a read found them. */
export interface FoundSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: ReadonlyMap<number, number>;
}

const CACHE_BYTES = 1024 * 1024;

/** The querier's way from a selection to merged samples; what the engine does with them needs no cluster. */
export class QuerierProcess extends SimulatedProcess {
  readonly #ingesters: readonly IngesterProcess[];
  #fanOut: FanOut | undefined;
  #offsets: EndOffsets | undefined;
  #horizon: ReadHorizon | undefined;
  readonly #settings: ClusterSettings;

  constructor(
    name: string,
    surroundings: Surroundings,
    ingesters: readonly IngesterProcess[],
    settings: ClusterSettings,
  ) {
    super(name, surroundings);
    this.#ingesters = ingesters;
    this.#settings = settings;
  }

  /** All series of a tenant that have samples in the range, read strongly. */
  async read(tenant: string, startMs: number, endMs: number, signal: AbortSignal): Promise<FoundSeries[]> {
    const fault = this.clockFault();
    if (fault !== undefined) throw new Error(fault);
    const arrival = (this.#offsets as EndOffsets).arrival();
    const plan = await (this.#horizon as ReadHorizon).plan(tenant, endMs, arrival);
    const merger = new SeriesMerger();
    const matchers = [{ type: '!=' as const, name: '__name__', value: '' }];
    const request = { tenant, requestId: '', matchers, startMs, endMs, ...plan };
    for await (const frame of (this.#fanOut as FanOut).select(request, signal)) merger.addFrame(frame);
    const columns = new SampleColumns();
    return merger.finish(startMs, endMs).map((series) => {
      columns.reset();
      series.read(columns);
      const samples = new Map<number, number>();
      for (let i = 0; i < columns.length; i++) samples.set(columns.timestamps[i], foundValue(columns, i));
      return { labels: Object.fromEntries(pairsOf(series.labels.pairs)), samples };
    });
  }

  protected launch(actor: Actor): void {
    const { network } = this.surroundings;
    const links = this.#ingesters.map((ingester) => ({
      ingester,
      replica: { name: ingester.name, api: new IngesterLink(actor, ingester, network) },
    }));
    const replicas = (): Map<number, IngesterReplica[]> => {
      const known = new Map<number, IngesterReplica[]>();
      for (const { ingester, replica } of links) {
        for (const partition of ingester.settings.partitions) {
          const others = known.get(partition);
          if (others) others.push(replica);
          else known.set(partition, [replica]);
        }
      }
      return known;
    };
    const blocks = this.blockStore();
    const ingesters = [new ReplicatedIngesters({ replicas })];
    this.#fanOut = new FanOut(ingesters, blocks, new BlockReaders(blocks, CACHE_BYTES, CACHE_BYTES));
    const clock = () => Date.now();
    const offsets = new EndOffsets(this.logClient(), clock);
    const { partitionCount, limits } = this.#settings;
    const windowMs = limits.out_of_order_time_window;
    this.#offsets = offsets;
    this.#horizon = new ReadHorizon({
      offsets,
      blocks,
      partitionsOf: async () => [...Array(partitionCount).keys()],
      latenessOf: async () => ({ windowMs, changedMs: 0, outages: [] }),
      clock,
      maxClockSkewMs: MAX_CLOCK_SKEW_MS,
    });
  }
}

function* pairsOf(flat: readonly string[]): Iterable<[string, string]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i], flat[i + 1]];
}
