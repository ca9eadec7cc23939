import { createHmac } from 'node:crypto';
import type { Caller } from './driver.ts';

/** What callers do with orders. Plain data, like the other shapes. */
export type OrderShape = QuoteShape | PlaceShape | NewsShape | PageShape;

/** A price in other money for a draft that is there already. */
export type QuoteShape = { readonly kind: 'quote'; readonly key: string; readonly drafts: readonly string[] };

/** From the number to the provider's address: a draft, a price, a payment opened at the provider. */
export type PlaceShape = { readonly kind: 'place'; readonly key: string; readonly firstNumber: number };

/** A payment as the provider's notification names it. */
export type OpenPayment = {
  readonly order: string;
  readonly reference: string;
  readonly externalId: string;
  readonly currency: string;
  readonly amount: string;
};

/** The provider's signed news that a payment was made, and then the order's page until it says delivered. */
export type NewsShape = {
  readonly kind: 'news';
  readonly key: string;
  readonly secret: string;
  readonly payments: readonly OpenPayment[];
};

export type PageShape = { readonly kind: 'page'; readonly path: string };

export function orderCallers(shape: OrderShape): (nth: number) => Caller {
  switch (shape.kind) {
    case 'quote':
      return (nth) => quote(shape, nth);
    case 'place':
      return (nth) => place(shape, nth);
    case 'news':
      return (nth) => news(shape, nth);
    case 'page':
      return () => ({
        opening: `GET ${shape.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n`,
        reply: ({ status }) => (status === 200 ? 'done' : 'failed'),
      });
  }
}

type Asking = { readonly key: string; readonly path: string; readonly body?: string; readonly visitor: number };

/** As the site asks for a visitor: each from an address of its own, because drafts are counted by it. */
function request({ key, path, body, visitor }: Asking): string {
  const address = `10.${(visitor >> 16) & 255}.${(visitor >> 8) & 255}.${visitor & 255}`;
  const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nX-Forwarded-For: ${address}\r\n`;
  if (body === undefined) return `GET ${path} HTTP/1.1\r\n${head}\r\n`;
  return `POST ${path} HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const price = '{"amount":"1000","currency":"CNY","method":"sandbox"}';

function quote({ key, drafts }: QuoteShape, nth: number): Caller {
  const id = drafts[nth % drafts.length] ?? '';
  return {
    opening: request({ key, path: `/v1/orders/${id}/quote`, body: price, visitor: nth }),
    reply: ({ status }) => (status === 200 ? 'done' : 'failed'),
  };
}

const back = '{"returnUrl":"http://127.0.0.1/","cancelUrl":"http://127.0.0.1/"}';

function place({ key, firstNumber }: PlaceShape, nth: number): Caller {
  let step = 0;
  let path = '';
  return {
    opening: request({ key, path: '/v1/orders', body: `{"msisdn":"${firstNumber + nth}"}`, visitor: nth }),
    reply({ status, body }) {
      step += 1;
      if (step === 1) {
        if (status !== 201) return 'failed';
        path = `/v1/orders/${JSON.parse(body).id}`;
        return { ask: request({ key, path: `${path}/quote`, body: price, visitor: nth }) };
      }
      if (status !== 200) return 'failed';
      return step === 2 ? { ask: request({ key, path: `${path}/payment`, body: back, visitor: nth }) } : 'done';
    },
  };
}

function news({ key, secret, payments }: NewsShape, nth: number): Caller {
  const payment = payments[nth];
  // None left: said as a failure, never as news.
  if (payment === undefined) throw new Error('the run needs more payments than were opened for it');
  const { order, reference, externalId, currency, amount } = payment;
  const money = { currency, amount };
  const refunded = { currency, amount: '0.00' };
  const data = { id: externalId, reference, state: 'captured', money, refunded, capture: `cap-${externalId}` };
  const body = JSON.stringify({ type: 'payment', data });
  const id = `evt-${externalId}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  const look = request({ key, path: `/v1/orders/${order}`, visitor: nth });
  return {
    opening:
      `POST /callbacks/sandbox HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nwebhook-id: ${id}\r\n` +
      `webhook-timestamp: ${timestamp}\r\nwebhook-signature: v1,${signature}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    reply({ status, body: answer }) {
      if (status === 204) return { ask: look };
      if (status !== 200) return 'failed';
      const { state } = JSON.parse(answer);
      if (state === 'delivered') return 'done';
      return state === 'awaiting_payment' || state === 'paid' || state === 'sending' ? { ask: look } : 'failed';
    },
  };
}
