import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Agent } from '../parties/index.ts';
import { parseCurrency } from './amount.ts';
import { parseZone } from './moment.ts';
import { type Field, fields, type IndexOf, type RegisterLayout, registerFormat } from './register.ts';
import { invalid, type LineState, type Source } from './report.ts';
import type { Columns, Format } from './table.ts';

// The layouts of registers that we know, and how another one is described.

const none: Columns<Field> = {
  reference: [],
  external: [],
  date: [],
  time: [],
  account: [],
  amount: [],
  currency: [],
  status: [],
  cost: [],
  costCurrency: [],
};

const usual: RegisterLayout = {
  columns: none,
  hasHeader: true,
  delimiter: undefined,
  encoding: 'utf-8',
  zoneMinutes: 0,
  currency: 'KZT',
  state: 'done',
  states: new Map(),
  total: undefined,
  isComplete: true,
};
const ASTANA = 5 * 60;
const MOSCOW = 3 * 60;

/** The register that is agreed on most: `txn_id;date;account;sum;prv_txn;status`. */
const osmpRegister: RegisterLayout = {
  ...usual,
  columns: {
    ...none,
    reference: ['txn_id', 'osmp_txn_id'],
    external: ['prv_txn'],
    date: ['date', 'txn_date'],
    account: ['account'],
    amount: ['sum', 'amount'],
    currency: ['ccy', 'currency'],
    status: ['status', 'result'],
  },
  zoneMinutes: ASTANA,
};

/** The standard register of QIWI: tabs, no header, Moscow time, successful payments alone, a last line with count and sum. */
const osmpQiwi: RegisterLayout = {
  ...usual,
  columns: { ...none, reference: [1], date: [2], time: [3], account: [4], amount: [5] },
  hasHeader: false,
  delimiter: '\t',
  zoneMinutes: MOSCOW,
  total: 'total',
};

/** What an agent hands out of what it has taken for us: its names are theirs, ours is `prv_txn`. */
const agentRegister: RegisterLayout = {
  ...osmpRegister,
  columns: {
    ...osmpRegister.columns,
    reference: ['prv_txn', 'prv_txn_id'],
    external: ['txn_id', 'osmp_txn_id'],
    date: ['txn_date', 'date'],
  },
};

/** At Kaspi 1 has failed and 4 is under way; at OSMP it is the other way round. */
const kaspiStates = new Map<string, LineState>([
  ['1', 'failed'],
  ['2', 'failed'],
  ['4', 'pending'],
]);

/** The detailed transactions report of an account statement, or the fields of the API. */
const dtoneTransactions: RegisterLayout = {
  ...usual,
  columns: {
    ...none,
    reference: ['EXTERNAL ID'],
    external: ['TRANSACTION ID', 'id'],
    date: ['CREATION DATE'],
    account: ['CREDIT PARTY MOBILE NUMBER', 'credit_party_identifier.mobile_number'],
    amount: ['PRODUCT VALUE', 'destination.amount', 'DESTINATION AMOUNT'],
    currency: ['destination.unit', 'DESTINATION CURRENCY'],
    status: ['STATUS', 'status.message', 'TRANSACTION STATUS'],
    cost: ['BUYING PRICE'],
    costCurrency: ['BUYING CURRENCY'],
  },
};

/** Dated by when they were taken back. */
const dtoneReversed: RegisterLayout = {
  ...dtoneTransactions,
  columns: { ...dtoneTransactions.columns, date: ['LAST STATUS UPDATED DATE', 'CREATION DATE'] },
  state: 'reversed',
  isComplete: false,
};

const reloadlyTransactions: RegisterLayout = {
  ...usual,
  columns: {
    ...none,
    reference: ['customIdentifier'],
    external: ['transactionId'],
    date: ['transactionDate', 'Date'],
    account: ['recipientPhone', 'Recipient'],
    amount: ['deliveredAmount'],
    currency: ['deliveredAmountCurrencyCode', 'Delivered Amount Currency'],
    status: ['status'],
    cost: ['balanceInfo.cost', 'Cost'],
    costCurrency: ['balanceInfo.currencyCode', 'Cost Currency'],
  },
};

