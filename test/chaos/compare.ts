import { audit } from '../../src/reports/index.ts';
import { openTestPlatform } from '../support/platform.ts';
import type { Charged } from './books.ts';
import type { Run } from './harness.ts';
import { judge, untoldOf } from './judge.ts';
import { type OurBook, readOurBook } from './ledger.ts';
import type { Payer } from './payer.ts';

export type Verdict = {
  readonly orders: number;
  readonly kills: ReadonlyMap<string, number>;
  readonly met: ReadonlyMap<string, number>;
  readonly spells: ReadonlyMap<string, number>;
  readonly notices: OurBook['notices'];
  /** State, and for cases their reason, to how many. */
  readonly ends: ReadonlyMap<string, number>;
  readonly credits: number;
  readonly captures: number;
  readonly refunds: number;
  readonly violations: readonly string[];
  readonly recoveryMsMedian: number;
  readonly recoveryMsMax: number;
  readonly ordersMs: number;
  readonly drainMs: number;
};

/** Three books side by side: what payers were charged, what phones were credited, and what we say of it. */
export async function compare(dataDir: string, run: Run): Promise<Verdict> {
  const platform = await openTestPlatform({ dataDir, keep: true });
  try {
    const ours = await readOurBook(platform);
    const charged = await readCharges(run, ours);
    const credits = new Map((await run.parties.credits()).map((credit) => [credit.reference, credit]));
    const transactions = await run.parties.transactions();
    const underWay = new Set(transactions.filter(({ state }) => state === 'pending').map(({ reference }) => reference));
    const payers = new Map(run.payers.map((payer): [string | undefined, Payer] => [payer.id, payer]));
    const violations = ours.orders.flatMap((order) =>
      judge({ ours: order, charged, credits, underWay, payer: payers.get(order.row.id) }),
    );
    const references = new Set(ours.orders.flatMap(({ deliveries }) => deliveries.map(({ reference }) => reference)));
    for (const { reference } of credits.values())
      if (!references.has(reference))
        violations.push(`an operator has credited ${reference}, which nobody here has asked for`);
    violations.push(
      ...judgeLost(run, ours),
      ...judgeClearing(ours, charged, payers),
      ...judgeDisputes(run, ours),
      ...ours.strays,
      ...run.failures,
    );
    for (const { name, ok, breaches } of await audit(platform.db))
      if (!ok) violations.push(`${name}: ${breaches[0] ?? ''}`);
    const recoveries = [...run.recoveriesMs].sort((a, b) => a - b);
    return {
      orders: run.payers.length,
      kills: run.kills,
      met: run.weather.met,
      spells: run.weather.spells,
      notices: ours.notices,
      ends: endsOf(ours),
      credits: credits.size + ours.orders.reduce((sum, { hosted }) => sum + hosted.times, 0),
      captures: [...charged.values()].filter(({ captured }) => captured > 0n).length,
      refunds: [...charged.values()].reduce(
        (sum, one) => sum + one.refunds.filter(({ state }) => state === 'done').length,
        0,
      ),
      violations,
      recoveryMsMedian: recoveries[recoveries.length >> 1] ?? 0,
      recoveryMsMax: recoveries.at(-1) ?? 0,
      ordersMs: run.ordersMs,
      drainMs: run.drainMs,
    };
  } finally {
    await platform.close();
  }
}

/** What every payment's provider says: those we know of, and those a payer has been sent to. */
async function readCharges(run: Run, ours: OurBook): Promise<Map<string, Charged>> {
  const known = ours.orders.flatMap(({ payments }) =>
    payments.flatMap(({ provider, external_id: id }) => (id === null ? [] : [`${provider} ${id}`])),
  );
  const visited = run.payers.flatMap(({ pages }) => pages.map(({ provider, id }) => `${provider} ${id}`));
  const charged = new Map<string, Charged>();
  for (const key of new Set([...known, ...visited])) {
    const [provider = '', id = ''] = key.split(' ');
    if (provider !== 'stripe' && provider !== 'paypal' && provider !== 'sandbox') continue;
    const found = await run.parties.charged(provider, id);
    if (found) charged.set(key, found);
  }
  return charged;
}

/** What somebody outside remembers and we do not. */
function judgeLost(run: Run, ours: OurBook): string[] {
  const known = new Set(ours.orders.map(({ row }) => row.id as string));
  const payments = new Set(
    ours.orders.flatMap(({ payments: list }) => list.map(({ provider, external_id: id }) => `${provider} ${id}`)),
  );
  return run.payers.flatMap(({ id, pages }) => [
    ...(id === undefined || known.has(id) ? [] : [`order ${id} was acknowledged and is gone`]),
    ...pages
      .filter(({ provider, id: page }) => !payments.has(`${provider} ${page}`))
      .map(({ provider, id: page }) => `a payer of ${id} was sent to ${provider} ${page}, which is nowhere here`),
  ]);
}

/** Every dispute that we have booked is one that somebody has opened, over what they had paid. */
function judgeDisputes(run: Run, ours: OurBook): string[] {
  const opened = new Map(run.payers.flatMap(({ disputes }) => [...disputes]));
  return ours.disputes.flatMap(({ external_id: id, currency, amount_minor: amount }) => {
    const about = opened.get(id);
    return about?.currency === currency && about.captured === amount
      ? []
      : [`a dispute ${id} over ${amount} ${currency}`];
  });
}

/** What a provider holds for us is what it has taken less what it has given back, and less what banks have taken, as far as it has told us. */
function judgeClearing(
  { orders, clearing, disputes }: OurBook,
  charged: ReadonlyMap<string, Charged>,
  payers: ReadonlyMap<string | undefined, Payer>,
): string[] {
  const held = new Map<string, bigint>();
  const add = (provider: string, currency: string, amount: bigint): void => {
    held.set(`${provider} ${currency}`, (held.get(`${provider} ${currency}`) ?? 0n) + amount);
  };
  for (const order of orders)
    for (const payment of order.payments) {
      const there = charged.get(`${payment.provider} ${payment.external_id}`);
      if (!there || payment.state !== 'captured') continue;
      const back = there.refunds
        .filter(({ state }) => state !== 'failed')
        .reduce((sum, { amount }) => sum + amount, 0n);
      const untold = untoldOf(order, payment, { there, payer: payers.get(order.row.id) });
      add(there.provider, there.currency, there.captured - back + untold);
    }
  for (const { provider, currency, amount_minor: amount, state } of disputes)
    if (state !== 'won') add(provider, currency, -amount);
  return [...new Set([...held.keys(), ...clearing.keys()])].flatMap((name) => {
    const [there, here] = [held.get(name) ?? 0n, clearing.get(name) ?? 0n];
    return there === here ? [] : [`${name}: the provider holds ${there}, our book says ${here}`];
  });
}

function endsOf({ orders }: OurBook): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { row, moves, payments } of orders) {
    const last = moves.findLast(({ to_state: state }) => state === row.state);
    const name = row.state === 'case' ? `case ${last?.reason}` : payments.length === 0 ? 'never placed' : row.state;
    ends.set(name, (ends.get(name) ?? 0) + 1);
  }
  return ends;
}
