/** What every half of the log promises, as tests: for the tests that run it on real servers. */
export * from './write-log-contract.ts';
