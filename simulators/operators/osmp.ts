import { escapeHtml } from '../wire/page.ts';
import { type Answer, type Call, type Routes, sameText } from '../wire/server.ts';
import type { Book, Transaction } from './book.ts';
import { type Ending, fateOf } from './endings.ts';
import { amountOf, numberOf, rangeOf } from './numbers.ts';

export type OsmpSettings = { readonly user?: string | undefined; readonly password?: string | undefined };

/**
 * A provider in the OSMP check/pay protocol, by GET or by a form. `check` turns away what it can already see; `pay` is credited once
 * for a `txn_id`, its repeat is answered from the book, and the same `txn_id` for something else is 300.
 */
export function osmpRoutes(book: Book, { user, password }: OsmpSettings): Routes {
  const expected =
    user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  const answer = (call: Call, parameters: URLSearchParams): Answer => {
    if (expected !== undefined && !sameText(call.headers.authorization ?? '', expected))
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="osmp"' } };
    return xml(reply(book, parameters));
  };
  return {
    'GET /osmp': (call) => answer(call, call.query),
    'POST /osmp': (call) => answer(call, new URLSearchParams(call.body.toString('utf8'))),
  };
}

type Reply = {
  readonly txnId: string;
  readonly result: number;
  readonly comment: string;
  readonly transaction?: Transaction;
};

function reply(book: Book, parameters: URLSearchParams): Reply {
  const txnId = parameters.get('txn_id') ?? '';
  const no = (result: number, comment: string): Reply => ({ txnId, result, comment });
  if (!/^\d{1,20}$/.test(txnId)) return { txnId: '', result: 300, comment: 'txn_id is up to 20 digits' };
  const number = numberOf(parameters.get('account') ?? '');
  const amount = amountOf(parameters.get('sum') ?? '');
  if (number === undefined) return no(4, 'account is ten digits');
  if (amount === undefined) return no(300, 'sum is a decimal number');
  const known = book.find('osmp', txnId);
  if (parameters.get('command') === 'pay') {
    if (!/^\d{14}$/.test(parameters.get('txn_date') ?? '')) return no(300, 'txn_date is YYYYMMDDHHMMSS');
    if (!known) return pay(book, { txnId, number, amount });
    const isSame = known.number === number && known.amount === amount;
    return isSame ? told(book, known) : no(300, 'txn_id is known with other content');
  }
  if (parameters.get('command') !== 'check') return no(300, 'command is check or pay');
  const range = rangeOf(amount);
  if (range !== 'within') return no(range === 'small' ? 241 : 242, `sum is too ${range}`);
  const { ending, afterMs } = fateOf(number, 1);
  if (afterMs === 0 && seenAtCheck.has(ending)) return no(resultOf(ending), ending);
  return no(0, 'OK');
}

function pay(book: Book, { txnId, number, amount }: { txnId: string; number: string; amount: string }): Reply {
  const range = rangeOf(amount);
  if (range !== 'within') return { txnId, result: range === 'small' ? 241 : 242, comment: `sum is too ${range}` };
  const ask = { wire: 'osmp', reference: txnId, number, amount, product: 0, callbackUrl: undefined } as const;
  // A final no is kept like a yes: its repeat must be the same no, even when there are funds again.
  return told(book, book.place(ask, { confirmed: true, ...(book.hasFunds ? {} : { ending: 'declined' }) }));
}

/** What can be said of a number before it is credited. */
const seenAtCheck: ReadonlySet<Ending> = new Set<Ending>(['invalid', 'barred', 'down']);

function told(book: Book, transaction: Transaction): Reply {
  const { reference: txnId, state, ending } = transaction;
  if (state !== 'ended' || book.hesitates()) return { txnId, result: 90, comment: 'in progress' };
  const result = resultOf(ending);
  return { txnId, result, comment: result === 0 ? 'OK' : ending, ...(result === 0 && { transaction }) };
}

function resultOf(ending: Ending): number {
  switch (ending) {
    case 'completed':
    case 'pin':
      return 0;
    case 'invalid':
      return 5;
    case 'barred':
      return 79;
    case 'down':
      return 8;
    case 'declined':
      return 7;
    case 'duplicate':
    case 'exception':
      return 300;
  }
}

function xml({ txnId, result, comment, transaction }: Reply): Answer {
  const paid = transaction ? `<prv_txn>${transaction.id}</prv_txn><sum>${transaction.amount}</sum>` : '';
  const echo = txnId === '' ? '<osmp_txn_id/>' : `<osmp_txn_id>${txnId}</osmp_txn_id>`;
  return {
    status: 200,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<response>${echo}${paid}<result>${result}</result><comment>${escapeHtml(comment)}</comment></response>\n`,
  };
}
