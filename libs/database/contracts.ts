/** What every half of an interface of this package promises, as tests that also run on a real server. */
export {
  type BlockStoreUnderTest,
  blockStoreContract,
  commitOf,
  metaOf,
} from './blocks/block-store-contract.ts';
export {
  type CompactionStoreUnderTest,
  compactionStoreContract,
} from './compaction/compaction-store-contract.ts';
export { type DeletionStoreUnderTest, deletionStoreContract } from './deletion/deletion-store-contract.ts';
export { type LogIdentityUnderTest, logIdentityContract } from './log-identity/log-identity-contract.ts';
export { type OutageStoreUnderTest, outageStoreContract } from './outage/outage-store-contract.ts';
export { type DatabaseUnderTest, databaseContract, rejectsWith } from './sql/database-contract.ts';
