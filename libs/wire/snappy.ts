export { expandSnappy, packSnappy, TooLargeError } from './snappy/snappy-block.ts';
export { SnappyExpander } from './snappy/snappy-expander.ts';
