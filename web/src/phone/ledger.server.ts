import { m } from '../../../messages/compiled/messages.js';
import { type Answer, type Bucket, type Movement, readBalance, readMovements, type Visitor } from '../api.server.ts';
import { formatAmount, formatChange, formatDay, formatInstant } from '../format.ts';
import type { Language } from '../language.ts';
import { formatNumber } from './number.ts';
import type { BucketView, LedgerView, MovementView } from './view.ts';

/** The ledger's side of a number at one moment, to be compared with a later one. */
export type Ledger = {
  readonly msisdn: string;
  readonly buckets: Answer<readonly Bucket[]>;
  readonly movements: Answer<readonly Movement[]>;
};

export async function readLedger(msisdn: string, visitor: Visitor): Promise<Ledger> {
  const [buckets, movements] = await Promise.all([readBalance(msisdn, visitor), readMovements(msisdn, visitor)]);
  return { msisdn, buckets, movements };
}

/** The movements a step made: those that were not there before it. Undefined when one of the two readings failed. */
export function movementsSince(before: Ledger, after: Ledger): readonly Movement[] | undefined {
  const earlier = movementsOf(before);
  const later = movementsOf(after);
  if (!earlier || !later) return undefined;
  const known = new Set(earlier.map((movement) => movement.id));
  return later.filter((movement) => !known.has(movement.id));
}

/** A number nobody has credited has no movements, which is a reading too. */
function movementsOf({ movements }: Ledger): readonly Movement[] | undefined {
  if (movements.kind === 'absent') return [];
  return movements.kind === 'read' ? movements.value : undefined;
}

export function showLedger(ledger: Ledger, language: Language, fresh: readonly Movement[] = []): LedgerView {
  const number = formatNumber(ledger.msisdn);
  const { buckets, movements } = ledger;
  if (buckets.kind === 'read' && movements.kind === 'read') {
    return {
      kind: 'shown',
      number,
      buckets: buckets.value.map((bucket) => showBucket(bucket, language)),
      movements: movements.value.map((movement) =>
        showMovement(movement, { language, fresh: fresh.includes(movement) }),
      ),
    };
  }
  if (buckets.kind === 'absent') return { kind: 'empty', number, text: m.phone_ledger_empty({}, { locale: language }) };
  const refused = [buckets, movements].find((answer) => answer.kind === 'refused');
  return { kind: 'unread', number, text: refused?.detail ?? m.phone_ledger_unread({}, { locale: language }) };
}

function showBucket({ unit, amount, expiresAt }: Bucket, language: Language): BucketView {
  const locale = { locale: language };
  const expires =
    expiresAt === null ? undefined : m.phone_bucket_until({ day: formatDay(expiresAt, language) }, locale);
  return { name: bucketName(unit, language), amount: formatAmount({ unit, amount }, language), expires };
}

function bucketName(unit: string, language: Language): string {
  const locale = { locale: language };
  switch (unit) {
    case 'KZT':
      return m.phone_bucket_money({}, locale);
    case 'KZT_BONUS':
      return m.phone_bucket_bonus({}, locale);
    case 'MB':
      return m.phone_bucket_data({}, locale);
    case 'SECOND':
      return m.phone_bucket_voice({}, locale);
    case 'SMS':
      return m.phone_bucket_sms({}, locale);
    default:
      return unit;
  }
}

function showMovement(movement: Movement, { language, fresh }: { language: Language; fresh: boolean }): MovementView {
  const { id, at, kind, unit, amount, reference } = movement;
  return {
    id,
    at,
    time: formatInstant(at, language),
    kind: kindName(kind, language),
    amount: formatChange({ unit, amount }, language),
    reference,
    fresh,
  };
}

/** A kind there is no word for is shown as the API calls it. */
function kindName(kind: string, language: Language): string {
  const locale = { locale: language };
  switch (kind) {
    case 'topup':
    case 'agent_topup':
      return m.ussd_movement_topup({}, locale);
    case 'voucher':
      return m.ussd_movement_voucher({}, locale);
    case 'expiry':
      return m.ussd_movement_expiry({}, locale);
    default:
      return kind;
  }
}
