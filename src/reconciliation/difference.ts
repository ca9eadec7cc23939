import type { Uuid } from '../base/ids.ts';
import type { Period, ReportMoney, Source } from './report.ts';

/** What a report and our books disagree about. */
export const differenceKinds = {
  not_with_us: 'in the report and not with us',
  not_in_report: 'with us and not in the report, though it covers the time',
  state: 'they say something else became of it',
  currency: 'another currency',
  amount: 'another amount',
  number: 'another number was credited',
  twice: 'seen twice',
  unexplained: 'money moved for a reason we have no word for',
} as const;
export type DifferenceKind = keyof typeof differenceKinds;

export type What = 'payment' | 'refund' | 'dispute' | 'credit' | 'other';

/** What one of the two says. */
export type Side = { readonly state: string; readonly money: ReportMoney; readonly at: Date | undefined };

export type Difference = {
  readonly id: bigint;
  readonly source: Source;
  readonly kind: DifferenceKind;
  readonly what: What;
  /** The other side's name for the movement. */
  readonly entry: string | undefined;
  readonly externalId: string | undefined;
  readonly orderId: Uuid | undefined;
  /** Which payment, refund or delivery of the order. */
  readonly itemNo: number | undefined;
  readonly seenIn: { readonly file: bigint; readonly name: string; readonly line: number } | undefined;
  readonly theirs: Side | undefined;
  readonly ours: Side | undefined;
  /** The money that may be lost or owed. */
  readonly stake: ReportMoney;
  readonly firstSeen: Date;
  /** Report and books agree since then. */
  readonly goneAt: Date | undefined;
  readonly resolved: { readonly at: Date; readonly by: string; readonly note: string } | undefined;
};

export type ReportFile = {
  readonly id: bigint;
  readonly source: Source;
  readonly layout: string;
  readonly sha256: string;
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly period: Period;
  readonly isComplete: boolean;
  readonly importedAt: Date;
  readonly importedBy: string;
};

/** `resolved` is what staff made of it; `gone` needed nobody. */
export function statusOf({ resolved, goneAt }: Difference): 'open' | 'gone' | 'resolved' {
  if (resolved) return 'resolved';
  return goneAt ? 'gone' : 'open';
}
