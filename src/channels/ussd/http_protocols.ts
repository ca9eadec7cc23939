import { withoutDigits } from '../../base/masked.ts';
import { Refusal } from '../../base/refusal.ts';
import type { UssdReply } from './memory.ts';

/** A field of a message by its place, `payload.response`. What stands in the address is under `path`. */
type Place = string;

/** What a message means by its parts. */
type Fields = {
  readonly session: Place;
  readonly number: Place;
  /** What the person typed: this step's alone. */
  readonly text: Place;
  readonly serviceCode?: Place;
  /** Numbers the steps of a dialogue, where the protocol does. */
  readonly step?: Place;
  readonly kind: Place;
};

type Kind = 'first' | 'next' | 'over';

/** One field of a reply: our text, a word for each of two cases, or what the message itself said. */
type Said =
  | { readonly say: 'text' }
  | { readonly go: string | number | boolean; readonly end: string | number | boolean }
  | { readonly echo: Place };

export type HttpProtocol = {
  readonly fields: Fields;
  /** Words of the field `kind`, in lower case. */
  readonly kinds: Readonly<Record<Kind, readonly string[]>>;
  readonly reply: Readonly<Record<Place, Said>>;
};

/**
 * Aggregators that send this step's answer alone, in JSON. What is known of each comes from programs that others have written for it, not
 * from its operator: whatever turns out to be named otherwise is renamed in the gateway file.
 */
export const httpProtocols = {
  hubtel: {
    fields: {
      session: 'SessionId',
      number: 'Mobile',
      text: 'Message',
      serviceCode: 'ServiceCode',
      step: 'Sequence',
      kind: 'Type',
    },
    kinds: { first: ['initiation'], next: ['response'], over: ['release', 'timeout'] },
    reply: { Message: { say: 'text' }, Type: { go: 'Response', end: 'Release' } },
  },
  nalo: {
    fields: { session: 'SESSIONID', number: 'MSISDN', text: 'USERDATA', kind: 'MSGTYPE' },
    kinds: { first: ['true'], next: ['false'], over: [] },
    reply: {
      USERID: { echo: 'USERID' },
      MSISDN: { echo: 'MSISDN' },
      MSG: { say: 'text' },
      MSGTYPE: { go: true, end: false },
    },
  },
  arkesel: {
    fields: { session: 'sessionID', number: 'msisdn', text: 'userData', kind: 'newSession' },
    kinds: { first: ['true'], next: ['false'], over: [] },
    reply: {
      sessionID: { echo: 'sessionID' },
      userID: { echo: 'userID' },
      msisdn: { echo: 'msisdn' },
      message: { say: 'text' },
      continueSession: { go: true, end: false },
    },
  },
  beem: {
    fields: {
      session: 'session_id',
      number: 'msisdn',
      text: 'payload.response',
      step: 'payload.request_id',
      kind: 'command',
    },
    kinds: { first: ['initiate'], next: ['continue'], over: ['terminate'] },
    reply: {
      msisdn: { echo: 'msisdn' },
      operator: { echo: 'operator' },
      session_id: { echo: 'session_id' },
      command: { go: 'continue', end: 'terminate' },
      'payload.request_id': { echo: 'payload.request_id' },
      'payload.request': { say: 'text' },
    },
  },
  infobip: {
    fields: {
      session: 'path.session',
      number: 'msisdn',
      text: 'text',
      serviceCode: 'shortCode',
      kind: 'path.kind',
    },
    kinds: { first: ['start'], next: ['response'], over: ['end'] },
    reply: {
      shouldClose: { go: false, end: true },
      ussdMenu: { say: 'text' },
      responseExitCode: { go: 200, end: 200 },
      responseMessage: { go: '', end: '' },
    },
  },
} as const satisfies Record<string, HttpProtocol>;

export type HttpProtocolName = keyof typeof httpProtocols;

export const httpProtocolNames = Object.keys(httpProtocols) as HttpProtocolName[];

