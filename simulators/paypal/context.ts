import type { Wrongs } from '../wire/control.ts';
import type { Shelf } from '../wire/journal.ts';
import type { Answer } from '../wire/server.ts';
import type { Account, Amount } from './account.ts';

/** What was asked for at the control address and is not done with yet. */
export type Wishes = {
  /** The next capture: refused with this issue, or made of other money than the order says. Once. */
  nextCapture?: { readonly issue?: string; readonly amount?: Amount } | undefined;
  /** The next refund is refused with this issue. Once. */
  nextRefund?: { readonly issue: string } | undefined;
  /** What becomes of refunds that are made, until it is taken back: COMPLETED where nothing is said. */
  refunds?: 'COMPLETED' | 'PENDING' | 'FAILED' | undefined;
  /** How money is taken wrongly, until it is taken back. */
  wrongs: Wrongs;
  /** What webhooks say that is not so, until it is taken back. */
  lies: readonly Lie[];
  /** The address webhooks name their certificate by, instead of the right one. */
  certUrl?: string | undefined;
};

export const lies = ['amount', 'currency', 'order'] as const;
export type Lie = (typeof lies)[number];

/** What a request with a PayPal-Request-Id came to: a repeat is told how that stands now, or the same no. */
export type Remembered = { readonly key: string } & ({ readonly made: Made } | { readonly refused: Answer });
export type Made = { readonly kind: 'order' | 'refund'; readonly id: string };

/** What the simulator's parts share. `url` is how browsers and programs reach it. */
export type Paypal = {
  url: string;
  readonly account: Account;
  readonly requests: Shelf<Remembered>;
  readonly wishes: Wishes;
  /** Sends a webhook. */
  tell(kind: string, resource: Record<string, unknown>): void;
};
