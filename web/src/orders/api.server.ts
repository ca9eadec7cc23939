import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Answer, ask, type Visitor } from '../api.server.ts';

// The verbs of an order, of links to one and of cards, as the platform's API has them.

const orNull = <Shape extends Parameters<typeof Type.Union>[0][number]>(shape: Shape) =>
  Type.Union([shape, Type.Null()]);
const text = Type.String();
const textOrNull = orNull(text);

const Money = Type.Object({ currency: text, amount: text });
const Quote = Type.Object({
  price: Money,
  charge: Money,
  fee: Money,
  margin: Money,
  method: text,
  statement: textOrNull,
  rates: Type.Array(Type.Object({ currency: text, rate: text, day: text, source: text })),
  expiresAt: text,
});
const Payment = Type.Object({
  provider: text,
  state: text,
  url: textOrNull,
  capturedAt: textOrNull,
  providerReference: textOrNull,
});
const Delivery = Type.Object({
  state: text,
  endedAt: textOrNull,
  reason: textOrNull,
  operatorReference: textOrNull,
  nextTryAt: textOrNull,
  unknownSince: textOrNull,
  correctUntil: textOrNull,
});
const Refund = Type.Object({
  no: Type.Number(),
  reference: text,
  amount: Money,
  state: text,
  promisedBy: text,
  createdAt: text,
  endedAt: textOrNull,
  reason: text,
});

const State = Type.Union([
  Type.Literal('draft'),
  Type.Literal('quoted'),
  Type.Literal('awaiting_payment'),
  Type.Literal('expired'),
  Type.Literal('paid'),
  Type.Literal('sending'),
  Type.Literal('unknown'),
  Type.Literal('delivered'),
  Type.Literal('refused'),
  Type.Literal('refunding'),
  Type.Literal('refunded'),
  Type.Literal('case'),
]);

const Order = Type.Object({
  id: text,
  reference: text,
  state: State,
  stateSince: text,
  createdAt: text,
  operator: text,
  /** `grouped` is told only while the number may still be changed by whoever typed it. */
  number: Type.Object({ masked: text, grouped: Type.Optional(text), tail: text }),
  amount: textOrNull,
  currency: text,
  quote: orNull(Quote),
  payment: orNull(Payment),
  delivery: orNull(Delivery),
  refunds: Type.Array(Refund),
  can: Type.Object({ revise: Type.Boolean(), correct: Type.Boolean(), refund: Type.Boolean(), email: Type.Boolean() }),
  isFinal: Type.Boolean(),
  deadlineAt: textOrNull,
  case: orNull(Type.Object({ reason: text, since: text })),
  contact: textOrNull,
});
const Method = Type.Object({ id: text, currencies: Type.Array(text) });
const Methods = Type.Object({
  methods: Type.Array(Method),
  currencies: Type.Array(Type.Object({ currency: text, available: Type.Boolean() })),
});
const PriceLine = Type.Object({ amount: text, currency: text, method: text, price: Money, charge: Money });
const Link = Type.Object({ id: text, operator: text, maskedNumber: text, amount: textOrNull, expiresAt: text });
const Redemption = Type.Object({
  status: Type.Union([Type.Literal('credited'), Type.Literal('already_credited')]),
  reference: text,
  serial: text,
  values: Type.Array(Type.Object({ unit: text, amount: text })),
  balance: text,
  currency: text,
  redeemedAt: text,
});

const ReceiptText = Type.Object({
  title: text,
  warning: Type.Optional(text),
  sections: Type.Record(text, text),
  rows: Type.Array(Type.Object({ section: text, label: text, value: text, kind: text })),
  notes: Type.Array(text),
});
const ReceiptDocument = Type.Object({
  document: text,
  reference: text,
  text: ReceiptText,
  official: orNull(ReceiptText),
});

export type ReceiptText = Static<typeof ReceiptText>;
export type ReceiptDocument = Static<typeof ReceiptDocument>;
export type Money = Static<typeof Money>;
export type Quote = Static<typeof Quote>;
export type Order = Static<typeof Order>;
export type Refund = Static<typeof Refund>;
export type Methods = Static<typeof Methods>;
export type PriceLine = Static<typeof PriceLine>;
export type Link = Static<typeof Link>;
export type Redemption = Static<typeof Redemption>;

const shapes = {
  order: Compile(Order),
  methods: Compile(Methods),
  prices: Compile(Type.Object({ prices: Type.Array(PriceLine) })),
  payment: Compile(Type.Object({ url: text, order: Order })),
  link: Compile(Link),
  redemption: Compile(Redemption),
  receipts: Compile(Type.Object({ documents: Type.Array(ReceiptDocument) })),
};

const pathOf = (id: string): string => `/v1/orders/${encodeURIComponent(id)}`;

/** What can be paid with, in what. */
export function readMethods(visitor: Visitor): Promise<Answer<Methods>> {
  return ask({ path: '/v1/payment-methods', shape: shapes.methods }, visitor);
}

