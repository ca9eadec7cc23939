import { formatAmount } from '../format.ts';
import type { Language } from '../language.ts';
import { limits } from '../limits.ts';
import { demoSettings } from '../settings.server.ts';
import type { CardView } from './view.ts';

/**
 * Cards seen spent by this process. Memory is enough: after a restart a spent card is offered again and its second use shows
 * that nothing moves twice.
 */
const spent = new Set<string>();

/** An operator's demo cards: some still good, and the last one spent, to try a second time. */
export function showCards(operator: string, language: Language): CardView[] {
  const mine = (demoSettings()?.vouchers ?? []).filter((card) => card.operator === operator && isPin(card.pin));
  const good = mine.filter((card) => !spent.has(card.pin)).slice(0, limits.cardsShown);
  const lastPin = [...spent].findLast((pin) => mine.some((card) => card.pin === pin));
  const last = mine.filter((card) => card.pin === lastPin);
  return [...good, ...last].map(({ pin, amount, currency }) => ({
    pin,
    grouped: pin.replace(/\d{4}(?=\d)/g, '$& '),
    worth: formatAmount({ unit: currency, amount }, language),
    spent: spent.has(pin),
  }));
}

/** The demo card each number has typed last: the step that credits it may come in another call, after a redial. */
const typed = new Map<string, string>();

/** Notes a demo card among the inputs of a number's call. */
export function noteCard(msisdn: string, inputs: readonly string[]): void {
  const pins = new Set((demoSettings()?.vouchers ?? []).map((card) => card.pin));
  const pin = inputs.map((input) => input.replace(/\D/g, '')).findLast((digits) => pins.has(digits));
  if (pin === undefined) return;
  typed.delete(msisdn);
  typed.set(msisdn, pin);
  const [oldest] = typed.keys();
  if (typed.size > limits.callersNotedMax && oldest !== undefined) typed.delete(oldest);
}

/** Whether a demo card has just been said yes to. Whatever the answer was, it is not good any more: a card refused was spent elsewhere. */
export function isUsed(inputs: readonly string[]): boolean {
  const [pin, yes] = inputs.slice(-2).map((input) => input.replace(/\D/g, ''));
  return yes === '1' && (demoSettings()?.vouchers ?? []).some((card) => card.pin === pin);
}

/** The demo card that the number typed last is spent. */
export function markSpent(msisdn: string): void {
  const pin = typed.get(msisdn);
  if (pin === undefined) return;
  spent.delete(pin); // put last: the newest is the one shown
  spent.add(pin);
}

function isPin(text: string): boolean {
  return /^\d+$/.test(text) && text.length >= limits.cardPinDigitsMin && text.length <= limits.cardPinDigitsMax;
}
