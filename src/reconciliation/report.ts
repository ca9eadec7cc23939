import type { Uuid } from '../base/ids.ts';
import { Refusal, type RefusalDetails } from '../base/refusal.ts';

/** Whose reports we can read: those who take money for us, and those who credit numbers for us. */
export const sources = ['stripe', 'paypal', 'osmp', 'dtone', 'reloadly'] as const;
export type Source = (typeof sources)[number] | AgentSource;

/** The register of one agent: what it says it has taken for us. */
export type AgentSource = `agent:${string}`;

const AGENT = /^agent:([a-z0-9][a-z0-9-]{1,62})$/;

/** The agent whose register it is. */
export function agentOf(source: Source): string | undefined {
  return AGENT.exec(source)?.[1];
}

export function parseSource(text: string): Source | undefined {
  return sources.find((one) => one === text) ?? (AGENT.test(text) ? (text as AgentSource) : undefined);
}

/**
 * What a line of a report is about. `credit`: a number was credited by an operator. `other`: money moved for a reason that our books keep no
 * row of, such as a reserve or a conversion.
 */
export type LineKind = 'payment' | 'refund' | 'dispute' | 'fee' | 'payout' | 'credit' | 'other';

/** What the other side says became of it. `reversed`: it was done and has been taken back. */
export type LineState = 'done' | 'pending' | 'failed' | 'reversed';

/** Money in minor units of any currency of ISO 4217: a provider may settle in one that nobody pays us in. */
export type ReportMoney = { readonly currency: string; readonly minor: bigint };

/** One movement, in our words. */
export type Line = {
  readonly line: number;
  readonly entry: string;
  readonly kind: LineKind;
  readonly state: LineState;
  readonly externalId: string | undefined;
  readonly names: readonly string[];
  readonly reference: string | undefined;
  readonly currency: string;
  readonly grossMinor: bigint;
  readonly feeMinor: bigint;
  readonly netMinor: bigint;
  readonly amount: ReportMoney;
  readonly numberIndex: Uuid | undefined;
  readonly at: Date;
  /** The end of the day where the report names no time, otherwise the same instant: a period ends there. */
  readonly until: Date;
  /** `unknown`: a word we have no meaning for. */
  readonly extra: Readonly<Record<string, string>>;
};

/** The time a report speaks of, from an instant up to another. */
export type Period = { readonly from: Date; readonly to: Date };

/**
 * This is not the report it is said to be. Names the place and never what stands there: a cell may hold a number or a name.
 */
export function invalid(reason: string, place: { line?: number; column?: string } = {}): Refusal {
  const details: RefusalDetails = { ...place, reason };
  return new Refusal('report.invalid', details);
}
