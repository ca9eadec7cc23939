import type { Transaction } from './book.ts';
import { productBase, TENGE_A_DOLLAR } from './dtone_catalogue.ts';
import type { Ending } from './endings.ts';
import { operators } from './numbers.ts';

const CONFIRM_WITHIN_MS = 60 * 60_000;

type Class = 'CREATED' | 'CONFIRMED' | 'CANCELLED' | 'SUBMITTED' | 'COMPLETED' | 'DECLINED';
const classIds: Readonly<Record<Class, number>> = {
  CREATED: 1,
  CONFIRMED: 2,
  CANCELLED: 4,
  SUBMITTED: 5,
  COMPLETED: 7,
  DECLINED: 9,
};

/** The numbers after the class's own are ours: clients go by the class. */
const declined: Readonly<Record<Ending, { after: number; message: string } | undefined>> = {
  completed: undefined,
  pin: undefined,
  invalid: { after: 200, message: 'DECLINED-INVALID-CREDIT-PARTY' },
  barred: { after: 201, message: 'DECLINED-BARRED-CREDIT-PARTY' },
  down: { after: 500, message: 'DECLINED-OPERATOR-CURRENTLY-UNAVAILABLE' },
  duplicate: { after: 600, message: 'DECLINED-DUPLICATED-TRANSACTION' },
  declined: { after: 0, message: 'DECLINED' },
  exception: { after: 900, message: 'DECLINED-EXCEPTION' },
};

/**
 * The whole transaction, as answers, lists and callbacks have it. `accepted`: the asynchronous answer to what was just confirmed, which knows no end yet,
 * however soon it comes.
 */
export function transactionView(transaction: Transaction, seenAs?: 'accepted' | 'submitted'): object {
  const { id, reference, number, amount, product, state, ending, createdAt, confirmedAt, callbackUrl } = transaction;
  const operator = operators.find((one) => one.product === product);
  const isCompleted = state === 'ended' && seenAs === undefined && declined[ending] === undefined;
  const dollars = Math.round((Number(amount) / TENGE_A_DOLLAR) * 100) / 100;
  const values = {
    source: { unit_type: 'CURRENCY', unit: 'USD', amount: dollars },
    destination: { unit_type: 'CURRENCY', unit: 'KZT', amount: Number(amount) },
  };
  return {
    id,
    external_id: reference,
    creation_date: new Date(createdAt).toISOString(),
    confirmation_expiration_date: new Date(createdAt + CONFIRM_WITHIN_MS).toISOString(),
    confirmation_date: confirmedAt === undefined ? null : new Date(confirmedAt).toISOString(),
    status: statusOf(transaction, seenAs),
    operator_reference: isCompleted ? `SIM${id}` : null,
    pin: isCompleted && ending === 'pin' ? { code: String(id).padStart(14, '7'), serial: String(id) } : null,
    product: operator ? { ...productBase(operator), pin: null } : null,
    prices: { wholesale: { unit_type: 'CURRENCY', unit: 'USD', amount: dollars, fee: 0 }, retail: null },
    rates: { base: TENGE_A_DOLLAR, wholesale: TENGE_A_DOLLAR, retail: null },
    benefits: [benefit(Number(amount))],
    promotions: null,
    requested_values: { destination: values.destination },
    adjusted_values: values,
    credit_party_identifier: { mobile_number: `+${number}` },
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
}

function benefit(amount: number): object {
  return {
    type: 'CREDITS',
    unit_type: 'CURRENCY',
    unit: 'KZT',
    amount: { base: amount, promotion_bonus: 0, total_excluding_tax: amount, total_including_tax: amount },
    additional_information: null,
  };
}

function statusOf({ state, ending }: Transaction, seenAs: 'accepted' | 'submitted' | undefined): object {
  if (state === 'created') return status('CREATED');
  if (state === 'cancelled') return status('CANCELLED');
  if (seenAs === 'accepted') return status('CONFIRMED');
  if (state === 'pending' || seenAs === 'submitted') return status('SUBMITTED');
  const no = declined[ending];
  return no ? status('DECLINED', no) : status('COMPLETED');
}

function status(name: Class, { after, message } = { after: 0, message: name as string }): object {
  const id = classIds[name];
  return { id: id * 10_000 + after, message, class: { id, message: name } };
}
