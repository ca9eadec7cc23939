import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import { formatAmount } from '../../base/money.ts';
import type { Secret } from '../../base/secret.ts';
import { type Answer, basicAuth, call } from '../call.ts';
import { notSent, refused, underWay, unknown } from '../outcome.ts';
import type { DeliveryRefusal, DeliveryRequest, DeliveryRoute, Outcome } from '../route.ts';

export type OsmpOptions = {
  /** The provider's address; parameters it already has are kept. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  /** What result 5, account not found, means at this provider: no such number, or one of another operator. */
  readonly notFoundMeans?: 'number.invalid' | 'number.not_this_operator' | undefined;
  readonly timeoutMs?: number;
};

/**
 * The check/pay protocol of payment terminals (OSMP, later QIWI), as its client. `check` asks whether a payment would be taken and changes
 * nothing; `pay` asks for it. There is no enquiry of its own: the provider must never credit one `txn_id` twice and must answer its repeat with
 * the stored result (rule 2 and 5 of the protocol), so repeating `pay` word for word IS the enquiry. It follows that nobody may
 * enquire after an order whose money has gone back: a `pay` that was lost on the way would be credited then.
 */
export function createOsmp(options: OsmpOptions): DeliveryRoute {
  // A broken address stops the start, not an order.
  assert(URL.canParse(options.url), 'the OSMP address is a URL');
  const deadline = (): AbortSignal => AbortSignal.timeout(options.timeoutMs ?? limits.deliverTimeoutMs);
  return {
    id: 'osmp',
    async deliver(request) {
      const within = deadline();
      // Left out where a `pay` may be on its way: what `check` says now, of a number barred since, is not what became of it.
      const no = request.isFirst ? await check(options, request, within) : undefined;
      return no ?? pay(options, request, within);
    },
    // Whatever the caller says of the first delivery, an enquiry comes after it.
    enquire: (request) => pay(options, { ...request, isFirst: false }, deadline()),
  };
}

/** Undefined when the provider would take it. Until `pay` nothing was asked for, so each no, and each silence, is a safe refusal. */
async function check(
  options: OsmpOptions,
  request: DeliveryRequest,
  within: AbortSignal,
): Promise<Outcome | undefined> {
  const answer = await call(addressOf(options.url, 'check', request), { ...settingsOf(options), deadline: within });
  const response = readResponse(answer);
  if (typeof response === 'string') return notSent(request, `check ${response}`);
  if (response.echo !== request.reference) return notSent(request, 'check foreign txn_id');
  if (response.result === '0') return undefined;
  const reason = refusalOf(response.result, options);
  return reason ? refused(reason, `check ${response.result}`) : notSent(request, `check ${response.result}`);
}

async function pay(options: OsmpOptions, request: DeliveryRequest, within: AbortSignal): Promise<Outcome> {
  const answer = await call(addressOf(options.url, 'pay', request), { ...settingsOf(options), deadline: within });
  if (answer.kind === 'unsent') return notSent(request, answer.detail);
  const response = readResponse(answer);
  if (typeof response === 'string') return unknown(response);
  const { echo, result, prvTxn, sum } = response;
  // An answer about another payment says nothing about this one, whatever it says.
  if (echo !== request.reference) return unknown('foreign txn_id');
  if (result === '90') return underWay('90');
  if (result === '0') {
    if (prvTxn === undefined) return unknown('0 without prv_txn');
    if (sum !== undefined && !isSameSum(sum, request.amountMinor)) return unknown('0 with another sum');
    return { kind: 'delivered', operatorReference: prvTxn };
  }
  const reason = refusalOf(result, options);
  return reason ? refused(reason, result) : unknown(result);
}