/** Other names for what the table names, by the table's own. */
export type Renamed = {
  readonly fields?: Partial<Fields> | undefined;
  readonly reply?: Readonly<Record<Place, Place>> | undefined;
};

export function protocolOf(name: HttpProtocolName, { fields, reply }: Renamed = {}): HttpProtocol {
  const table: HttpProtocol = httpProtocols[name];
  const named = Object.entries(table.reply).map(([place, said]) => [reply?.[place] ?? place, said] as const);
  return { ...table, fields: { ...table.fields, ...fields }, reply: Object.fromEntries(named) };
}

export type HttpStep = {
  readonly kind: Kind;
  readonly session: string;
  readonly number: string;
  readonly text: string;
  readonly serviceCode: string | undefined;
  readonly step: string | undefined;
};

/** What a message says, or a refusal that names the field that does not say it: that is the aggregator's to repair. */
export function readHttpStep({ fields, kinds }: HttpProtocol, message: unknown): HttpStep {
  const word = textAt(message, fields.kind).toLowerCase();
  const kind = (['first', 'next', 'over'] as const).find((one) => kinds[one].includes(word));
  if (!kind) throw new Refusal('request.invalid', { field: fields.kind });
  const optional = (place: Place | undefined): string | undefined =>
    place === undefined ? undefined : wordAt(message, place);
  return {
    kind,
    session: textAt(message, fields.session),
    number: textAt(message, fields.number),
    // A first message need not say what was dialled, and one of an end has nothing to say.
    text: kind === 'next' ? textAt(message, fields.text) : (wordAt(message, fields.text) ?? ''),
    serviceCode: optional(fields.serviceCode),
    step: optional(fields.step),
  };
}

export function httpReply({ reply }: HttpProtocol, message: unknown, { text, end }: UssdReply): unknown {
  const answer: Record<string, unknown> = {};
  for (const [place, said] of Object.entries(reply)) put(answer, place, wordOf(said, message, { text, end }));
  return answer;
}

const DESCRIBED_MAX = 40;

/**
 * A message for whoever looks for a fault: the names of its parts, which may be other than we think, its kind, and its text without runs of
 * digits. All other values stay out of it.
 */
export function describeHttp({ fields }: HttpProtocol, message: unknown): string {
  const names = namesIn(message, '').slice(0, DESCRIBED_MAX);
  const kind = withoutDigits(wordAt(message, fields.kind) ?? 'none');
  const text = withoutDigits(wordAt(message, fields.text) ?? '');
  return `kind=${JSON.stringify(kind)} text=${JSON.stringify(text)} fields=${withoutDigits(names.join(','))}`;
}

function namesIn(message: unknown, before: string): string[] {
  if (typeof message !== 'object' || message === null) return [before.slice(0, -1)];
  return Object.entries(message).flatMap(([name, value]) =>
    // A protocol's parts lie one inside another once, and no deeper.
    before === '' ? namesIn(value, `${name}.`) : [`${before}${name}`],
  );
}

function wordOf(said: Said, message: unknown, { text, end }: UssdReply): unknown {
  if ('say' in said) return text;
  if ('echo' in said) return scalarAt(message, said.echo);
  return end ? said.end : said.go;
}

function put(answer: Record<string, unknown>, place: Place, value: unknown): void {
  const [first = '', ...rest] = place.split('.');
  if (rest.length === 0) {
    answer[first] = value;
    return;
  }
  const inner = answer[first];
  const into = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  put(into, rest.join('.'), value);
  answer[first] = into;
}

/** A text, number or truth there; nothing else is echoed or understood. */
function scalarAt(message: unknown, place: Place): string | number | boolean | undefined {
  let value = message;
  for (const name of place.split('.')) {
    const isInside = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    value = isInside ? Reflect.get(value as object, name) : undefined;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function wordAt(message: unknown, place: Place): string | undefined {
  const value = scalarAt(message, place);
  return value === undefined ? undefined : String(value);
}

function textAt(message: unknown, place: Place): string {
  const text = wordAt(message, place);
  if (text === undefined) throw new Refusal('request.invalid', { field: place });
  return text;
}
