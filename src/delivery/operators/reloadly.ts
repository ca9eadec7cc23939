import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { formatAmount } from '../../base/money.ts';
import { Secret } from '../../base/secret.ts';
import { type Answer, type Call, call, readJson } from '../call.ts';
import { notSent, refused, underWay, unknown } from '../outcome.ts';
import type { DeliveryRefusal, DeliveryRequest, DeliveryRoute, Enquiry, Outcome } from '../route.ts';

export type ReloadlyOptions = {
  /** Where tokens come from: `https://auth.reloadly.com`. */
  readonly authUrl: string;
  /** `https://topups.reloadly.com`: also what tokens are asked for. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Operator of the catalogue to its number at Reloadly. */
  readonly operators: ReadonlyMap<string, number>;
  readonly clock: Clock;
  readonly timeoutMs?: number;
};

/**
 * Reloadly Airtime. `/topups` answers when it is over, usually. Our reference is its `customIdentifier`, which Reloadly takes once: the
 * second time it answers that it has it, and we look it up in its report of transactions.
 */
export function createReloadly(options: ReloadlyOptions): DeliveryRoute {
  // A broken address stops the start, not an order.
  assert(URL.canParse(options.url) && URL.canParse(options.authUrl), 'the Reloadly addresses are URLs');
  const deadline = (): AbortSignal => AbortSignal.timeout(options.timeoutMs ?? limits.deliverTimeoutMs);
  const caller = new Caller(options);
  return {
    id: 'reloadly',
    deliver: (request) => order({ options, caller, within: deadline() }, request),
    enquire: (request) => find({ options, caller, within: deadline() }, request),
  };
}

type Session = { readonly options: ReloadlyOptions; readonly caller: Caller; readonly within: AbortSignal };

async function order(session: Session, request: DeliveryRequest): Promise<Outcome> {
  const operatorId = session.options.operators.get(request.operator);
  if (operatorId === undefined) return notSent(request, 'no operator');
  const body = JSON.stringify({
    operatorId,
    amount: formatAmount(request.amountMinor, 'KZT'),
    useLocalAmount: true,
    customIdentifier: request.reference,
    recipientPhone: { countryCode: 'KZ', number: request.msisdn.slice(1) },
  });
  const answer = await session.caller.call({ method: 'POST', path: '/topups', body, deadline: session.within });
  if (answer.kind === 'unsent') return notSent(request, answer.detail);
  if (answer.kind === 'lost') return unknown(answer.detail);
  if (answer.status === 200) {
    const topup = readJson(answer.body);
    return Topup.Check(topup) ? outcomeOf(topup, request) : unknown('not a topup');
  }
  return afterError(session, request, errorOf(answer));
}

/** An error may be about this call alone, or about what an earlier one has done: where that can be, it is looked up first. */
async function afterError(session: Session, request: DeliveryRequest, error: string): Promise<Outcome> {
  const no = errors.get(error);
  if (!no && error !== ALREADY_USED) return unknown(error);
  if (no?.isAboutCall && request.isFirst) return refused(no.reason, error);
  const found = await find(session, request);
  if (found.kind === 'absent') return no ? refused(no.reason, error) : unknown(error);
  // The report says that it failed, the error says why.
  return found.kind === 'refused' && no ? refused(no.reason, error) : found;
}

async function find({ caller, within }: Session, request: DeliveryRequest): Promise<Enquiry> {
  const query = new URLSearchParams({ customIdentifier: request.reference });
  const answer = await caller.call({
    method: 'GET',
    path: `/topups/reports/transactions?${query}`,
    deadline: within,
  });
  if (answer.kind !== 'answered') return unknown(answer.detail);
  if (answer.status !== 200) return unknown(errorOf(answer));
  const page = readJson(answer.body);
  if (!Page.Check(page)) return unknown('not a page');
  const [topup, ...others] = page.content;
  if (!topup) return { kind: 'absent' };
  // With more than was asked for the filter has not worked, and ours may be on another page.
  return others.length > 0 ? unknown('several transactions') : outcomeOf(topup, request);
}

const topupShape = Type.Object({
  transactionId: Type.Integer(),
  status: Type.String(),
  customIdentifier: Type.String(),
  operatorTransactionId: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  // Text in the report, a number in the answer to a top-up.
  recipientPhone: Type.Union([Type.String(), Type.Integer()]),
});
const Topup = Compile(topupShape);
const Page = Compile(Type.Object({ content: Type.Array(topupShape) }));

function outcomeOf(topup: Static<typeof topupShape>, request: DeliveryRequest): Outcome {
  const isToOurs = String(topup.recipientPhone).replace(/\D/g, '').endsWith(request.msisdn.slice(1));
  // An answer about another top-up says nothing about this one, whatever it says.
  if (topup.customIdentifier !== request.reference || !isToOurs) return unknown('foreign topup');
  switch (topup.status) {
    case 'SUCCESSFUL':
      return { kind: 'delivered', operatorReference: topup.operatorTransactionId ?? String(topup.transactionId) };
    case 'PROCESSING':
      return underWay('PROCESSING');
    case 'REFUNDED':
    case 'FAILED':
      return refused('declined', topup.status);
    default:
      return unknown(topup.status);
  }
}

const ALREADY_USED = 'CUSTOM_IDENTIFIER_ALREADY_USED';

