import { isDeepStrictEqual } from 'node:util';
import { type Form, formAt, listOf, parseForm, textAt } from '../wire/form.ts';
import type { Journal, Shelf } from '../wire/journal.ts';
import { type Answer, type Call, type Handler, json, type Routes, sameText } from '../wire/server.ts';
import type { Account } from './account.ts';
import { invalid, missing, noSuch, WireError } from './errors.ts';
import { API_VERSION, type Endpoint, newId } from './objects.ts';
import { readInteger, readMetadata, readSession } from './sessions.ts';

/** An answer kept under its idempotency key, with what was asked. */
type Kept = {
  readonly key: string;
  readonly path: string;
  readonly form: Form;
  readonly answer: Answer;
  readonly request: string;
  readonly at: number;
};

export type ApiSettings = {
  readonly account: Account;
  readonly journal: Journal;
  /** The secret key that is accepted; any `sk_test_…` where nothing is said. */
  readonly key: string | undefined;
  readonly pageOf: (id: string) => string;
};

type Verb = (call: Call, form: Form) => unknown;

const KEY_LENGTH_MAX = 255;
const KEPT_SECONDS = 24 * 60 * 60;
const LIST_MAX = 100;

/** The routes of Stripe's API that a checkout with refunds needs. */
export function apiRoutes(settings: ApiSettings): Routes {
  const { account } = settings;
  const kept: Shelf<Kept> = settings.journal.shelf('idempotency');
  const route = (verb: Verb): Handler => wire({ ...settings, kept, verb });
  const one =
    (shelf: Shelf<unknown>, what: string): Verb =>
    ({ params }) => {
      const found = shelf.get(params.id ?? '');
      if (found === undefined) throw noSuch(what, params.id ?? '', 'id');
      return found;
    };
  return {
    'POST /v1/checkout/sessions': route((_, form) => {
      const { session, opening } = readSession(form, account.now(), settings.pageOf);
      return account.open(session, opening);
    }),
    'GET /v1/checkout/sessions': route((call, form) => list(call, form, account.sessions)),
    'GET /v1/checkout/sessions/:id': route(({ params }) => account.session(params.id ?? '')),
    'POST /v1/checkout/sessions/:id/expire': route(({ params }) => account.expire(params.id ?? '')),
    'GET /v1/payment_intents/:id': route(one(account.intents, 'payment_intent')),
    'GET /v1/charges/:id': route(one(account.charges, 'charge')),
    'POST /v1/refunds': route((_, form) => postRefund(account, form)),
    'GET /v1/refunds': route((call, form) => list(call, form, account.refunds)),
    'GET /v1/refunds/:id': route(one(account.refunds, 'refund')),
    'GET /v1/disputes': route((call, form) => list(call, form, account.disputes)),
    'GET /v1/disputes/:id': route(one(account.disputes, 'dispute')),
    'GET /v1/events': route((call, form) => list(call, form, account.events)),
    'GET /v1/events/:id': route(one(account.events, 'event')),
    'POST /v1/webhook_endpoints': route((_, form) => postEndpoint(account, form)),
    'GET /v1/webhook_endpoints': route((call, form) => list(call, form, account.endpoints)),
    'DELETE /v1/webhook_endpoints/:id': route(({ params }) => {
      account.endpoints.remove(params.id ?? '');
      return { id: params.id, object: 'webhook_endpoint', deleted: true };
    }),
  };
}

type Wired = ApiSettings & { readonly kept: Shelf<Kept>; readonly verb: Verb };

/** What every call has in common: who asks, the form, the idempotency key, expansion, the headers. */
function wire({ account, key, kept, verb }: Wired): Handler {
  return (call) => {
    const request = newId('req_', 14);
    const common = { 'request-id': request, 'stripe-version': String(call.headers['stripe-version'] ?? API_VERSION) };
    try {
      authenticate(call, key);
      account.tick();
      const form = parseForm(call.method === 'GET' ? call.query.toString() : call.body.toString('utf8'));
      const work = (): Answer => {
        const done = verb(call, form);
        return json(200, expand(account, done, listOf(formAt(form, 'expand')).map(String)));
      };
      const repeat = call.method === 'POST' ? call.headers['idempotency-key'] : undefined;
      if (repeat === undefined) return withHeaders(work(), common);
      return keyed({ key: String(repeat), path: call.path, form, request, at: account.now() }, { kept, work, common });
    } catch (error) {
      if (error instanceof WireError) return withHeaders(error.answer, common);
      throw error;
    }
  };
}

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** One key is one piece of work: a repeat has the first answer. What was refused was not work, and may be asked again. */
function keyed(
  asked: Omit<Kept, 'answer'>,
  { kept, work, common }: { kept: Shelf<Kept>; work: () => Answer; common: Readonly<Record<string, string>> },
): Answer {
  if (asked.key === '' || asked.key.length > KEY_LENGTH_MAX)
    throw new WireError(400, `Idempotency keys have 1 to ${KEY_LENGTH_MAX} characters.`, { type: 'idempotency_error' });
  const headers = { ...common, 'idempotency-key': asked.key };
  const first = kept.get(asked.key);
  if (first === undefined || first.at + KEPT_SECONDS <= asked.at) {
    const answer = work();
    kept.put(asked.key, { ...asked, answer });
    return withHeaders(answer, headers);
  }
  if (first.path !== asked.path || !isDeepStrictEqual(plain(first.form), plain(asked.form)))
    throw new WireError(
      400,
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${asked.key}' if you meant to execute a different request.`,
      { type: 'idempotency_error' },
    );
  return withHeaders(first.answer, { ...headers, 'idempotent-replayed': 'true', 'original-request': first.request });
}

