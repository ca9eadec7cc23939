import { formatAmount } from '../../src/base/money.ts';
import type { Charged, Credit } from './books.ts';
import type { OurOrder } from './ledger.ts';
import type { Payer } from './payer.ts';

/** One order in all three books. */
export type Seen = {
  readonly ours: OurOrder;
  /** By the provider's name for the payment. */
  readonly charged: ReadonlyMap<string, Charged>;
  /** By our reference. */
  readonly credits: ReadonlyMap<string, Credit>;
  /** References that the operator has not come to an end with. */
  readonly underWay: ReadonlySet<string>;
  readonly payer: Payer | undefined;
};

const ends: ReadonlySet<string> = new Set(['delivered', 'refunded', 'expired', 'case']);
/** Chosen again and not placed again: nothing is owed either way. */
const unplaced: ReadonlySet<string> = new Set(['draft', 'quoted']);

/** All that cannot be so, in a sentence each. */
export function judge(seen: Seen): string[] {
  const { row } = seen.ours;
  const found = [
    ...judgeEnd(seen),
    ...judgeCredits(seen),
    ...seen.ours.payments.flatMap((payment) => judgePayment(seen, payment)),
    ...judgeFunds(seen),
    ...(row.state === 'case' ? judgeCase(seen) : []),
    ...(seen.payer?.contradictions ?? []),
  ];
  const act = seen.payer ? ` (${seen.payer.plan.act}, ${seen.payer.plan.afterwards}, ${seen.payer.plan.operator})` : '';
  const [first, ...others] = found.map((sentence) => `${row.id} ${row.state}${act}: ${sentence}`);
  return first === undefined ? [] : [`${first}\n${storyOf(seen)}`, ...others];
}

/** What has happened to it, for whoever looks for the cause. */
function storyOf({ ours, charged }: Seen): string {
  const moves = ours.moves.map(({ move, reason }) => (reason ? `${move} (${reason})` : move));
  const payments = ours.payments.map((one) => {
    const there = charged.get(`${one.provider} ${one.external_id}`);
    const back = there?.refunds.map(({ amount, state }) => `${amount} ${state}`).join(', ') ?? '';
    return `${one.no} ${one.provider} ${one.state} ${one.captured_minor}-${one.refunded_minor}, there ${there?.captured}-(${back})`;
  });
  const refunds = ours.refunds.map(
    (one) => `${one.no} of ${one.payment}: ${one.amount_minor} ${one.state} ${one.reason}`,
  );
  const deliveries = ours.deliveries.map((one) => `${one.attempt} ${one.route} ${one.state}`);
  return [moves, payments, refunds, deliveries].map((part) => `    ${part.join('; ')}`).join('\n');
}

function judgeEnd({ ours: { row }, payer }: Seen): string[] {
  if (!ends.has(row.state) && !unplaced.has(row.state)) return ['has not ended'];
  const told = payer?.last?.state;
  // A payer who was told of an end was told the truth; what was going on then may have ended since.
  const isSentBack = payer !== undefined && payer.sentBack.size > 0;
  if (told !== undefined && (told === 'delivered' || told === 'refunded') && told !== row.state && !isSentBack)
    return [`its payer was told ${told}`];
  return [];
}

function judgeCredits({ ours, credits, underWay }: Seen): string[] {
  const { row, deliveries, hosted, number } = ours;
  const found: string[] = [];
  const elsewhere = deliveries.flatMap(({ reference }) => credits.get(reference) ?? []);
  const times = hosted.times + elsewhere.reduce((sum, credit) => sum + credit.times, 0);
  if (times > 1) found.push(`credited ${times} times`);
  if (row.state === 'delivered' && times !== 1) found.push(`delivered, credited ${times} times`);
  if (row.state !== 'delivered' && row.state !== 'case' && times > 0)
    found.push(`credited ${times} times and not delivered`);
  for (const { amount, number: to } of elsewhere) {
    if (amount !== formatAmount(row.face_minor ?? 0n, 'KZT')) found.push(`credited ${amount} of ${row.face_minor}`);
    if (to !== number) found.push('credited another number');
  }
  if (hosted.times > 0 && hosted.amount !== row.face_minor)
    found.push(`credited ${hosted.amount} of ${row.face_minor} here`);
  for (const { reference, state, route, attempt } of deliveries) {
    const isCredited = route === 'hosted' ? hosted.times > 0 : credits.has(reference);
    if (state === 'delivered' && !isCredited)
      found.push(`attempt ${attempt} was called delivered and the operator has not credited it`);
    if (state === 'refused' && route !== 'hosted' && isCredited)
      found.push(`attempt ${attempt} was called refused and the operator has credited it`);
    if (state === 'refused' && underWay.has(reference))
      found.push(`attempt ${attempt} was called refused and is under way`);
    if ((state === 'sending' || state === 'unknown') && row.state !== 'case')
      found.push(`attempt ${attempt} is ${state}`);
  }
  return found;
}

const sumOf = (refunds: Charged['refunds'], ...states: readonly string[]): bigint =>
  refunds.filter(({ state }) => states.includes(state)).reduce((sum, { amount }) => sum + amount, 0n);

