import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { FEED_PATH, startBank } from '../../simulators/bank/bank.ts';
import { startOperators } from '../../simulators/operators/operators.ts';
import { startSandbox } from '../../simulators/sandbox/index.ts';
import type { Uuid } from '../../src/base/ids.ts';
import type { Currency } from '../../src/base/money.ts';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import { closeDb, type Db, openDb } from '../../src/db/index.ts';
import { audit } from '../../src/reports/index.ts';
import { createStaffOrders } from '../../src/topups/index.ts';
import { breachesOf } from '../support/planting.ts';
import { openTestPlatform, type TestPlatform } from '../support/platform.ts';

// The audit of orders finds what is there: a little of everything that can become of an order, and then defects planted in it.

type Closing = { readonly url: string; close(): Promise<void> };

let platform: TestPlatform;
let owner: Db;
let outside: Closing[] = [];

before(async () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const [sandbox, operators, bank] = await Promise.all([
    startSandbox({ secret }),
    startOperators({ osmp: {} }),
    startBank(),
  ]);
  outside = [sandbox, operators, bank];
  platform = await openTestPlatform({
    env: {
      SANDBOX_URL: sandbox.url,
      SANDBOX_SECRET: secret,
      OSMP_URL: `${operators.url}/osmp`,
      SAPAR_ROUTES: 'beeline=osmp',
      SAPAR_RATES_URL: `${bank.url}${FEED_PATH}`,
    },
    patience: { correctionMs: 0, quoteMs: 1_500, latePollsMs: [300, 600], enquiriesMs: [100], refundRetriesMs: [100] },
  });
  owner = openDb(platform.ownerUrl, 1);
  await platform.rates.refresh();
  await history();
});
after(async () => {
  await closeDb(owner);
  await platform.close();
  await Promise.all(outside.map((one) => one.close()));
});

type Wish = { readonly msisdn: string; readonly currency: Currency; readonly outcome: string };

async function order({ msisdn, currency, outcome }: Wish): Promise<Uuid> {
  const { orders } = platform;
  const id = await orders.draft({ recipient: { msisdn: parseMsisdn(msisdn), operator: undefined }, language: 'en' });
  await orders.quote(id, { faceMinor: 1_000_00n, currency, method: 'sandbox', language: 'en', confirm: undefined });
  const url = await orders.place(id, { returnUrl: 'http://127.0.0.1/', cancelUrl: 'http://127.0.0.1/' });
  if (outcome !== 'none')
    await fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ outcome }) });
  await orders.returned(id);
  return id;
}

async function workUntil(ids: readonly Uuid[], states: readonly string[]): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    await platform.orders.workOnce();
    const views = await Promise.all(ids.map((id) => platform.orders.view(id)));
    if (views.every(({ state }) => states.includes(state))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`not all orders came to ${states.join(' or ')}`);
}

