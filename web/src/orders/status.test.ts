import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languages } from '../language.ts';
import type { Order } from './api.server.ts';
import { refreshSecondsOf, showStatus } from './status.server.ts';
import type { StatusView } from './view.ts';

const now = new Date('2026-11-24T10:00:00Z');
const can = { revise: false, correct: false, refund: false, email: false };
const payment = { provider: 'stripe', state: 'open', url: null, capturedAt: null, providerReference: null };
const delivery = {
  state: 'sending',
  endedAt: null,
  reason: null,
  operatorReference: null,
  nextTryAt: null,
  unknownSince: null,
  correctUntil: null,
};
const refund = {
  no: 1,
  reference: '7KQ4-M2XD-9RTB-R1',
  amount: { currency: 'CNY', amount: '14.32' },
  state: 'pending',
  promisedBy: '2026-12-04',
  createdAt: '2026-11-24T09:59:00Z',
  endedAt: null,
  reason: 'number.invalid',
};

function orderIn(state: Order['state'], more: Partial<Order> = {}): Order {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    reference: '7KQ4-M2XD-9RTB',
    state,
    stateSince: '2026-11-24T09:59:30Z',
    createdAt: '2026-11-24T09:58:00Z',
    operator: 'kcell',
    number: { masked: '+7 701 ••• 45 67', tail: '4567' },
    amount: '1000.00',
    currency: 'KZT',
    quote: {
      price: { currency: 'CNY', amount: '14.32' },
      charge: { currency: 'CNY', amount: '14.32' },
      fee: { currency: 'KZT', amount: '50.00' },
      margin: { currency: 'KZT', amount: '20.00' },
      method: 'stripe',
      statement: 'SAPAR* 7KQ4-M2XD',
      rates: [],
      expiresAt: '2026-11-24T10:15:00Z',
    },
    payment,
    delivery: null,
    refunds: [],
    can,
    isFinal: false,
    deadlineAt: null,
    case: null,
    contact: null,
    ...more,
  };
}

const statusOf = (order: Order): StatusView => showStatus({ order, operators: [], language: 'en', now });

const table: [what: string, order: Order, tone: StatusView['tone'], says: RegExp][] = [
  ['unpaid', orderIn('awaiting_payment', { deadlineAt: '2026-11-24T10:15:00Z' }), 'wait', /Pay CN¥14.32 by 15:15/],
  [
    'taken but not final',
    orderIn('awaiting_payment', { payment: { ...payment, state: 'pending' } }),
    'wait',
    /checked/,
  ],
  ['declined', orderIn('awaiting_payment', { payment: { ...payment, state: 'refused' } }), 'wrong', /not go through/],
  ['never paid', orderIn('expired'), 'ended', /without payment/],
  ['paid', orderIn('paid'), 'wait', /sending it to kcell/],
  [
    'not to be sent yet',
    orderIn('paid', {
      delivery: { ...delivery, nextTryAt: '2026-11-24T10:00:15Z' },
      deadlineAt: '2026-11-24T10:30:00Z',
    }),
    'wait',
    /cannot be reached yet.*until 15:30.*Next update: 15:00/s,
  ],
  ['being sent', orderIn('sending', { delivery }), 'wait', /less than a minute/],
  [
    'without an answer',
    orderIn('unknown', { delivery: { ...delivery, nextTryAt: '2026-11-24T10:05:00Z' } }),
    'wait',
    /never send the same top-up twice.*Next update: 15:05/s,
  ],
  ['delivered', orderIn('delivered', { isFinal: true }), 'good', /₸1,000 is on the phone/],
  [
    'refused',
    orderIn('refused', {
      delivery: { ...delivery, reason: 'number.barred', correctUntil: '2026-11-24T10:10:00Z' },
    }),
    'wrong',
    /does not let this number.*by itself: 15:10/s,
  ],
  ['going back', orderIn('refunding', { refunds: [refund] }), 'wait', /Refund of CN¥14.32.*Friday, December 4/s],
  ['gone back', orderIn('refunded', { refunds: [refund], isFinal: true }), 'ended', /CN¥14.32 refunded.*December 4/s],
  [
    'with a person',
    orderIn('case', { isFinal: true, case: { reason: 'delivery.unknown', since: '2026-11-25T10:00:00Z' } }),
    'wait',
    /A person.*long time.*Nov 25/s,
  ],
];