/**
 * What staff have given back at the provider, past us, and every notification of it was lost: it is found when the provider's report is
 * read, and is no fault of the books until then.
 */
export function untoldOf(
  ours: OurOrder,
  payment: OurOrder['payments'][number],
  { there, payer }: { there: Charged; payer: Payer | undefined },
): bigint {
  const key = `${there.provider} ${there.id}`;
  const sentBack = payer?.sentBack.get(key);
  const past = payer?.returned.get(key) ?? (sentBack && { ...sentBack, amount: -sentBack.amount });
  if (!past) return 0n;
  // Where we have given back another payment of the order at the same provider, that may be what we were told of.
  const others = ours.payments.filter(({ provider, no }) => provider === there.provider && no !== payment.no);
  const isAmbiguous = others.some(({ refunded_minor: refunded }) => refunded > 0n);
  const isTold = ours.told.some(
    ({ provider, kind, received_at: at }) => provider === there.provider && /refund/i.test(kind) && at > past.at,
  );
  const isMissing = payment.refunded_minor + past.amount === sumOf(there.refunds, 'done', 'pending');
  return isMissing && (!isTold || isAmbiguous) ? past.amount : 0n;
}

function judgePayment({ ours, charged, payer }: Seen, payment: OurOrder['payments'][number]): string[] {
  const there = charged.get(`${payment.provider} ${payment.external_id}`);
  const name = `payment ${payment.no} at ${payment.provider}`;
  if (!there) return payment.captured_minor > 0n ? [`${name} is captured here and unknown there`] : [];
  const back = sumOf(there.refunds, 'done', 'pending');
  const untold = untoldOf(ours, payment, { there, payer });
  const past = payer?.returned.get(`${there.provider} ${there.id}`);
  if (payment.state === 'mismatch') {
    const isOther =
      there.captured !== payment.amount_minor ||
      there.currency !== payment.currency ||
      there.reference !== `${payment.order_id}/${payment.no}`;
    return isOther || ours.row.state === 'case' ? [] : [`${name} is called a mismatch and is none`];
  }
  const found: string[] = [];
  if (there.captured !== payment.captured_minor)
    found.push(`${name}: charged ${there.captured}, ${payment.captured_minor} here`);
  if (there.captured > 0n && there.currency !== payment.currency) found.push(`${name}: charged in ${there.currency}`);
  if (back - untold !== payment.refunded_minor)
    found.push(`${name}: given back ${back}, ${payment.refunded_minor} here`);
  if (ours.row.state === 'case' || there.captured === 0n) return found;
  const isSpent = ours.row.state === 'delivered' && ours.row.paid_by === payment.no;
  if (isSpent && back !== (past?.amount ?? 0n))
    found.push(`${name}: delivered, and ${back} given back of which staff gave ${past?.amount ?? 0n}`);
  const isFailed = ours.refunds.some((one) => one.payment === payment.no && one.state === 'failed');
  if (!isSpent && back - untold !== there.captured && !isFailed)
    found.push(`${name}: charged ${there.captured}, given back ${back}, and not delivered`);
  if (!isSpent && isFailed && back - untold !== there.captured && ours.row.paid_by === payment.no)
    found.push(`${name}: its refund has failed, and it is no case`);
  return found;
}

/** Nothing of the customer's is left where an order has ended; a case holds what it has not spent. */
function judgeFunds({ ours }: Seen): string[] {
  const { row, funds, held, payments, refunds } = ours;
  const isOwed = refunds.some(({ state }) => state === 'failed');
  if (row.state !== 'case')
    return (funds === 0n || isOwed) && held === 0n ? [] : [`${funds} tiyn are left of its funds, ${held} held`];
  const paid = payments.find(({ no }) => no === row.paid_by);
  return funds <= (paid?.worth_minor ?? 0n) || isOwed
    ? []
    : [`a case holds ${funds} of ${paid?.worth_minor ?? 0n} tiyn`];
}

function judgeCase({ ours, charged }: Seen): string[] {
  const last = ours.moves.findLast(({ to_state: state }) => state === 'case');
  const there = ours.payments.flatMap((one) => charged.get(`${one.provider} ${one.external_id}`) ?? []);
  switch (last?.reason) {
    case 'delivery.unknown':
      return ours.deliveries.at(-1)?.state === 'unknown' ? [] : ['a case of delivery, and nothing is unknown'];
    case 'payment.mismatch': {
      const isOther = ours.payments.some((one) => {
        const charge = charged.get(`${one.provider} ${one.external_id}`);
        return charge && charge.captured > 0n && one.state === 'mismatch';
      });
      return isOther ? [] : ['a case of other money, and there is none'];
    }
    case 'refund.refused': {
      const isShort = there.some(({ captured, refunds }) => sumOf(refunds, 'done') < captured);
      return isShort ? [] : ['a case of a refund that was refused, and all was given back'];
    }
    default:
      return [`a case for no reason: ${last?.reason}`];
  }
}
