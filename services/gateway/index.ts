export type { Authentication, Authenticator } from './admission.ts';
export { createGateway, type GatewayEntrances, type GatewayOptions } from './gateway.ts';
export { DEFAULT_GATEWAY_LIMITS, type GatewayLimits, type RateDivision } from './intake.ts';
export { createOtlpGrpcServer, type OtlpGrpcServer } from './otlp-grpc.ts';
export { listenTls, type TlsOptions } from './tls-listener.ts';
