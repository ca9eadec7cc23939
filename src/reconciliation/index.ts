/**
 * Reconciliation: reports of payment providers and registers of operators, kept line by line as they say it, and compared with our payments,
 * refunds, disputes and deliveries. Owns the imported files, their lines and the differences. It reads the books and never moves
 * money: what a difference calls for is done by staff through the verbs of orders.
 */
export { minorText } from './amount.ts';
export { type Difference, differenceKinds, type ReportFile, type Side, statusOf } from './difference.ts';
export type { Asked } from './formats.ts';
export { type DateOrder, parseZone } from './moment.ts';
export type { Bound } from './read.ts';
export {
  createReconciliation,
  type Detail,
  type Imported,
  type ImportReport,
  type Reconciliation,
} from './reconciliation.ts';
export { parseSource, type Source, sources } from './report.ts';
