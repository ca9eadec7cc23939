import * as m from '../../../messages/compiled/messages.js';
import { referenceOf, type Uuid } from '../../base/ids.ts';
import { type Keyring, unseal } from '../../base/keyring.ts';
import { formatAmount } from '../../base/money.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import type { Db } from '../../db/index.ts';
import { formatMoneyPhone, formatQuantityPhone, type Language, type Quantity } from '../../i18n/index.ts';
import { mainAccount, unitByNo } from '../../ledger/index.ts';
import type { Revealed, Subscribers } from '../../parties/index.ts';
import * as store from './credit_store.ts';
import type { Sms } from './sms.ts';

/** What is to be sent, and to whom; or why not. `repeated` says the same for whoever may have read it already. */
export type Words =
  | { readonly to: Msisdn; readonly text: string; readonly repeated: string }
  | { readonly drop: string };

export type WordsDeps = {
  readonly db: Db;
  readonly keyring: Keyring;
  readonly subscribers: Pick<Subscribers, 'reveal'>;
};

/** What a credit brought, as a notice tells it; `balance` is missing where another operator keeps it. */
export type CreditNews = {
  readonly values: readonly Quantity[];
  readonly balance: string | undefined;
  readonly reference: string;
};

/** The words of each message, in the order asked. Numbers, amounts and balances are read now: a message that waited tells how things stand. */
export async function wordsOf(deps: WordsDeps, messages: readonly Sms[], language: Language): Promise<Words[]> {
  const untold = messages.filter((sms) => sms.text === undefined);
  const [owners, news] = await Promise.all([
    Promise.all(
      messages.map((sms) => (sms.subscriber === undefined ? undefined : deps.subscribers.reveal(sms.subscriber))),
    ),
    readNews(deps.db, untold),
  ]);
  return messages.map((sms, index) => {
    const owner = owners[index];
    const to = owner?.msisdn ?? sealedNumber(deps.keyring, sms);
    const drop = to === undefined ? 'number.erased' : dropOf(sms, owner);
    if (to === undefined || drop !== undefined) return { drop: drop ?? 'number.erased' };
    const locale = owner?.language ?? language;
    const told = sms.event && news.get(sms.event);
    const text = sms.text ?? (told && noticeText(sms, told, locale));
    if (text === undefined) return { drop: 'event.unknown' };
    return { to, text, repeated: m.sms_repeat({ text }, { locale }) };
  });
}

/** A closed number hears no news; whoever asks is answered. */
function dropOf(sms: Sms, owner: Revealed | undefined): string | undefined {
  return sms.kind !== 'answer' && owner?.status === 'closed' ? 'number.closed' : undefined;
}

function noticeText({ kind }: Pick<Sms, 'kind'>, { values, balance, reference }: CreditNews, locale: Language): string {
  const amount = values.map((value) => formatQuantityPhone(value, locale)).join(', ');
  if (balance === undefined) return m.topup_delivered({ amount, reference }, { locale });
  const told = { amount, balance: formatMoneyPhone(balance, locale), reference };
  return kind === 'voucher_credited' ? m.voucher_credited(told, { locale }) : m.topup_credited(told, { locale });
}

async function readNews(db: Db, messages: readonly Sms[]): Promise<ReadonlyMap<Uuid, CreditNews>> {
  const events = messages.flatMap((sms) => sms.event ?? []);
  if (events.length === 0) return new Map();
  const accounts = messages.flatMap(({ subscriber }) =>
    subscriber === undefined ? [] : [{ subscriber, account: mainAccount(subscriber, 'KZT') }],
  );
  const [credits, balances] = await Promise.all([
    store.readCredits(db, events),
    store.readBalances(
      db,
      accounts.map(({ account }) => account),
    ),
  ]);
  const rows = Map.groupBy(credits, (credit) => credit.event);
  const available = new Map(balances.map(({ id, balance }) => [id, balance]));
  return new Map(
    messages.flatMap(({ event, subscriber }): [Uuid, CreditNews][] => {
      const found = event && rows.get(event);
      if (!event || !found || subscriber === undefined) return [];
      const balance = available.get(mainAccount(subscriber, 'KZT'));
      const isOurs = found.every((row) => row.is_ours) && balance !== undefined;
      return [
        [
          event,
          {
            values: found.map((row) => quantityOf(row)),
            balance: isOurs ? formatAmount(balance, 'KZT') : undefined,
            reference: referenceOf(event),
          },
        ],
      ];
    }),
  );
}

function quantityOf({ unit, amount }: store.CreditRow): Quantity {
  const name = unitByNo(unit);
  return { unit: name, amount: formatAmount(amount, name) };
}

/** Bound to whose number it is: a seal moved to another row does not open. */
export function numberContext(index: Uuid): string {
  return `sms ${index}`;
}

function sealedNumber(keyring: Keyring, { numberSealed, numberIndex }: Sms): Msisdn | undefined {
  if (numberSealed === undefined) return undefined;
  return unseal(keyring.masterKey, numberSealed, numberContext(numberIndex)).toString() as Msisdn;
}