function addressOf(base: string, command: 'check' | 'pay', request: DeliveryRequest): URL {
  const url = new URL(base);
  url.searchParams.set('command', command);
  url.searchParams.set('txn_id', request.reference);
  if (command === 'pay') url.searchParams.set('txn_date', astanaStamp(request.beganAt));
  // The ten digits after +7: what terminals send.
  url.searchParams.set('account', request.msisdn.slice(1));
  url.searchParams.set('sum', formatAmount(request.amountMinor, 'KZT'));
  return url;
}

function settingsOf({ user, password }: OsmpOptions): { method: 'GET'; headers: Record<string, string> } {
  // Revealed to the one address it is for.
  const authorization = user === undefined ? undefined : basicAuth(user, password?.reveal() ?? '');
  return { method: 'GET', headers: { accept: 'text/xml', ...(authorization ? { authorization } : {}) } };
}

const stampParts = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Almaty',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** `20261124153000`, by the clock of Astana: the day it is settled under. */
export function astanaStamp(at: Date): string {
  const parts = new Map(stampParts.formatToParts(at).map((part) => [part.type, part.value]));
  return (['year', 'month', 'day', 'hour', 'minute', 'second'] as const).map((part) => parts.get(part)).join('');
}

/** Results that are final: a repeat gives the same one. 1 and 90 are not, and neither is a result that is not in the table. */
const finalResults = new Map<string, DeliveryRefusal>([
  ['4', 'number.invalid'],
  ['5', 'number.invalid'],
  ['7', 'declined'],
  ['8', 'operator.unavailable'],
  ['79', 'number.barred'],
  ['241', 'amount.not_allowed'],
  ['242', 'amount.not_allowed'],
  ['243', 'operator.unavailable'],
  ['300', 'declined'],
]);

function refusalOf(result: string, { notFoundMeans }: OsmpOptions): DeliveryRefusal | undefined {
  if (result === '5' && notFoundMeans) return notFoundMeans;
  return finalResults.get(result);
}

type Response = {
  readonly echo: string;
  readonly result: string;
  readonly prvTxn: string | undefined;
  readonly sum: string | undefined;
};

// Entities are never expanded: what is read here is digits, and a definition of one can only mean harm.
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, processEntities: false });

/** What the provider said, or why that cannot be read. */
function readResponse(answer: Answer): Response | string {
  if (answer.kind !== 'answered') return answer.detail;
  if (answer.status !== 200) return `http ${answer.status}`;
  const text = decode(answer.body, answer.contentType);
  if (text === undefined || /<!DOCTYPE/i.test(text) || XMLValidator.validate(text) !== true) return 'not xml';
  const root = fieldsOf(parse(text))?.response;
  const fields = fieldsOf(root);
  // Some providers echo under the name of the request.
  const echo = digitsOf(fields?.osmp_txn_id ?? fields?.txn_id);
  const result = digitsOf(fields?.result);
  if (echo === undefined || result === undefined) return 'not a response';
  const sum = fields?.sum;
  return {
    echo,
    result: result.replace(/^0+(?=\d)/, ''),
    prvTxn: digitsOf(fields?.prv_txn),
    sum: sum === undefined ? undefined : String(sum),
  };
}

function parse(text: string): unknown {
  try {
    return parser.parse(text);
  } catch {
    return undefined;
  }
}

/** A tag that is there twice is a list here, and is not read. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function digitsOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? value : undefined;
}

/** The header's charset, or the document's own, or UTF-8: providers here still speak windows-1251. */
function decode(body: Buffer, contentType: string): string | undefined {
  const declared = /^<\?xml[^>]*?encoding=["']([\w-]+)["']/.exec(body.toString('latin1', 0, 200))?.[1];
  const charset = /charset="?([\w-]+)/i.exec(contentType)?.[1] ?? declared ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

function isSameSum(text: string, amountMinor: bigint): boolean {
  const match = /^(\d{1,12})(?:\.(\d{1,2})0*)?$/.exec(text);
  return match !== null && BigInt(`${match[1]}${(match[2] ?? '').padEnd(2, '0')}`) === amountMinor;
}
