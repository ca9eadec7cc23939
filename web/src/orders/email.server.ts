import { m } from '../../../messages/compiled/messages.js';
import type { Problem } from '../forms.ts';
import { problemIn, visitorOf } from '../found.server.ts';
import type { Language } from '../language.ts';
import { siteWords } from '../words.server.ts';
import { type Order, setContact } from './api.server.ts';
import type { Fact } from './fact.ts';

type Asking = Parameters<typeof visitorOf>[0];

/** Whether the page asks for an address: letters can be sent, and this payer wants none yet. */
export function offersEmail({ can, contact }: Pick<Order, 'can' | 'contact'>): boolean {
  return can.email && contact === null;
}

/** Notes where news of an order go; what is wrong with the address is said at its field. Nothing typed is nothing asked. */
export async function noteEmail(event: Asking, id: string, typed: string): Promise<Problem | undefined> {
  if (typed === '') return undefined;
  const noted = await setContact(id, typed, visitorOf(event));
  return noted.kind === 'read'
    ? undefined
    : problemIn(noted, siteWords(event.locals.language), (code) => (code.startsWith('email.') ? 'email' : undefined));
}

/** Where letters go, as far as the page tells it. */
export function contactFacts({ contact }: Pick<Order, 'contact'>, language: Language): Fact[] {
  return contact === null ? [] : [{ term: m.order_email_set({}, { locale: language }), value: contact }];
}
