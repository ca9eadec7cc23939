// Reports as the other side writes them: a second hand that knows the published layouts and nothing of how we read them.

export type SaidKind = 'payment' | 'refund' | 'dispute' | 'dispute_won' | 'refund_failed' | 'other' | 'credit';
export type SaidState = 'done' | 'pending' | 'failed' | 'reversed';

/** One movement as the other side knows it. Amounts without a sign, in hundredths. */
export type Said = {
  entry: string;
  kind: SaidKind;
  state: SaidState;
  /** The thing itself: a refund, a dispute. */
  id: string;
  /** The money of the payment it is about. */
  capture: string;
  /** Ours, in their metadata or in the register. */
  reference: string;
  currency: string;
  minor: bigint;
  account: string;
  at: Date;
};

/** How one file happens to be written. */
export type Hand = {
  layout: 'report' | 'export';
  lineEnd: '\n' | '\r\n';
  bom: boolean;
  decimal: '.' | ',';
  dates: 'iso' | 'dotted' | 'american' | 'british';
};

const two = (count: number): string => String(count).padStart(2, '0');
const iso = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ');

function plain(minor: bigint): string {
  const size = minor < 0n ? -minor : minor;
  return `${minor < 0n ? '-' : ''}${size / 100n}.${two(Number(size % 100n))}`;
}

function grouped(minor: bigint, decimal: '.' | ','): string {
  const [whole = '', fraction = ''] = plain(minor).split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, decimal === '.' ? ',' : '.');
  return `${groups}${decimal}${fraction}`;
}

function datePart(at: Date, dates: Hand['dates']): string {
  const [year, month, day] = [at.getUTCFullYear(), two(at.getUTCMonth() + 1), two(at.getUTCDate())];
  switch (dates) {
    case 'iso':
      return `${year}-${month}-${day}`;
    case 'dotted':
      return `${day}.${month}.${year}`;
    case 'american':
      return `${month}/${day}/${year}`;
    case 'british':
      return `${day}/${month}/${year}`;
  }
}