/** Delivered here and elsewhere, in tenge and other money; refused and given back; lapsed; open; given back in part. */
async function history(): Promise<void> {
  const ended = await Promise.all([
    order({ msisdn: '77010001800', currency: 'KZT', outcome: 'pay' }),
    order({ msisdn: '77010002800', currency: 'CNY', outcome: 'pay' }),
    order({ msisdn: '77050003800', currency: 'USD', outcome: 'pay' }),
    order({ msisdn: '77050004800', currency: 'CNY', outcome: 'pay' }),
    order({ msisdn: '77050005802', currency: 'CNY', outcome: 'pay' }),
    order({ msisdn: '77050006806', currency: 'KZT', outcome: 'pay' }),
    order({ msisdn: '77010007800', currency: 'CNY', outcome: 'none' }),
  ]);
  await workUntil(ended, ['delivered', 'refunded', 'expired']);
  const staff = createStaffOrders(platform.orders.context);
  await staff.refund(ended[1] as Uuid, { actor: 'aliya', reason: 'goodwill', amountMinor: 500n });
  await staff.refund(ended[2] as Uuid, { actor: 'aliya', reason: 'goodwill' });
  const unknown = await order({ msisdn: '77050008900', currency: 'CNY', outcome: 'pay' });
  await workUntil([unknown], ['unknown']);
  const refundsOwed = async (): Promise<bigint> =>
    (await platform.sql<{ count: bigint }>("select count(*) from refund where state <> 'done'"))[0]?.count ?? 0n;
  for (let round = 0; round < 200 && (await refundsOwed()) > 0n; round += 1) {
    await platform.orders.workOnce();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function alarms(): Promise<string[]> {
  return (await audit(platform.db)).filter((check) => !check.ok).map((check) => `${check.name}: ${check.breaches[0]}`);
}

test('the books of orders are clean, and all states that matter are in them', async () => {
  const states = await platform.sql<{ state: string }>('select distinct state from topup_order order by state');
  assert.deepEqual(
    states.map(({ state }) => state),
    ['delivered', 'expired', 'refunded', 'unknown'],
  );
  assert.deepEqual(await alarms(), []);
});

const one = (table: string, key: string, where: string): string =>
  `(select ${key} from ${table} where ${where} order by 1 limit 1)`;
// One of which nothing was given back: else what is wrong on both sides would cancel out.
const delivered = one(
  'topup_order',
  'id',
  "state = 'delivered' and not exists (select from refund where order_id = id)",
);
const refunded = one('topup_order', 'id', "state = 'refunded'");
const unknown = one('topup_order', 'id', "state = 'unknown'");
const deliveryEvent = one('transfer', 'event', "code = 'order_delivery' and kind in ('posted', 'captured')");
const heldEvent = `(select event from transfer where code = 'order_delivery' and kind = 'pending' except select event from transfer where phase = 1 limit 1)`;
const paymentEvent = one('transfer', 'event', "code = 'order_payment'");
const refundEvent = one('transfer', 'event', "code = 'order_refund'");

const defects: string[] = [
  // An order that says something else than what has happened to it.
  `update topup_order set state = 'refunded' where id = ${delivered}`,
  `update topup_order set state = 'paid' where id = ${delivered}`,
  `update topup_order set state = 'delivered' where id = ${refunded}`,
  `update topup_order set state = 'delivered' where id = ${unknown}`,
  `update topup_order set state = 'refunding' where id = ${unknown}`,
  `update topup_order set face_minor = face_minor + 100 where id = ${delivered}`,
  `update topup_order set fee_minor = fee_minor + 100 where id = ${delivered}`,
  `update topup_order set margin_minor = margin_minor + 1 where id = ${unknown}`,
  `update topup_order set paid_by = null where id = ${delivered}`,
  `update topup_order set paid_by = 7 where id = ${delivered}`,
  `update topup_order set deliveries = deliveries + 1 where id = ${delivered}`,
  `delete from topup_order where id = ${delivered}`,
  // A trail that was tampered with.
  `delete from order_move where order_id = ${delivered} and to_state = 'delivered'`,
  `delete from order_move where order_id = ${delivered} and to_state = 'paid'`,
  `update order_move set to_state = 'refused' where order_id = ${delivered} and to_state = 'delivered'`,
  `update order_move set from_state = 'unknown' where order_id = ${delivered} and to_state = 'paid'`,
  // Payments that were, were not, or were of something else.
  `update payment set state = 'open' where order_id = ${delivered}`,
  `update payment set captured_minor = captured_minor + 1 where order_id = ${delivered}`,
  `update payment set captured_minor = captured_minor - 1, amount_minor = amount_minor - 1 where order_id = ${unknown}`,
  `update payment set worth_minor = worth_minor + 1 where order_id = ${delivered}`,
  `update payment set refunded_minor = refunded_minor + 1 where order_id = ${delivered}`,
  `update payment set refunded_minor = refunded_minor - 1 where order_id = ${refunded}`,
  `update payment set state = 'captured', captured_minor = amount_minor, captured_at = now() where state = 'expired'`,
  `update payment set provider = 'stripe' where order_id = ${delivered}`,
  `update payment set currency = 'EUR' where order_id = ${refunded} and currency = 'CNY' or order_id = ${unknown}`,
  `delete from payment where order_id = ${delivered}`,
  `insert into payment select order_id, no + 1, provider, state, external_id, capture_id, url, currency, amount_minor, worth_minor, captured_minor, 0, opened_at, expires_at, captured_at from payment where order_id = ${delivered}`,
  // Refunds.
  `update refund set amount_minor = amount_minor + 1 where state = 'done'`,
  `update refund set worth_minor = worth_minor + 1 where order_id = ${refunded}`,
  `update refund set state = 'owed' where order_id = ${refunded}`,
  `delete from refund where order_id = ${refunded}`,
  `insert into refund select order_id, no + 1, payment, currency, amount_minor, worth_minor, state, reason, actor, external_id, promised_by, created_at, ended_at, null, 0 from refund where order_id = ${refunded}`,
  // Deliveries.
  `update delivery set state = 'refused' where order_id = ${delivered}`,
  `update delivery set state = 'delivered' where order_id = ${refunded}`,
  `update delivery set state = 'delivered' where order_id = ${unknown}`,
  `update delivery set state = 'refused' where order_id = ${unknown}`,
  `delete from delivery where order_id = ${delivered}`,
  `insert into delivery select order_id, attempt + 1, route, operator, reference, state, operator_reference, reason, asked, began_at, ended_at from delivery where order_id = ${delivered}`,
  // The books themselves.
  `delete from transfer where event = ${deliveryEvent}`,
  `delete from transfer where event = ${heldEvent}`,
  `delete from transfer where event = ${paymentEvent}`,
  `delete from transfer where event = ${refundEvent}`,
  `update transfer set amount = amount + 1 where event = ${deliveryEvent} and leg = 0`,
  `update transfer set amount = amount + 1 where event = ${paymentEvent} and leg = 0`,
  `update transfer set code = 'transfer' where event = ${deliveryEvent}`,
  `insert into transfer (event, leg, kind, code, debit, credit, amount, unit) select gen_random_uuid(), leg, kind, code, debit, credit, amount, unit from transfer where event = ${paymentEvent}`,
  `insert into transfer (event, leg, kind, code, debit, credit, amount, unit) select gen_random_uuid(), leg, 'posted', code, debit, credit, amount, unit from transfer where event = ${deliveryEvent} and phase = 0`,
  ...['customer_funds', 'exchange', 'sandbox_clearing', 'refund_expense', 'osmp_payable'].map(
    (kind) =>
      `update account set credits_posted = credits_posted + 1 where kind = '${kind}' and debits_posted + credits_posted > 0`,
  ),
  // Money moved between two system accounts, each counter as it should be.
  `with planted as (
      insert into transfer (event, leg, kind, code, debit, credit, amount, unit)
      select gen_random_uuid(), 0, 'posted', 'order_refund', min(id) filter (where kind = 'customer_funds'), min(id) filter (where kind = 'fee_income'), 100, 1
        from account where kind in ('customer_funds', 'fee_income') and unit_of_account(id) = 1
      returning debit, credit, amount
    ) update account set debits_posted = debits_posted + case when id = debit then amount else 0 end,
      credits_posted = credits_posted + case when id = credit then amount else 0 end from planted where id in (debit, credit)`,
  // Notices.
  `delete from notice where event = ${deliveryEvent}`,
  `insert into notice (subscriber, event, kind) select subscriber, event, kind from notice where event = ${deliveryEvent}`,
];

test(`each of ${defects.length} defects planted among orders is found`, async () => {
  const missed: string[] = [];
  for (const defect of defects) if ((await breachesOf(owner, defect)).length === 0) missed.push(defect);
  assert.deepEqual(missed, []);
  assert.deepEqual(await alarms(), []);
});