const known: readonly { id: string; source: Source; layout: RegisterLayout }[] = [
  { id: 'osmp.register', source: 'osmp', layout: osmpRegister },
  { id: 'osmp.qiwi', source: 'osmp', layout: osmpQiwi },
  { id: 'dtone.transactions', source: 'dtone', layout: dtoneTransactions },
  // The same columns, and no word of their own for what they are; neither names all there was.
  { id: 'dtone.pending', source: 'dtone', layout: { ...dtoneTransactions, state: 'pending', isComplete: false } },
  { id: 'dtone.reversed', source: 'dtone', layout: dtoneReversed },
  { id: 'reloadly.transactions', source: 'reloadly', layout: reloadlyTransactions },
];

/** Whose register it is: its clock, its words, and its own layout where it has one. */
export type Registering = Pick<Agent, 'protocol'> & {
  readonly settings: Pick<Agent['settings'], 'zoneMinutes' | 'register'>;
};

function layoutOfAgent({ protocol, settings }: Registering): RegisterLayout {
  const states = protocol === 'kaspi' ? kaspiStates : agentRegister.states;
  return { ...agentRegister, zoneMinutes: settings.zoneMinutes, states };
}

/** The layouts in which agents' registers come where nothing else was agreed on. */
export function agentRegisters(source: Source, agent: Registering, find: IndexOf): Format[] {
  const qiwi = { ...osmpQiwi, columns: { ...osmpQiwi.columns, reference: [], external: [1] } };
  return [
    registerFormat({ id: 'agent.register', source }, layoutOfAgent(agent), find),
    registerFormat({ id: 'agent.qiwi', source }, qiwi, find),
  ];
}

export function registerFormats(find: IndexOf): Format[] {
  return known.map(({ layout, ...named }) => registerFormat(named, layout, find));
}

const Column = Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 1 })]);
const state = Type.Union([
  Type.Literal('done'),
  Type.Literal('pending'),
  Type.Literal('failed'),
  Type.Literal('reversed'),
]);
const strict = { additionalProperties: false };
const Described = Type.Object(
  {
    columns: Type.Partial(
      Type.Record(
        Type.Union(fields.map((field) => Type.Literal(field))),
        Type.Union([Column, Type.Array(Column)]),
        strict,
      ),
      strict,
    ),
    header: Type.Optional(Type.Boolean()),
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
    encoding: Type.Optional(Type.Union([Type.Literal('utf-8'), Type.Literal('windows-1251')])),
    zone: Type.Optional(Type.String()),
    currency: Type.Optional(Type.String()),
    state: Type.Optional(state),
    states: Type.Optional(Type.Record(Type.String(), state)),
    total: Type.Optional(Type.String({ minLength: 1 })),
    complete: Type.Optional(Type.Boolean()),
  },
  strict,
);
type Described = Static<typeof Described>;
const checker = Compile(Described);

/** A layout as staff write it down for one partner (docs/reconciliation.md). Refuses one that says nothing we know. */
export function describedFormat(whose: Whose, described: unknown, find: IndexOf): Format {
  const { source, agent } = whose;
  const base = agent ? layoutOfAgent(agent) : known.find((one) => one.source === source)?.layout;
  if (base === undefined) throw invalid('only registers of operators and agents have a layout of their own');
  if (!checker.Check(described)) {
    const [error] = checker.Errors(described);
    throw invalid('layout', { column: error?.instancePath.replaceAll('/', '.').replace(/^\./, '') || 'layout' });
  }
  const id = `${agent ? 'agent' : source}.described`;
  return registerFormat({ id, source }, layoutOf(base, described), find);
}

type Whose = { readonly source: Source; readonly agent: Registering | undefined };

function layoutOf(base: RegisterLayout, described: Described): RegisterLayout {
  const zoneMinutes = described.zone === undefined ? base.zoneMinutes : parseZone(described.zone);
  if (zoneMinutes === undefined) throw invalid('layout', { column: 'zone' });
  const currency = described.currency === undefined ? base.currency : parseCurrency(described.currency);
  if (currency === undefined) throw invalid('layout', { column: 'currency' });
  const states = Object.entries(described.states ?? {}).map(([word, meaning]): [string, LineState] => [
    word.toLowerCase(),
    meaning,
  ]);
  const columns = Object.entries(described.columns).map(([field, names]) => [field, [names ?? []].flat()]);
  return {
    ...usual,
    columns: { ...none, ...Object.fromEntries(columns) } as Columns<Field>,
    hasHeader: described.header ?? true,
    delimiter: described.delimiter,
    encoding: described.encoding ?? 'utf-8',
    zoneMinutes,
    currency,
    state: described.state ?? 'done',
    states: new Map([...base.states, ...states]),
    total: described.total?.toLowerCase(),
    isComplete: described.complete ?? true,
  };
}
