import type { Uuid } from '../base/ids.ts';
import { seal, unseal } from '../base/keyring.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { withTx } from '../db/index.ts';
import type { Language } from '../i18n/index.ts';
import type { Mailer } from '../notices/index.ts';
import * as contacts from './contact_store.ts';
import { lock, type OrdersContext } from './order_context.ts';

/** How the payer is written to, and where the site's pages are. */
export type Mail = { readonly mailer: Mailer; readonly siteUrl: string };

// What post offices take is wider than what people have; a stray blank, bracket or second address is a slip of the hand.
const EMAIL = /^[^\s@<>()[\],;:"\\\p{Cc}]{1,64}@[^\s@<>()[\],;:"\\\p{Cc}]{1,190}\.[^\s@<>()[\],;:"\\.\p{Cc}]{2,63}$/u;

/** Refuses what is no address. */
export function parseEmail(text: string): string {
  const email = text.trim().normalize('NFKC');
  if (!EMAIL.test(email)) throw new Refusal('email.invalid');
  return email;
}

/** Wants news of an order by letter. Another address takes the place of the first; the same again changes nothing. */
export async function setContact(
  context: OrdersContext,
  id: Uuid,
  { email, language }: { email: string; language: Language },
): Promise<void> {
  if (!context.mail) throw new Refusal('email.unavailable');
  const address = parseEmail(email);
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    const known = await contacts.findContact(tx, id);
    if (known && open(context, known) === address) return;
    if (known && known.changes >= limits.contactChangesMax) throw new Refusal('email.changed_often');
    contacts.setContact(tx, {
      orderId: order.id,
      address: seal(context.keyring.masterKey, Buffer.from(address), contextOf(id)),
      language,
      at: context.clock.now(),
    });
  });
  context.changed(id);
}

/** For whoever has typed it to know it again: `l•••@example.com`. Undefined where nobody is to be written to. */
export async function maskedContact(context: OrdersContext, id: Uuid): Promise<string | undefined> {
  const contact = context.mail && (await contacts.readContact(context.db, id));
  const [name = '', host = ''] = contact ? open(context, contact).split('@') : [];
  return contact && `${[...name][0]}•••@${host}`;
}

/** The address itself, to write to. */
export function open(
  context: OrdersContext,
  { address, orderId }: Pick<contacts.Contact, 'address' | 'orderId'>,
): string {
  return unseal(context.keyring.masterKey, address, contextOf(orderId)).toString();
}

function contextOf(id: Uuid): string {
  return `order contact ${id}`;
}
