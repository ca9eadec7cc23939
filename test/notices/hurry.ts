import type { SmsPatience } from '../../src/notices/index.ts';

/** Days made of seconds. Nothing is given up: whatever is lost must be found by looking at the phones. */
export const hurried: SmsPatience = {
  smsValidMs: 3_600_000,
  smsAnswerValidMs: 3_600_000,
  /** Longer than a centre that is killed all the time takes to tell of everything it had. */
  smsHoldMs: 600_000,
  smsReceiptMs: 5_000,
  smsUnknownMs: 2_000,
  smsBusyMs: 200,
  smsRetriesMs: [300, 1_000],
  smsClaimMs: 8_000,
  smsUndeliveredMax: 3,
};

/** In a bind that is down; with the time for an answer it is below the claim. */
export const waitMs = 3_000;
