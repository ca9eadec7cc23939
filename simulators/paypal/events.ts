import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Message } from '../wire/webhooks.ts';
import { minorOf, newId, valueText } from './account.ts';
import type { Signer } from './certificate.ts';
import type { Lie } from './context.ts';
import { isObject } from './orders.ts';

const summaries = new Map([
  ['CHECKOUT.ORDER.APPROVED', 'An order has been approved by buyer'],
  ['PAYMENT.CAPTURE.COMPLETED', 'Payment completed'],
  ['PAYMENT.CAPTURE.PENDING', 'Payment pending'],
  ['PAYMENT.CAPTURE.DENIED', 'Payment denied'],
  ['PAYMENT.CAPTURE.REFUNDED', 'Payment refunded'],
  ['CUSTOMER.DISPUTE.CREATED', 'A new dispute opened'],
  ['CUSTOMER.DISPUTE.RESOLVED', 'A dispute was resolved'],
]);

function resourceTypeOf(kind: string): string {
  if (kind.startsWith('CHECKOUT.ORDER.')) return 'checkout-order';
  if (kind.startsWith('CUSTOMER.DISPUTE.')) return 'dispute';
  return kind === 'PAYMENT.CAPTURE.REFUNDED' || kind.startsWith('PAYMENT.REFUND.') ? 'refund' : 'capture';
}

/** A webhook's body, truthful but for the lies asked for. */
export function eventOf(
  url: string,
  { kind, resource, lies }: { kind: string; resource: Record<string, unknown>; lies: readonly Lie[] },
): { id: string; body: string } {
  const id = `WH-${newId()}-${newId()}`;
  const self = `${url}/v1/notifications/webhooks-events/${id}`;
  const event = {
    id,
    event_version: '1.0',
    create_time: new Date().toISOString(),
    resource_type: resourceTypeOf(kind),
    resource_version: '2.0',
    event_type: kind,
    summary: summaries.get(kind) ?? kind,
    resource: told(resource, lies),
    links: [
      { href: self, rel: 'self', method: 'GET' },
      { href: `${self}/resend`, rel: 'resend', method: 'POST' },
    ],
  };
  return { id, body: JSON.stringify(event) };
}

/** Amounts are one minor unit more, currencies others, ids and links those of an order nobody has made. */
function told(resource: Record<string, unknown>, lies: readonly Lie[]): unknown {
  const foreign = newId();
  const isForeign = lies.includes('order');
  const tell = (name: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => tell(name, item));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tell(key, item)]));
    if (typeof value !== 'string') return value;
    if (name === 'value' && lies.includes('amount'))
      return valueText(minorOf({ currency_code: '', value }) + 1n, { currency_code: '', value });
    if (name === 'currency_code' && lies.includes('currency')) return value === 'USD' ? 'EUR' : 'USD';
    if (isForeign && (name === 'id' || name === 'order_id')) return foreign;
    if (isForeign && name === 'custom_id') return `${randomUUID()}/1`;
    if (isForeign && name === 'href') return value.replace(/\/[A-Z0-9]{17}/, `/${foreign}`);
    return value;
  };
  return tell('', resource);
}

let stranger: KeyObject | undefined;

/** A key nobody has a certificate for. Made when it is first asked for, because that takes a while. */
function strangersKey(): KeyObject {
  stranger ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return stranger;
}

/** The headers of one transmission: what is signed is the id, the time, the webhook's id and the CRC of the body, in decimal. */
export function transmission(
  { body }: Pick<Message, 'body'>,
  {
    signer,
    webhookId,
    certUrl,
    at,
    forged,
  }: { signer: Signer; webhookId: string; certUrl: string; at: Date; forged: boolean },
): Record<string, string> {
  const id = randomUUID();
  const time = at.toISOString().replace(/\.\d+Z$/, 'Z');
  const key = forged ? strangersKey() : createPrivateKey(signer.privateKey);
  const text = `${id}|${time}|${webhookId}|${crc32(Buffer.from(body))}`;
  return {
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': sign('RSA-SHA256', Buffer.from(text), key).toString('base64'),
    'paypal-cert-url': certUrl,
    'paypal-auth-algo': 'SHA256withRSA',
  };
}
