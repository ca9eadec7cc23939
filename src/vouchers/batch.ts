import { Encrypter } from 'age-encryption';
import type { ApprovalRequest } from '../audit/index.ts';
import { limits } from '../base/limits.ts';
import { formatAmount, units } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import type { Manifest } from './manifest.ts';
import type { Value } from './voucher.ts';

export type BatchState = 'draft' | 'approved' | 'generated' | 'printed' | 'distributed' | 'closed';

/** Vouchers made together: one operator, one value, one life, serials in a row. */
export type Batch = {
  readonly id: bigint;
  readonly operator: string;
  readonly note: string;
  readonly count: number;
  readonly digits: number;
  readonly state: BatchState;
  readonly firstSerial: bigint;
  readonly lastSerial: bigint;
  /** The card may be redeemed before this instant. */
  readonly expiresAt: Date;
  readonly recipients: readonly string[];
  readonly values: readonly Value[];
  readonly keyId: number | undefined;
  readonly manifest: Manifest | undefined;
  readonly maker: string;
  readonly createdAt: Date;
  /** The used approval that let it leave draft. */
  readonly approval: bigint | undefined;
};

/** What a maker asks for. */
export type Draft = {
  readonly operator: string;
  readonly values: readonly Value[];
  readonly count: number;
  readonly digits?: number;
  readonly expiresAt: Date;
  /** age public keys: the printer's and, where there is one, the escrow's. */
  readonly recipients: readonly string[];
  readonly note?: string;
  readonly maker: string;
};

const DAY_MS = 86_400_000;

/** Refuses a draft that could not become cards. */
export function checkDraft(draft: Draft, now: Date): Required<Draft> {
  const { count, digits = limits.pinDigits, expiresAt, note = '' } = draft;
  const requireField = (field: string, condition: boolean): void => {
    if (!condition) throw new Refusal('request.invalid', { field });
  };
  requireField('count', Number.isInteger(count) && count >= 1 && count <= limits.batchCountMax);
  requireField('digits', Number.isInteger(digits) && digits >= limits.pinDigitsMin && digits <= limits.pinDigitsMax);
  requireField('expires', expiresAt > now && expiresAt.getTime() - now.getTime() <= limits.cardLifeDaysMax * DAY_MS);
  requireField('note', note.length <= limits.batchNoteLengthMax && !/\p{Cc}/u.test(note));
  requireField('value', draft.values.length >= 1 && draft.values.length <= limits.batchValuesMax);
  for (const value of draft.values) checkValue(value);
  const { recipients } = draft;
  requireField('recipient', recipients.length >= 1 && recipients.length <= limits.batchRecipientsMax);
  requireField('recipient', new Set(recipients).size === recipients.length && recipients.every(isRecipient));
  return { ...draft, digits, note };
}

function checkValue({ unit, amount, validDays }: Value): void {
  const max = units[unit].kind === 'money' ? limits.topupMinorMax : limits.batchValueMinorMax;
  if (amount < 1n) throw new Refusal('amount.invalid');
  if (amount > max) throw new Refusal('amount.too_large', { max: formatAmount(max, unit) });
  if (validDays === undefined) return;
  if (!Number.isInteger(validDays) || validDays < 1 || validDays > limits.creditLifeDaysMax) {
    throw new Refusal('request.invalid', { field: 'value' });
  }
}

/** Whether something can be encrypted to this text. */
function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/** The exact request that an approval of a batch is bound to. */
export function requestOf(batch: Batch): ApprovalRequest {
  return {
    batch: String(batch.id),
    operator: batch.operator,
    note: batch.note,
    count: batch.count,
    digits: batch.digits,
    firstSerial: String(batch.firstSerial),
    lastSerial: String(batch.lastSerial),
    expiresAt: batch.expiresAt.toISOString(),
    recipients: batch.recipients,
    values: batch.values.map(({ unit, amount, validDays }) => ({
      unit,
      amount: formatAmount(amount, unit),
      validDays: validDays ?? null,
    })),
    maker: batch.maker,
  };
}

/** What one card is worth, as print files and people read it: `1000.00 KZT + 500.000 MB 30d`. */
export function valueText(values: readonly Value[]): string {
  return values
    .map(({ unit, amount, validDays }) => {
      const life = validDays === undefined ? '' : ` ${validDays}d`;
      return `${formatAmount(amount, unit)} ${unit}${life}`;
    })
    .join(' + ');
}

/** The life of a batch. Active, locked and void are said of its serials and not of the batch. */
export const batchMoves = {
  draft: { approve: 'approved' },
  approved: { generate: 'generated' },
  generated: { print: 'printed' },
  printed: { distribute: 'distributed' },
  distributed: {},
  closed: {},
} as const satisfies Record<BatchState, Readonly<Record<string, BatchState>>>;
