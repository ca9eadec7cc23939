import * as m from '../../messages/compiled/messages.js';
import { present } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import { formatAmount } from '../base/money.ts';
import type { RefusalCode, RefusalDetails } from '../base/refusal.ts';
import { formatMoment, formatMoney } from './format.ts';
import type { Language } from './language.ts';

type Text = (inputs: Inputs, options: { locale: Language }) => string;

/** What any refusal's text may name. Each has a value always: a text never shows a hole. */
type Inputs = { readonly min: string; readonly max: string; readonly seconds: string; readonly until: string };

const texts = new Map(Object.entries(m) as unknown as [string, Text][]);

/** The sentence for a person: what was refused and the way out. */
export function refusalText(code: RefusalCode, language: Language, details: RefusalDetails): string {
  const text = present(texts.get(keyOf(code, details)), `refusal ${code} has a text`);
  return text(inputsOf(code, language, details), { locale: language });
}

/** A bar that only staff can lift names no time. */
function keyOf(code: RefusalCode, details: RefusalDetails): string {
  const key = `refusal_${code.replaceAll('.', '_')}`;
  return code === 'voucher.guess_barred' && endOfBar(details) === undefined ? `${key}_staff` : key;
}

/** Bars until then are for staff to lift, see guessLadder in base/limits. */
const STAFF_YEAR = 9_000;
const RETRY_SECONDS = 60;

/** Until when a bar lasts, where it ends by itself; one that lasts for years is for staff to lift. */
export function endOfBar(details: RefusalDetails): Date | undefined {
  const until = new Date(String(details.until ?? ''));
  if (Number.isNaN(until.getTime())) return undefined;
  return until.getUTCFullYear() >= STAFF_YEAR ? undefined : until;
}

function inputsOf(code: RefusalCode, language: Language, details: RefusalDetails): Inputs {
  const until = endOfBar(details);
  const money = (amount: RefusalDetails[string] | undefined, fallback: bigint): string =>
    formatMoney(String(amount ?? formatAmount(fallback, 'KZT')), language);
  return {
    min: code === 'amount.too_small' ? money(details.min, limits.topupMinorMin) : '',
    max: code === 'amount.too_large' ? money(details.max, limits.topupMinorMax) : String(details.max ?? countMax(code)),
    seconds: String(details.retryAfterSeconds ?? RETRY_SECONDS),
    until: until ? formatMoment(until, language) : '',
  };
}

function countMax(code: RefusalCode): number {
  return code === 'voucher.daily_limit' ? limits.redemptionsPerDayMax : limits.idempotencyKeyLengthMax;
}
