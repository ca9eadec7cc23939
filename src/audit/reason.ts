import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';

/** Ten digits, however grouped: a number, a PIN. */
const DIGITS = /(\d[ -]?){10,}/;

/** Why somebody did something, as it is kept: one line of bounded length. People paste what they have at hand; a PIN or a number must not reach the record. */
export function parseReason(text: string): string {
  if (text.length > limits.batchNoteLengthMax || /\p{Cc}/u.test(text) || DIGITS.test(text))
    throw new Refusal('request.invalid', { field: 'reason' });
  return text;
}
