import { join } from 'node:path';
import type { ChannelOptions, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { LabelCardinality } from '../ingester/ingester-api.ts';

// proto/ingester.proto as proto-loader gives it: fields in camel case, absent lists as empty ones.

export interface WireRead {
  readonly tenant: string;
  readonly matcherSets: readonly {
    readonly matchers: readonly { readonly type: string; readonly name: string; readonly value: string }[];
  }[];
  readonly startMs: number;
  readonly endMs: number;
  readonly minOffsets: Readonly<Record<number, number>>;
  readonly partitions: WirePartitions | null;
  readonly commits: Readonly<Record<number, { readonly number: number; readonly id: string }>>;
  /** 0: any number. */
  readonly maxBytes: number;
  readonly requestId: string;
}

export interface WirePartitions {
  readonly partitions: readonly number[];
}

export interface WireLabelValuesRead {
  readonly read: WireRead;
  readonly name: string;
}

export interface WireCardinalityRead {
  readonly read: WireRead;
  readonly names: { readonly names: readonly string[] } | null;
}

export interface WireCardinalityPiece {
  readonly partition: number;
  readonly seriesCount: number;
  readonly chunkCount: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly label: LabelCardinality | null;
}

export interface WireMetadataRead {
  readonly tenant: string;
  readonly metric?: string;
  readonly minOffsets: Readonly<Record<number, number>>;
  readonly partitions: WirePartitions | null;
  readonly requestId: string;
}

export interface WireFramePiece {
  readonly data: Uint8Array;
  readonly continued: boolean;
}

/** Messages up to here, either way: several times what a frame or batch has. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

export const CHANNEL_LIMITS: ChannelOptions = {
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  // What may lie unread of one stream. The connection's other streams go on meanwhile.
  'grpc-node.flow_control_window': 1024 * 1024,
};

/** Trailer of a failed call: `WireError` as JSON. */
export const ERROR_TRAILER = 'xscaler-error-bin';

const PROTO_FOLDER = join(import.meta.dirname, '../../../proto');

function serviceOf(file: string, name: string): ServiceDefinition {
  // Numbers are exact up to 2^53; times, offsets and partitions stay far below.
  const loaded = loadSync(join(PROTO_FOLDER, file), { longs: Number, enums: String, defaults: true });
  return loaded[name] as ServiceDefinition;
}

export const INGESTER_SERVICE = serviceOf('ingester.proto', 'xscaler.ingester.v1.Ingester');
export const HEALTH_SERVICE = serviceOf('health.proto', 'grpc.health.v1.Health');

/** The name under which a probe asks for the ingester. */
export const INGESTER_SERVICE_NAME = 'xscaler.ingester.v1.Ingester';

export type IngesterMethod =
  | 'Select'
  | 'LabelNames'
  | 'LabelValues'
  | 'Series'
  | 'Exemplars'
  | 'Cardinality'
  | 'Metadata'
  | 'ActiveIds';

export function ingesterMethod<Request, Reply>(name: IngesterMethod): MethodDefinition<Request, Reply> {
  return INGESTER_SERVICE[name] as MethodDefinition<Request, Reply>;
}
