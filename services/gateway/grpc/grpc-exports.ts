import { status as StatusCode } from '@grpc/grpc-js';
import { internalErrorText, REQUEST_ID_HEADER, type UpstreamResponse } from '@xscaler/rpc';
import type { Logger } from '@xscaler/runtime';
import { credentialsOf } from '../admission/admission.ts';
import type { GatewayMetrics } from '../admission/gateway-metrics.ts';
import type { Intake, Place } from '../admission/intake.ts';
import { Refusal } from '../refusals/refusal.ts';
import { type ExportIntake, GRPC_MAX_MESSAGE_BYTES } from './otlp-grpc.ts';

const ROUTE = 'otlp_grpc';
const EXPORT = { kind: 'write', service: 'distributor' } as const;

/** Lets exports of OTLP/gRPC in, and passes them on as what they would have been by HTTP. */
export function grpcExports(
  intake: Intake,
  metrics: GatewayMetrics,
  logger: Pick<Logger, 'error'>,
): ExportIntake {
  return {
    admitExport: (rawHeaders, requestId) => {
      const credentials = credentialsOf(rawHeaders);
      const { tenantId: tenant } = credentials;
      let isAdmitted = false;
      let place: Place | undefined;
      const refusalOf = (error: unknown): Refusal => {
        if (error instanceof Refusal) {
          metrics.refused(tenant, error.code, isAdmitted);
          return error;
        }
        logger.error({ requestId, route: ROUTE, tenant, err: error }, 'request failed');
        return new Refusal('internal', internalErrorText(requestId));
      };
      try {
        const { limits } = intake.admit(credentials, 'write');
        isAdmitted = true;
        place = intake.place(tenant, 'write', limits);
        const maxBytes = Math.min(GRPC_MAX_MESSAGE_BYTES, intake.maxBodyBytes('write', limits));
        const { body, release } = place;
        const letIn = { intake, metrics, tenant, requestId, place, maxBytes };
        return {
          bounds: { lease: body, maxBytes, paces: intake.bodyPaces },
          refused: refusalOf,
          release,
          pass: async (message, signal) => {
            try {
              return await pass(letIn, message, signal);
            } catch (error) {
              throw signal.aborted ? error : refusalOf(error);
            }
          },
        };
      } catch (error) {
        place?.release();
        throw refusalOf(error);
      }
    },
    noteExport: (code, durationMs) => metrics.answered(ROUTE, StatusCode[code] ?? String(code), durationMs),
  };
}

interface LetIn {
  readonly intake: Intake;
  readonly metrics: GatewayMetrics;
  readonly tenant: string;
  readonly requestId: string;
  readonly place: Place;
  readonly maxBytes: number;
}

async function pass(
  { intake, metrics, tenant, requestId, place, maxBytes }: LetIn,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  if (message.length > maxBytes) {
    throw new Refusal('body_too_large', `the message is larger than ${maxBytes} bytes`);
  }
  // Its length is known by now, and no longer what it might be.
  await place.body.growTo(message.length);
  place.body.shrinkTo(message.length);
  metrics.received(ROUTE, message.length);
  const headers = { 'content-type': 'application/x-protobuf', [REQUEST_ID_HEADER]: requestId };
  // The message may be a piece of a larger buffer, which can't go to another thread.
  const body = new Uint8Array(message);
  const request = { tenant, method: 'POST', path: '/v1/metrics', query: '', headers, body };
  return intake.ask(EXPORT, request, place, signal);
}
