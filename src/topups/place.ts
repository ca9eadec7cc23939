import { referenceOf, type Uuid } from '../base/ids.ts';
import { maskMsisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { withTx } from '../db/index.ts';
import {
  askSoon,
  insertPayment,
  movePayment,
  type Payment,
  ProviderUnavailable,
  paymentsOf,
  setOpened,
} from '../payments/index.ts';
import { type Order, worthOf } from './order.ts';
import { after, lock, nthWait, type OrdersContext, providerOf } from './order_context.ts';
import * as store from './order_store.ts';
import { orderDescription } from './order_text.ts';
import { learn, referenceFor } from './paid.ts';

/** Where the payer's browser goes after the provider's page. Neither address proves anything. */
export type Return = { readonly returnUrl: string; readonly cancelUrl: string };

/**
 * The payer says yes: answers the address of the provider's page. Of two clicks the second finds the payment of the first. What the provider
 * has not answered is asked for again under the same key, by the payer's next try.
 */
export async function place(context: OrdersContext, id: Uuid, back: Return): Promise<string> {
  const { order, payment } = await begin(context, id);
  if (payment.url !== undefined) return payment.url;
  const found = await context.subscribers.reveal(order.subscriber);
  if (!found) throw new Refusal('order.wrong_state');
  const opened = await providerOf(context, payment.provider)
    .open({
      reference: referenceFor(payment),
      orderReference: referenceOf(id),
      money: { currency: payment.currency, amountMinor: payment.amountMinor },
      description: orderDescription(order, maskMsisdn(found.msisdn)),
      language: order.language,
      expiresAt: payment.expiresAt,
      ...back,
    })
    .catch((error: unknown) => backOut(context, payment, error));
  await withTx(context.db, async (tx) => {
    await lock(tx, id);
    setOpened(tx, { orderId: id, no: payment.no, ...opened });
  });
  context.changed(id);
  return opened.url;
}

/** A provider that will not take this amount, say, has said so before anybody could pay: the payer chooses again. */
async function backOut(context: OrdersContext, payment: Payment, error: unknown): Promise<never> {
  if (error instanceof Refusal) {
    await withTx(context.db, async (tx) => {
      const order = await lock(tx, payment.orderId);
      movePayment(tx, { payment, to: 'refused' });
      if (order.state === 'awaiting_payment' && order.payments === payment.no)
        store.moveOrder(tx, { order, move: 'revise', at: context.clock.now(), actor: 'provider', reason: error.code });
    });
    context.changed(payment.orderId);
  }
  return unavailable(error);
}

function unavailable(error: unknown): never {
  if (error instanceof ProviderUnavailable) throw new Refusal('payment.unavailable');
  throw error;
}

async function begin(context: OrdersContext, id: Uuid): Promise<{ order: Order; payment: Payment }> {
  return withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    const at = context.clock.now();
    if (order.state === 'awaiting_payment') {
      const payment = (await paymentsOf(tx, id)).at(-1);
      if (payment && payment.state !== 'refused' && payment.state !== 'expired') return { order, payment };
    }
    const { quote } = order;
    if (order.state !== 'quoted' || !quote) throw new Refusal('order.wrong_state');
    if (quote.expiresAt <= at) throw new Refusal('quote.expired');
    const payment = {
      orderId: id,
      no: order.payments + 1,
      provider: quote.method,
      currency: quote.chargeCurrency,
      amountMinor: quote.chargeMinor,
      worthMinor: worthOf(quote),
      openedAt: at,
      expiresAt: quote.expiresAt,
    };
    insertPayment(tx, payment);
    store.moveOrder(tx, {
      order,
      move: 'place',
      at,
      actor: 'payer',
      payments: 1,
      nextAt: after(at, nthWait(context.patience.paymentPollsMs, 0)),
      deadlineAt: quote.expiresAt,
    });
    const placed = (await paymentsOf(tx, id)).at(-1);
    if (!placed) throw new Refusal('system.error');
    return { order, payment: placed };
  });
}

/** The payer came back to change something: the open payment is made unpayable first. Where they have paid after all, the order is paid. */
export async function revise(context: OrdersContext, id: Uuid): Promise<void> {
  const before = await store.readOrder(context.db, id);
  if (!before) throw new Refusal('order.not_found');
  if (before.state === 'awaiting_payment') await lapsePayment(context, id);
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    const at = context.clock.now();
    if (order.state === 'quoted') store.reopen(tx, id);
    else if (order.state === 'awaiting_payment' || order.state === 'expired') {
      store.moveOrder(tx, { order, move: 'revise', at, actor: 'payer' });
      const payment = (await paymentsOf(tx, id)).at(-1);
      // Looked at once more, whatever the order does meanwhile: money may land whose notification gets lost.
      if (payment) askSoon(tx, payment, after(at, nthWait(context.patience.latePollsMs, 0)));
    }
  });
  context.changed(id);
}

/** Makes the latest payment unpayable and takes in what the provider then says: it may have been paid a moment before. */
export async function lapsePayment(context: OrdersContext, id: Uuid): Promise<void> {
  const payment = (await withTx(context.db, (tx) => paymentsOf(tx, id))).at(-1);
  // Never opened, as far as we know: nobody has been given its address.
  if (!payment?.externalId) return;
  const facts = await providerOf(context, payment.provider).expire(payment.externalId).catch(unavailable);
  await learn(context, payment, facts);
}
