import { createHmac, randomUUID } from 'node:crypto';
import type { ProviderId } from '../../src/payments/index.ts';
import type { Settings } from './outside.ts';

export type Forgery = { readonly name: string; readonly body: string; readonly headers: Record<string, string> };

type Target = {
  readonly orderId: string;
  readonly no: number;
  readonly id: string;
  readonly currency: string;
  readonly amountMinor: number;
};

const STALE_SECONDS = 900;

/** Notifications that say a payment was made that was not, by somebody who has more or less of what it takes. None may be believed. */
export function forge(provider: ProviderId, target: Target, settings: Settings): Forgery[] {
  switch (provider) {
    case 'stripe':
      return stripe(target, settings.STRIPE_WEBHOOK_SECRET);
    case 'sandbox':
      return sandbox(target, settings.SANDBOX_SECRET);
    case 'paypal':
      return paypal(target, settings.PAYPAL_CERT_ORIGIN);
  }
}

function stripe(target: Target, secret: string): Forgery[] {
  const body = (more: object): string =>
    JSON.stringify({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type: 'checkout.session.completed',
      data: {
        object: {
          id: target.id,
          object: 'checkout.session',
          status: 'complete',
          payment_status: 'paid',
          client_reference_id: `${target.orderId}/${target.no}`,
          amount_total: target.amountMinor,
          currency: target.currency.toLowerCase(),
          payment_intent: 'pi_forged',
          ...more,
        },
      },
    });
  const sign = (text: string, key: string, ago = 0): Record<string, string> => {
    const at = Math.floor(Date.now() / 1_000) - ago;
    return { 'stripe-signature': `t=${at},v1=${createHmac('sha256', key).update(`${at}.${text}`).digest('hex')}` };
  };
  const [paid, less, other] = [
    body({}),
    body({ amount_total: target.amountMinor - 1 }),
    body({ client_reference_id: `${randomUUID()}/1` }),
  ];
  return [
    { name: 'unsigned', body: paid, headers: {} },
    { name: 'signed by a stranger', body: paid, headers: sign(paid, 'whsec_stranger') },
    { name: 'signed long ago', body: paid, headers: sign(paid, secret, STALE_SECONDS) },
    { name: 'of another amount', body: less, headers: sign(less, secret) },
    { name: 'of another order', body: other, headers: sign(other, secret) },
  ];
}

function sandbox(target: Target, secret: string): Forgery[] {
  const digits = String(target.amountMinor).padStart(3, '0');
  const payment = {
    id: target.id,
    reference: `${target.orderId}/${target.no}`,
    state: 'captured',
    money: { currency: target.currency, amount: `${digits.slice(0, -2)}.${digits.slice(-2)}` },
    refunded: { currency: target.currency, amount: '0.00' },
    capture: 'cap_forged',
  };
  const body = (more: object): string =>
    JSON.stringify({ type: 'payment', timestamp: new Date().toISOString(), data: { ...payment, ...more } });
  const sign = (text: string, key: Buffer, ago = 0): Record<string, string> => {
    const id = `msg_${randomUUID()}`;
    const at = String(Math.floor(Date.now() / 1_000) - ago);
    const signature = createHmac('sha256', key).update(`${id}.${at}.${text}`).digest('base64');
    return { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` };
  };
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const [paid, other] = [body({}), body({ reference: `${randomUUID()}/1` })];
  const less = body({ money: { currency: target.currency, amount: '0.01' } });
  return [
    { name: 'unsigned', body: paid, headers: {} },
    { name: 'signed by a stranger', body: paid, headers: sign(paid, Buffer.from('stranger')) },
    { name: 'signed long ago', body: paid, headers: sign(paid, key, STALE_SECONDS) },
    { name: 'of another amount', body: less, headers: sign(less, key) },
    { name: 'of another order', body: other, headers: sign(other, key) },
  ];
}

function paypal(target: Target, certOrigin: string): Forgery[] {
  const body = JSON.stringify({
    id: `WH-${randomUUID()}`,
    event_type: 'PAYMENT.CAPTURE.COMPLETED',
    resource: { id: 'FORGED', supplementary_data: { related_ids: { order_id: target.id } } },
  });
  const headers = (certUrl: string): Record<string, string> => ({
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-transmission-id': randomUUID(),
    'paypal-transmission-time': new Date().toISOString(),
    'paypal-transmission-sig': Buffer.alloc(256, 1).toString('base64'),
    'paypal-cert-url': certUrl,
  });
  return [
    { name: 'unsigned', body, headers: {} },
    {
      name: 'with a certificate of a stranger',
      body,
      headers: headers('http://127.0.0.1:9/v1/notifications/certs/CERT-1'),
    },
    { name: 'with no certificate', body, headers: headers(`${certOrigin}/v1/notifications/certs/CERT-none`) },
  ];
}
