export type { Authentication, Authenticator } from './admission/admission.ts';
export type { GatewayLimits, RateDivision } from './admission/intake.ts';
export { createGateway, type GatewayEntrances, type GatewayOptions } from './gateway.ts';
export { createOtlpGrpcServer, type OtlpGrpcServer } from './grpc/otlp-grpc.ts';
export { listenTls, type TlsOptions } from './tls-listener.ts';
