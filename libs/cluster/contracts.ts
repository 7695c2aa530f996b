/** What every half of the interfaces of this package promises, as tests: for whoever runs them on a real Redis. */
export { type ClusterUnderTest, clusterContract } from './cluster-contract.ts';