/** `isAboutCall`: the call was turned away as it stands, so a first one has left nothing behind. The others may be about a top-up that exists. */
type No = { readonly reason: DeliveryRefusal; readonly isAboutCall: boolean };
const aboutCall = (reason: DeliveryRefusal): No => ({ reason, isAboutCall: true });
const aboutTopup = (reason: DeliveryRefusal): No => ({ reason, isAboutCall: false });

/** An error that is not here (PROVIDER_INTERNAL_ERROR is one) leaves the outcome open. */
const errors = new Map<string, No>([
  ['INVALID_TOKEN', aboutCall('operator.unavailable')],
  ['TOKEN_EXPIRED', aboutCall('operator.unavailable')],
  ['INACTIVE_ACCOUNT', aboutCall('operator.unavailable')],
  ['ACCOUNT_NOT_FOUND', aboutCall('operator.unavailable')],
  ['COUNTRY_NOT_SUPPORTED', aboutCall('declined')],
  ['COULD_NOT_AUTO_DETECT_OPERATOR', aboutCall('number.invalid')],
  ['INVALID_RECIPIENT_PHONE', aboutCall('number.invalid')],
  ['INVALID_PHONE_NUMBER', aboutCall('number.invalid')],
  ['INVALID_SENDER_PHONE', aboutCall('declined')],
  ['INVALID_AMOUNT', aboutCall('amount.not_allowed')],
  ['INVALID_AMOUNT_FOR_OPERATOR', aboutCall('amount.not_allowed')],
  ['INSUFFICIENT_BALANCE', aboutCall('float.too_low')],
  ['MAX_DAILY_TRANSACTION_AMOUNT_REACHED', aboutCall('float.too_low')],
  ['MAX_DAILY_TRANSACTION_COUNT_REACHED', aboutCall('float.too_low')],
  ['OPERATOR_UNAVAILABLE_OR_CURRENTLY_INACTIVE', aboutTopup('operator.unavailable')],
  ['TRANSACTION_CANNOT_BE_PROCESSED_AT_THE_MOMENT', aboutTopup('operator.unavailable')],
  ['RECIPIENT_HAS_PENDING_TRANSACTION', aboutTopup('operator.unavailable')],
  ['PHONE_RECENTLY_RECHARGED', aboutTopup('duplicate')],
  ['TOPUP_TRANSACTION_FAILED', aboutTopup('declined')],
  ['TRANSACTION_FAILED_ON_OPERATOR', aboutTopup('declined')],
]);

const ErrorBody = Compile(Type.Object({ errorCode: Type.String() }));

function errorOf(answer: Answer & { kind: 'answered' }): string {
  const body = readJson(answer.body);
  return ErrorBody.Check(body) ? body.errorCode : `http ${answer.status}`;
}

const Token = Compile(
  Type.Object({ access_token: Type.String({ minLength: 1 }), expires_in: Type.Integer({ minimum: 1 }) }),
);

type Kept = { readonly token: Secret; readonly until: number };
type Request = Omit<Call, 'headers'> & { readonly path: string };

/** Calls with a token, kept until shortly before it ends and shared by all who call meanwhile. */
class Caller {
  readonly #options: ReloadlyOptions;
  #kept: Kept | undefined;
  #coming: Promise<Kept | Answer> | undefined;

  constructor(options: ReloadlyOptions) {
    this.#options = options;
  }

  async call(request: Request): Promise<Answer> {
    const { kept, answer } = await this.#callOnce(request);
    const isTokenAtFault = answer.kind === 'answered' && answer.status === 401 && staleToken.has(errorOf(answer));
    if (!isTokenAtFault) return answer;
    // Turned away at the door, so nothing was done: the one case in which a money call is made again, and once.
    if (this.#kept === kept) this.#kept = undefined;
    return (await this.#callOnce(request)).answer;
  }

  async #callOnce({ path, ...request }: Request): Promise<{ kept: Kept | undefined; answer: Answer }> {
    const kept = await this.#token(request.deadline);
    if ('kind' in kept) return { kept: undefined, answer: kept };
    const headers = {
      accept: 'application/com.reloadly.topups-v1+json',
      // Revealed to the one address it is for.
      authorization: `Bearer ${kept.token.reveal()}`,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return { kept, answer: await call(new URL(`${trimmed(this.#options.url)}${path}`), { ...request, headers }) };
  }

  async #token(deadline: AbortSignal): Promise<Kept | Answer> {
    if (this.#kept && this.#options.clock.now().getTime() < this.#kept.until) return this.#kept;
    this.#coming ??= this.#fetchToken(deadline).finally(() => {
      this.#coming = undefined;
    });
    return this.#coming;
  }

  async #fetchToken(deadline: AbortSignal): Promise<Kept | Answer> {
    const { authUrl, url, clientId, clientSecret, clock } = this.#options;
    const askedAt = clock.now().getTime();
    const answer = await call(new URL(`${trimmed(authUrl)}/oauth/token`), {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: clientId,
        client_secret: clientSecret.reveal(),
        grant_type: 'client_credentials',
        audience: trimmed(url),
      }),
      deadline,
    });
    const token = answer.kind === 'answered' && answer.status === 200 ? readJson(answer.body) : undefined;
    if (!Token.Check(token)) {
      return { kind: 'unsent', detail: `no token: ${answer.kind === 'answered' ? answer.status : answer.detail}` };
    }
    this.#kept = {
      token: new Secret(token.access_token),
      until: askedAt + Math.max(token.expires_in * 1_000 - limits.tokenSpareMs, 0),
    };
    return this.#kept;
  }
}

const staleToken = new Set(['INVALID_TOKEN', 'TOKEN_EXPIRED']);

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}
