import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { withTx } from '../db/index.ts';
import { isLanguage } from '../i18n/index.ts';
import { open } from './contact.ts';
import * as contacts from './contact_store.ts';
import { after, nthWait, type OrdersContext } from './order_context.ts';
import { letterText, newsOf, worthTellingAt } from './order_letter.ts';
import { type OrderView, viewOrder } from './order_view.ts';

/** Looks whether there is news, tells it, and says when to look again. `claimed`: until when nobody else looks. */
export async function workContact(context: OrdersContext, contact: contacts.Contact, claimed: Date): Promise<void> {
  const order = await viewIfThere(context, contact.orderId);
  const next = order && (await tell(context, contact, order));
  await withTx(context.db, async (tx) => {
    if (next) contacts.schedule(tx, contact, { ...next, claimed });
    else contacts.forget(tx, contact.orderId);
  });
}

/** A draft that was never paid is forgotten, and then there is nothing to tell. */
async function viewIfThere(context: OrdersContext, id: Uuid): Promise<OrderView | undefined> {
  try {
    return await viewOrder(context, id);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'order.not_found') return undefined;
    throw error;
  }
}

type Next = { readonly told: string; readonly tries: number; readonly nextAt: Date };

/** Undefined when there will be no more to tell. */
async function tell(context: OrdersContext, contact: contacts.Contact, order: OrderView): Promise<Next | undefined> {
  const { mail, clock, catalogue } = context;
  const now = clock.now();
  const language = isLanguage(contact.language) ? contact.language : order.language;
  const operator = catalogue.operators().find(({ id }) => id === order.operator)?.names[language] ?? order.operator;
  const news = newsOf({ order, operator, language, now });
  if (!mail || !news || news.key === contact.told) {
    const nextAt = nextLook(order, now);
    return nextAt && { told: contact.told, tries: 0, nextAt };
  }
  const letter = {
    to: open(context, contact),
    subject: `${news.headline} · ${order.reference}`,
    text: letterText(news, order, { siteUrl: mail.siteUrl, language }),
    id: `${order.id}.${news.key.replace(/[^\w-]+/g, '.')}@${new URL(mail.siteUrl).hostname}`,
  };
  const outcome = await mail.mailer.send(letter).catch(() => 'later' as const);
  context.onLetter?.(outcome);
  const again = { told: contact.told, tries: contact.tries + 1 };
  if (outcome === 'later' && contact.tries < limits.letterTriesMax)
    return { ...again, nextAt: after(now, nthWait(limits.letterRetriesMs, contact.tries)) };
  return { told: news.key, tries: 0, nextAt: nextLook(order, now) ?? after(now, limits.contactKeptMs) };
}

/** A move of the order makes it due at once; this is for what happens without one, and for forgetting the address. */
function nextLook(order: OrderView, now: Date): Date | undefined {
  if (order.state === 'unknown' && worthTellingAt(order) > now) return worthTellingAt(order);
  // What has ended may have a sequel for a while: a refund that comes back, a disputed payment.
  const forgottenAt = after(new Date(order.stateSince), limits.contactKeptMs);
  return forgottenAt > now ? forgottenAt : undefined;
}