for (const [what, order, tone, says] of table) {
  test(`an order that is ${what} says so`, () => {
    const view = statusOf(order);
    assert.equal(view.tone, tone);
    assert.match([view.headline, ...view.lines].join('\n'), says);
  });

  test(`an order that is ${what} has words in every language, and no two lines are the same`, () => {
    for (const language of languages) {
      const { headline, lines, facts } = showStatus({ order, operators: [], language, now });
      for (const text of [headline, ...lines, ...facts.flatMap(({ term, value }) => [term, value])])
        assert.ok(text.length > 0 && !/undefined|null|NaN/.test(text), `${language}: ${text}`);
      assert.equal(new Set(lines).size, lines.length);
    }
  });
}

test('what can be done is offered where it can be done', () => {
  const open = { ...payment, url: 'https://pay.example/1' };
  assert.equal(statusOf(orderIn('awaiting_payment', { payment: open })).payUrl, 'https://pay.example/1');
  assert.equal(statusOf(orderIn('paid', { payment: open })).payUrl, undefined);
  const script = { ...payment, url: 'javascript:alert(1)' };
  assert.equal(statusOf(orderIn('awaiting_payment', { payment: script })).payUrl, undefined);

  const revisable = { can: { ...can, revise: true } };
  assert.equal(statusOf(orderIn('awaiting_payment', revisable)).canRevise, true);
  const pending = { ...revisable, payment: { ...payment, state: 'pending' } };
  assert.equal(statusOf(orderIn('awaiting_payment', pending)).canRevise, false, 'money on its way is not called back');
  assert.equal(statusOf(orderIn('expired', revisable)).canRetry, true);

  const returnable = { can: { ...can, refund: true, correct: true } };
  assert.equal(statusOf(orderIn('refused', returnable)).refund?.button, 'Refund CN¥14.32');
  assert.deepEqual(statusOf(orderIn('refused', returnable)).correct, { operator: 'kcell' });
  assert.equal(statusOf(orderIn('paid', returnable)).refund, undefined, 'all is well so far');
  const late = { ...returnable, stateSince: '2026-11-24T09:55:00Z' };
  assert.ok(statusOf(orderIn('paid', late)).refund);
});

test('a receipt is there from the payment on', () => {
  for (const state of ['awaiting_payment', 'expired'] as const)
    assert.equal(statusOf(orderIn(state)).hasReceipt, false, state);
  for (const state of ['paid', 'unknown', 'delivered', 'refused', 'refunded', 'case'] as const)
    assert.equal(statusOf(orderIn(state)).hasReceipt, true, state);
});

test('a page without script asks the less often the longer nothing happens, and stops at the end', () => {
  const after = (seconds: number) => ({ stateSince: new Date(now.getTime() - seconds * 1000).toISOString() });
  assert.equal(refreshSecondsOf(orderIn('sending', after(10)), now), 5);
  assert.equal(refreshSecondsOf(orderIn('unknown', after(120)), now), 15);
  assert.equal(refreshSecondsOf(orderIn('refunding', after(3600)), now), 60);
  assert.equal(refreshSecondsOf(orderIn('delivered', { isFinal: true }), now), undefined);
  const typing = { ...delivery, correctUntil: '2026-11-24T10:09:00Z' };
  assert.equal(refreshSecondsOf(orderIn('refused', { delivery: typing }), now), 540, 'not while a number is typed');
});
