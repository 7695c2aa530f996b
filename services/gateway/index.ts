export type { Authentication, Authenticator } from './admission.ts';
export {
  createGateway,
  DEFAULT_GATEWAY_LIMITS,
  type GatewayLimits,
  type GatewayOptions,
  type RateDivision,
} from './gateway.ts';