function csv(rows: readonly (readonly string[])[], { lineEnd, bom }: Hand, delimiter = ','): string {
  const cell = (text: string): string => (/[",;\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${bom ? '\ufeff' : ''}${rows.map((row) => row.map(cell).join(delimiter)).join(lineEnd)}${lineEnd}`;
}

const sign = ({ kind, minor }: Said): bigint =>
  kind === 'payment' || kind === 'dispute_won' || kind === 'refund_failed' ? minor : -minor;

const stripeCategories: Partial<Record<SaidKind, string>> = {
  payment: 'charge',
  refund: 'refund',
  refund_failed: 'refund_failure',
  dispute: 'dispute',
  dispute_won: 'dispute_reversal',
  other: 'some_new_category',
};
const stripeTypes: Partial<Record<SaidKind, string>> = {
  ...stripeCategories,
  dispute: 'adjustment',
  dispute_won: 'adjustment',
  other: 'some_new_type',
};

/** Settled in dollars at some rate, with what the payer saw beside it, which Stripe leaves out for disputes. */
export function stripeReport(said: readonly Said[], hand: Hand): string {
  const isReport = hand.layout === 'report';
  const head = isReport
    ? 'balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,customer_facing_currency,customer_email,charge_id,payment_intent_id,payment_metadata[order],payment_metadata[reference]'
    : 'id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Description,Customer Facing Amount,Customer Facing Currency,reference (metadata)';
  const rows = said.map((one) => {
    const gross = one.currency === 'USD' ? sign(one) : sign(one) / 7n;
    const fee = one.kind === 'payment' ? gross / 30n : 0n;
    const hasPayer = one.kind === 'payment' || one.kind === 'refund' || one.kind === 'refund_failed';
    const charge = `ch_${one.capture}`;
    const source = one.kind === 'payment' ? charge : one.id;
    const money = [plain(gross), plain(fee), plain(gross - fee)];
    const seen = hasPayer ? [plain(sign(one)), one.currency.toLowerCase()] : ['', ''];
    const intent = one.capture === '' ? ['', ''] : [charge, one.capture];
    return isReport
      ? [
          one.entry,
          iso(one.at),
          'usd',
          ...money,
          stripeCategories[one.kind] ?? '',
          source,
          'Top-up, "7"',
          ...seen,
          'a@example.com',
          ...intent,
          'x',
          one.reference,
        ]
      : [
          one.entry,
          stripeTypes[one.kind] ?? '',
          source,
          ...money,
          'usd',
          iso(one.at).slice(0, 16),
          'Top-up',
          ...seen,
          one.reference,
        ];
  });
  return csv([head.split(','), ...rows], hand);
}

const paypalTypes: Partial<Record<SaidKind, string>> = {
  payment: 'Express Checkout Payment',
  refund: 'Payment Refund',
  dispute: 'Chargeback',
  dispute_won: 'Chargeback Reversal',
  other: 'Some New Word',
};
const paypalCodes: Partial<Record<SaidKind, string>> = {
  payment: 'T0006',
  refund: 'T1107',
  dispute: 'T1201',
  dispute_won: 'T1202',
  other: 'T8899',
};
const paypalStatuses = { done: 'Completed', pending: 'Pending', failed: 'Denied', reversed: 'Reversed' } as const;

const aboutOf = ({ kind, capture }: Said): string => (kind === 'payment' ? '' : capture);

export function paypalReport(said: readonly Said[], hand: Hand): string {
  return hand.layout === 'report' ? settlement(said, hand) : activity(said, hand);
}

function activity(said: readonly Said[], hand: Hand): string {
  const head =
    'Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,Transaction ID,Reference Txn ID,Custom Number,Balance Impact';
  const offsets = { UTC: 0, PST: -8, CET: 1 } as const;
  const rows = said.map((one, at) => {
    const zone = (['UTC', 'PST', 'CET'] as const)[at % 3] ?? 'UTC';
    const local = new Date(one.at.getTime() + offsets[zone] * 3_600_000);
    const fee = one.kind === 'payment' ? -(one.minor / 30n) : 0n;
    const money = [sign(one), fee, sign(one) + fee].map((minor) => grouped(minor, hand.decimal));
    const clock = [datePart(local, hand.dates), iso(local).slice(11), zone];
    const words = ['Wang Wei', paypalTypes[one.kind] ?? '', paypalStatuses[one.state], one.currency];
    return [...clock, ...words, ...money, 'w@example.com', one.entry, aboutOf(one), one.reference, 'Credit'];
  });
  return csv([head.split(','), ...rows], hand);
}

function settlement(said: readonly Said[], hand: Hand): string {
  const stamp = (at: Date): string => `${iso(new Date(at.getTime() - 7 * 3_600_000)).replaceAll('-', '/')} -0700`;
  const columns =
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code","Transaction Initiation Date","Transaction Completion Date","Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency","Transactional Status","Custom Field","Consumer ID"';
  const statuses = { done: 'S', pending: 'P', failed: 'D', reversed: 'V' } as const;
  const rows = said.map((one) => {
    const side = sign(one) < 0n ? 'DR' : 'CR';
    const fee = one.kind === 'payment' ? `"DR",${one.minor / 30n},"${one.currency}"` : '"",,""';
    const moment = stamp(one.at);
    return `"SB","${one.entry}","","${aboutOf(one)}","TXN","${paypalCodes[one.kind]}",${moment},${moment},"${side}",${one.minor},"${one.currency}",${fee},"${statuses[one.state]}","${one.reference}","PAYER"`;
  });
  const [from, to] = ['2026/11/01 00:00:00 +0000', '2026/11/30 23:59:59 +0000'];
  const count = rows.length;
  const lines = [
    `"RH",2026/12/01 03:00:00 -0700,"A","4XYZ",010,`,
    '"FH",01',
    `"SH",${from},${to},"4XYZ",""`,
    columns,
    ...rows,
    '"SF","USD",0,0,0,0',
    `"SC",${count}`,
    '"RF","USD",0,0,0,0',
    `"RC",${count}`,
    `"FF",${count}`,
  ];
  return `${hand.bom ? '\ufeff' : ''}${lines.join(hand.lineEnd)}${hand.lineEnd}`;
}

export function osmpReport(said: readonly Said[], hand: Hand): string {
  const codes = { done: '0', pending: '90', failed: '5', reversed: 'Возврат' } as const;
  const rows = said.map((one) => {
    const local = new Date(one.at.getTime() + 5 * 3_600_000);
    const date = `${datePart(local, hand.dates)} ${iso(local).slice(11)}`;
    const sum = hand.decimal === ',' ? plain(one.minor).replace('.', ',') : plain(one.minor);
    return [one.reference, date, one.account, sum, one.entry, codes[one.state]];
  });
  return csv([['txn_id', 'date', 'account', 'sum', 'prv_txn', 'status'], ...rows], hand, ';');
}

export function dtoneReport(said: readonly Said[], hand: Hand): string {
  const words = {
    done: 'COMPLETED',
    pending: 'SUBMITTED',
    failed: 'DECLINED-BARRED-CREDIT-PARTY',
    reversed: 'REVERSED',
  } as const;
  const head =
    'TRANSACTION ID,EXTERNAL ID,CREATION DATE,PRODUCT NAME,PRODUCT VALUE,CREDIT PARTY MOBILE NUMBER,BUYING PRICE,BUYING CURRENCY,STATUS';
  const rows = said.map((one) => [
    one.entry,
    one.reference,
    one.at.toISOString(),
    'Kcell, open range',
    `${plain(one.minor)} KZT`,
    `+${one.account}`,
    '1.0172',
    'USD',
    words[one.state],
  ]);
  return csv([head.split(','), ...rows], hand);
}

export function reloadlyReport(said: readonly Said[], hand: Hand): string {
  const words = { done: 'SUCCESSFUL', pending: 'PROCESSING', failed: 'FAILED', reversed: 'REFUNDED' } as const;
  const head =
    'transactionId,status,customIdentifier,recipientPhone,operatorName,deliveredAmount,deliveredAmountCurrencyCode,transactionDate';
  const rows = said.map((one) => [
    one.entry,
    words[one.state],
    one.reference,
    one.account,
    'Kcell',
    `${plain(one.minor)}000`,
    'KZT',
    iso(one.at),
  ]);
  return csv([head.split(','), ...rows], hand);
}
