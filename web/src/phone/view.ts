import type { Screen } from './screen.ts';

/** Everything the page of the demo phone shows: words and figures ready to read, and nothing secret. */
export type PhoneView = {
  /** What the dial form holds: as typed while it is wrong, tidy once understood. */
  readonly number: string;
  readonly code: string;
  readonly call: CallView | undefined;
  readonly problems: readonly Problem[];
  readonly notice: string | undefined;
  readonly exchange: ExchangeView | undefined;
  readonly ledger: LedgerView;
  readonly cards: readonly CardView[];
};

/** The page has no session: a call is carried from form to form in hidden fields, and sending them again repeats its last step. */
export type CallView = {
  readonly state: 'open' | 'ended' | 'silent';
  readonly session: string;
  readonly text: string;
  readonly reply: string;
  readonly answer: string;
  readonly screen: (Screen & { readonly size: string }) | undefined;
  /** Why there is no screen. */
  readonly trouble: string | undefined;
};

export type Field = 'number' | 'code' | 'answer';
export type Problem = { readonly field: Field; readonly text: string };

export type ExchangeView = {
  readonly address: string;
  /** The form body as it was sent, cut before each `&`. */
  readonly form: readonly string[];
  readonly status: string;
  readonly reply: string | undefined;
};

export type LedgerView =
  | {
      readonly kind: 'shown';
      readonly number: string;
      readonly buckets: readonly BucketView[];
      readonly movements: readonly MovementView[];
    }
  | { readonly kind: 'empty'; readonly number: string; readonly text: string }
  | { readonly kind: 'unread'; readonly number: string; readonly text: string };

export type BucketView = { readonly name: string; readonly amount: string; readonly expires: string | undefined };

export type MovementView = {
  readonly id: string;
  readonly at: string;
  readonly time: string;
  readonly kind: string;
  readonly amount: string;
  readonly reference: string;
  /** Made by the step just taken. */
  readonly fresh: boolean;
};

export type CardView = {
  readonly pin: string;
  readonly grouped: string;
  readonly worth: string;
  readonly spent: boolean;
};
