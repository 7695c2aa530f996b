import { status as StatusCode } from '@grpc/grpc-js';
import { credentialsOf } from './admission.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { Intake } from './intake.ts';
import { type ExportIntake, GRPC_MAX_MESSAGE_BYTES } from './otlp-grpc.ts';
import { Refusal } from './refusal.ts';

const ROUTE = 'otlp_grpc';

/** Lets exports of OTLP/gRPC in, and passes them on as what they would have been by HTTP. */
export function grpcExports(intake: Intake, metrics: GatewayMetrics): ExportIntake {
  return {
    admitExport: (rawHeaders) => {
      const credentials = credentialsOf(rawHeaders);
      const { limits } = intake.admit(credentials, 'write');
      const { tenantId: tenant } = credentials;
      const place = intake.place(tenant);
      const maxBytes = Math.min(GRPC_MAX_MESSAGE_BYTES, intake.maxBodyBytes('write', limits));
      try {
        // How long the message is shows only as it comes, and then it is in memory already.
        place.lease.growTo(maxBytes);
      } catch (error) {
        place.release();
        throw error;
      }
      return {
        release: place.release,
        pass: (message, signal) => {
          if (message.length > maxBytes) {
            throw new Refusal('body_too_large', `the message is larger than ${maxBytes} bytes`);
          }
          place.lease.release();
          place.lease.growTo(message.length);
          metrics.received(ROUTE, message.length);
          const headers = { 'content-type': 'application/x-protobuf' };
          // The message may be a piece of a larger buffer, which can't go to another thread.
          const body = new Uint8Array(message);
          const request = { tenant, method: 'POST', path: '/v1/metrics', query: '', headers, body };
          return intake.ask('write', request, signal);
        },
      };
    },
    noteExport: (code, durationMs) => metrics.answered(ROUTE, StatusCode[code] ?? String(code), durationMs),
  };
}