const plain = (form: Form): unknown => JSON.parse(JSON.stringify(form));

function authenticate(call: Call, key: string | undefined): void {
  const given = /^Bearer (\S+)$/.exec(call.headers.authorization ?? '')?.[1];
  if (given === undefined)
    throw new WireError(401, 'You did not provide an API key. Send it as Authorization: Bearer YOUR_SECRET_KEY.');
  const isRight = key === undefined ? given.startsWith('sk_test_') : sameText(given, key);
  if (!isRight) throw new WireError(401, `Invalid API Key provided: ${given.slice(0, 8)}***`);
}

const refundParams = new Set(['amount', 'charge', 'expand', 'metadata', 'payment_intent', 'reason']);
const refundReasons = new Set(['duplicate', 'fraudulent', 'requested_by_customer']);

function postRefund(account: Account, form: Form): unknown {
  for (const name of Object.keys(form))
    if (!refundParams.has(name)) throw invalid(name, `Received unknown parameter: ${name}`, 'parameter_unknown');
  const intent = textAt(form, 'payment_intent') ?? account.charges.get(textAt(form, 'charge') ?? '')?.payment_intent;
  if (intent === undefined) throw missing('payment_intent');
  const amount = textAt(form, 'amount');
  const reason = textAt(form, 'reason') ?? null;
  if (reason !== null && !refundReasons.has(reason)) throw invalid('reason', `Invalid reason: ${reason}`);
  return account.refund({
    intent,
    amount: amount === undefined ? undefined : Math.max(1, readInteger(amount, 'amount')),
    reason,
    metadata: readMetadata(form, 'metadata'),
  });
}

function postEndpoint(account: Account, form: Form): Endpoint {
  const url = textAt(form, 'url');
  if (url === undefined || !URL.canParse(url)) throw invalid('url', 'Not a valid URL', 'url_invalid');
  const events = listOf(formAt(form, 'enabled_events')).map(String);
  if (events.length === 0) throw missing('enabled_events');
  const endpoint: Endpoint = {
    id: newId('we_'),
    object: 'webhook_endpoint',
    created: account.now(),
    enabled_events: events,
    livemode: false,
    secret: newId('whsec_', 32),
    status: 'enabled',
    url,
  };
  account.endpoints.put(endpoint.id, endpoint);
  return endpoint;
}

/** The newest first, page by page. A parameter that names a field of the objects filters by it. */
function list(call: Call, form: Form, shelf: Shelf<{ readonly id: string }>): unknown {
  const limit = Math.min(LIST_MAX, readInteger(textAt(form, 'limit') ?? '10', 'limit'));
  const after = textAt(form, 'starting_after');
  const filters = ['payment_intent', 'charge', 'type', 'status'].flatMap((name) => {
    const value = textAt(form, name);
    return value === undefined ? [] : [{ name, value }];
  });
  const found = shelf
    .select((item) => filters.every(({ name, value }) => (item as Record<string, unknown>)[name] === value))
    .reverse();
  const from = after === undefined ? 0 : found.findIndex(({ id }) => id === after) + 1;
  return {
    object: 'list',
    data: found.slice(from, from + limit),
    has_more: found.length > from + limit,
    url: call.path,
  };
}

/** Puts objects where their ids stand, along paths like `payment_intent.latest_charge`. */
function expand(account: Account, value: unknown, paths: readonly string[]): unknown {
  const result: unknown = structuredClone(value);
  for (const path of paths) expandPath(account, result, path.split('.'));
  return result;
}

function expandPath(account: Account, value: unknown, path: readonly string[]): void {
  const [field, ...rest] = path;
  if (field === undefined || typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  if (!(field in object)) throw invalid('expand', `This property cannot be expanded (${field}).`);
  const held = object[field];
  if (typeof held === 'string') object[field] = byId(account, held);
  for (const item of Array.isArray(object[field]) ? object[field] : [object[field]]) expandPath(account, item, rest);
}

function byId(account: Account, id: string): unknown {
  const shelves: readonly Shelf<unknown>[] = [account.intents, account.charges, account.refunds, account.sessions];
  return shelves.map((shelf) => shelf.get(id)).find((found) => found !== undefined) ?? id;
}
