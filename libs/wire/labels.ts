export { type LabelFault, LabelSetParser, writeLabelSet } from './labels/label-set.ts';
export {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  type SeriesSource,
  type SourceFault,
  type SourceHistogram,
  type SourceRefusal,
} from './labels/series-source.ts';