/** An order for a number written in any way; nobody has to pay it. */
export function draftOrder(msisdn: string, visitor: Visitor): Promise<Answer<Order>> {
  return ask({ path: '/v1/orders', shape: shapes.order, method: 'POST', body: { msisdn } }, visitor);
}

export function readOrder(id: string, visitor: Visitor): Promise<Answer<Order>> {
  return ask({ path: pathOf(id), shape: shapes.order }, visitor);
}

export type Recipient = { readonly msisdn?: string; readonly operator?: string };

export function setRecipient(id: string, recipient: Recipient, visitor: Visitor): Promise<Answer<Order>> {
  return ask({ path: `${pathOf(id)}/recipient`, shape: shapes.order, method: 'PUT', body: recipient }, visitor);
}

/** What amounts cost in a currency, in each way they can be paid. Changes nothing. */
export async function readPrices(
  id: string,
  wish: { amounts: readonly string[]; currency: string },
  visitor: Visitor,
): Promise<Answer<readonly PriceLine[]>> {
  const path = `${pathOf(id)}/prices`;
  const answer = await ask({ path, shape: shapes.prices, method: 'POST', body: wish }, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.prices } : answer;
}

export type Wish = {
  readonly amount: string;
  readonly currency: string;
  readonly method: string;
  /** The number's last four digits, where they were asked for. */
  readonly confirm?: string;
};

/** A price held for a quarter of an hour; asked again, it is a new one. */
export function quoteOrder(id: string, wish: Wish, visitor: Visitor): Promise<Answer<Order>> {
  return ask({ path: `${pathOf(id)}/quote`, shape: shapes.order, method: 'POST', body: wish }, visitor);
}

/** Wants news of an order by e-mail. */
export function setContact(id: string, email: string, visitor: Visitor): Promise<Answer<Order>> {
  return ask({ path: `${pathOf(id)}/contact`, shape: shapes.order, method: 'PUT', body: { email } }, visitor);
}

/** The address of the payment service's page for this order: the same however often it is asked. */
export async function payOrder(id: string, backUrl: string, visitor: Visitor): Promise<Answer<string>> {
  const body = { returnUrl: backUrl, cancelUrl: backUrl };
  const path = `${pathOf(id)}/payment`;
  const answer = await ask({ path, shape: shapes.payment, method: 'POST', body, patient: true }, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.url } : answer;
}

/** `revise`: back to the choice, unpaid. `returned`: the payer's browser is back. `refund`: give the money back. */
export type Move = 'revise' | 'returned' | 'refund';

export function moveOrder(id: string, move: Move, visitor: Visitor): Promise<Answer<Order>> {
  const question = { path: `${pathOf(id)}/${move}`, shape: shapes.order, method: 'POST' } as const;
  // Whoever has come back sees the page at once; what the payment service says arrives there by itself.
  return ask(move === 'returned' ? question : { ...question, patient: true }, visitor);
}

export const eventsPath = (id: string): string => `${pathOf(id)}/events`;

export const receiptPath = (id: string, document: string, { language }: Visitor): string =>
  `${pathOf(id)}/receipt.pdf?${new URLSearchParams({ language, document })}`;

/** The documents of an order in the payer's language and in Russian; none before it is paid. */
export async function readReceipts(id: string, visitor: Visitor): Promise<Answer<readonly ReceiptDocument[]>> {
  const path = `${pathOf(id)}/receipts?${new URLSearchParams({ language: visitor.language })}`;
  const answer = await ask({ path, shape: shapes.receipts }, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.documents } : answer;
}

/** One order of the stream; undefined where the data is something else. */
export function readOrderEvent(data: string): Order | undefined {
  const order: unknown = JSON.parse(data);
  return shapes.order.Check(order) ? order : undefined;
}

export type LinkWish = { readonly msisdn: string; readonly amount?: string };

export function createLink(wish: LinkWish, visitor: Visitor): Promise<Answer<Link>> {
  return ask({ path: '/v1/links', shape: shapes.link, method: 'POST', body: wish }, visitor);
}

export function readLink(id: string, visitor: Visitor): Promise<Answer<Link>> {
  return ask({ path: `/v1/links/${encodeURIComponent(id)}`, shape: shapes.link }, visitor);
}

export function orderFromLink(id: string, visitor: Visitor): Promise<Answer<Order>> {
  const path = `/v1/links/${encodeURIComponent(id)}/orders`;
  return ask({ path, shape: shapes.order, method: 'POST' }, visitor);
}

/** Redeems a card. The pair is its own key: sent twice it credits once. */
export function redeemCard(card: { msisdn: string; pin: string }, visitor: Visitor): Promise<Answer<Redemption>> {
  return ask({ path: '/v1/vouchers/redemptions', shape: shapes.redemption, method: 'POST', body: card }, visitor);
}
