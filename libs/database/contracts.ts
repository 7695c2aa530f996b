/** What every half of an interface of this package promises, as tests: for whoever runs them on a real server. */
export {
  type BlockStoreUnderTest,
  blockStoreContract,
  commitOf,
  metaOf,
} from './block-store-contract.ts';
export { type CompactionStoreUnderTest, compactionStoreContract } from './compaction-store-contract.ts';
export { type DatabaseUnderTest, databaseContract, rejectsWith } from './database-contract.ts';
export { type DeletionStoreUnderTest, deletionStoreContract } from './deletion-store-contract.ts';
export { type LogIdentityUnderTest, logIdentityContract } from './log-identity-contract.ts';
export { type OutageStoreUnderTest, outageStoreContract } from './outage-store-contract.ts';
