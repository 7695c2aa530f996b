import type { Limits, Shard } from '@xscaler/tenancy';
import type { SeriesSource } from '@xscaler/wire/labels';
import { Refusals } from '../outcome/refusals.ts';
import { RequestSize } from '../outcome/request-size.ts';
import type { Admission } from '../series/admission.ts';
import type { TenantSeries } from '../series/tenant-series.ts';
import type { TimeBounds } from './time-bounds.ts';
import type { WriteBody } from './write-body.ts';

/** From this version on records have native histograms and start timestamps. */
const NOTED_RECORD_VERSION = 2;
/** From this version on records have exemplars of which heads keep all. */
const EXEMPLAR_RECORD_VERSION = 3;

/**
 * A request while it is encoded: its source and rules, and the counts of what is stored and refused so far.
 */
export class OpenPush {
  readonly tenantId: string;
  readonly tenant: TenantSeries;
  readonly admission: Admission;
  readonly limits: Limits;
  readonly shard: Shard;
  readonly nowMs: number;
  readonly source: SeriesSource;
  readonly bounds: TimeBounds;
  /** Of samples (or data points), series, exemplars and metadata entries each. */
  readonly maxParts: number;
  /** Whether its records may have native histograms and start timestamps. */
  readonly writesNotes: boolean;
  /** Whether its records may have exemplars of which heads keep all. */
  readonly keepsAllExemplars: boolean;

  readonly received = new RequestSize();
  readonly refusals = new Refusals();
  /** Native histograms too. */
  storedSamples = 0;
  storedHistograms = 0;
  storedExemplars = 0;
  storedMetadata = 0;
  /** Whether there are histograms that the records can't hold in the version they have to have. */
  needsNewerRecords = false;

  /** @param source stands before the first part of `write`, which has been opened with `bounds` and `maxParts` */
  constructor(
    write: WriteBody,
    source: SeriesSource,
    admission: Admission,
    bounds: TimeBounds,
    maxParts: number,
  ) {
    this.tenantId = write.tenantId;
    this.tenant = write.tenant;
    this.limits = write.limits;
    this.shard = write.shard;
    this.nowMs = write.nowMs;
    this.source = source;
    this.admission = admission;
    this.bounds = bounds;
    this.maxParts = maxParts;
    this.writesNotes = write.recordVersion >= NOTED_RECORD_VERSION;
    this.keepsAllExemplars = write.recordVersion >= EXEMPLAR_RECORD_VERSION;
    if (write.format === 'otlp') this.received.points = 0;
  }

  /** A request that is too large is refused whole: its parts are only counted. */
  get isTooLarge(): boolean {
    return this.received.largest > this.maxParts;
  }
}
