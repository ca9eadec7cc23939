import type { Fact } from './fact.ts';

export type Step = { readonly name: string; readonly state: 'done' | 'now' | 'todo' };

/** Everything the page of an order shows, in the words of one language, and nothing secret. The stream of news carries the same. */
export type StatusView = {
  /** Changes with each thing worth telling. */
  readonly stamp: string;
  readonly tone: 'wait' | 'good' | 'wrong' | 'ended';
  readonly headline: string;
  readonly lines: readonly string[];
  readonly steps: readonly Step[];
  readonly facts: readonly Fact[];
  readonly payUrl: string | undefined;
  readonly canRevise: boolean;
  readonly canRetry: boolean;
  readonly correct: { readonly operator: string } | undefined;
  readonly refund: { readonly text: string; readonly button: string } | undefined;
  readonly hasReceipt: boolean;
  /** Nothing will change any more by itself. */
  readonly isFinal: boolean;
  /** What is said while nothing can be heard. */
  readonly lost: string;
};
