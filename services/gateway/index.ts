export type { Authentication, Authenticator } from './admission.ts';
export { createGateway, DEFAULT_GATEWAY_LIMITS, type GatewayLimits, type GatewayOptions } from './gateway.ts';
