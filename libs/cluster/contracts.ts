/** What every half of the interfaces of this package promises, as tests that also run on a real Redis. */
export { clusterContract } from './contract/cluster-contract.ts';
export type { ClusterUnderTest } from './contract/contract-checks.ts';
