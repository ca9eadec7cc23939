import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Secret } from '../../base/secret.ts';
import { ProviderUnavailable } from '../provider.ts';
import { fetchBounded } from './bounded.ts';

/** One request of PayPal's REST API. `requestId` makes a repeat the same request (PayPal-Request-Id, at most 108 characters). */
export type PaypalRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly requestId?: string;
};

/** An answer PayPal gave on purpose: 2xx, or a refusal in its own form. Everything else is `ProviderUnavailable`. */
export type PaypalAnswer = { readonly ok: boolean; readonly status: number; readonly body: unknown };

export type PaypalApi = { ask(request: PaypalRequest, deadline: AbortSignal): Promise<PaypalAnswer> };

export type PaypalAccess = {
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly clock: Clock;
};

type Token = { readonly value: Secret; readonly expiresAt: number };

/**
 * The wire and nothing of its meaning: sign-in, one deadline for a whole verb, bounded answers. What PayPal refuses for its token is sent
 * once more with a new one: a request without a valid token has not been looked at.
 */
export function createPaypalApi(access: PaypalAccess): PaypalApi {
  let current: Token | undefined;
  let asking: Promise<Token> | undefined;

  /** Callers who find no token share one request for it. */
  const signIn = async (deadline: AbortSignal): Promise<Token> => {
    if (current !== undefined && current.expiresAt > access.clock.now().getTime()) return current;
    asking ??= askForToken(access, deadline).finally(() => {
      asking = undefined;
    });
    current = await asking;
    return current;
  };

  return {
    async ask(request, deadline) {
      const first = await signIn(deadline);
      const answer = await send(access, { request, token: first, deadline });
      if (answer.status !== 401) return answerOf(request, answer);
      if (current === first) current = undefined;
      const second = await signIn(deadline);
      return answerOf(request, await send(access, { request, token: second, deadline }));
    },
  };
}

async function askForToken(access: PaypalAccess, deadline: AbortSignal): Promise<Token> {
  const path = '/v1/oauth2/token';
  // Revealed into the one header that signs in (RFC 6749, 2.3.1).
  const basic = Buffer.from(`${access.clientId}:${access.clientSecret.reveal()}`).toString('base64');
  const raw = await exchange(`${access.apiUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    signal: deadline,
  });
  const { access_token: value, expires_in: seconds } = fieldsOf(raw.body);
  if (raw.status !== 200 || typeof value !== 'string' || typeof seconds !== 'number') {
    throw unusable({ method: 'POST', path }, raw);
  }
  return {
    value: new Secret(value),
    expiresAt: access.clock.now().getTime() + seconds * 1_000 - limits.tokenSpareMs,
  };
}

async function send(
  access: PaypalAccess,
  { request, token, deadline }: { request: PaypalRequest; token: Token; deadline: AbortSignal },
): Promise<RawAnswer> {
  return exchange(`${access.apiUrl}${request.path}`, {
    method: request.method,
    headers: {
      authorization: `Bearer ${token.value.reveal()}`,
      accept: 'application/json',
      ...(request.method === 'POST' && { 'content-type': 'application/json', prefer: 'return=representation' }),
      ...(request.requestId !== undefined && { 'paypal-request-id': request.requestId }),
    },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    signal: deadline,
  });
}

type RawAnswer = { readonly status: number; readonly body: unknown };

/** A body that is not JSON (a proxy's page, an empty answer) is read as nothing; the status then decides. */
async function exchange(url: string, init: RequestInit): Promise<RawAnswer> {
  try {
    const response = await fetchBounded(url, init);
    return { status: response.status, body: parseJson(await response.text()) };
  } catch (cause) {
    throw new ProviderUnavailable('paypal', cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Statuses with which PayPal says no for good; others (401 again, 409, 429, 5xx, a redirect) may change by themselves. */
const answered: ReadonlySet<number> = new Set([200, 201, 400, 403, 404, 422]);

function answerOf(request: PaypalRequest, { status, body }: RawAnswer): PaypalAnswer {
  const ok = status === 200 || status === 201;
  if (!answered.has(status) || typeof fieldsOf(body)[ok ? 'id' : 'name'] !== 'string') {
    throw unusable(request, { status, body });
  }
  return { ok, status, body };
}

/** Names the request and what PayPal called it, with the number its support asks for; no token, no person. */
export function unusable({ method, path }: PaypalRequest, { status, body }: RawAnswer): ProviderUnavailable {
  const { name, debug_id: debugId } = fieldsOf(body);
  const words = [String(status), ...[name, ...issuesOf(body), debugId].filter((word) => typeof word === 'string')];
  return new ProviderUnavailable('paypal', new Error(`${method} ${path}: ${words.join(' ')}`));
}

/** Why PayPal refused, in its own words: `INSTRUMENT_DECLINED`. */
export function issuesOf(body: unknown): readonly string[] {
  const { details } = fieldsOf(body);
  if (!Array.isArray(details)) return [];
  return details.map((detail) => fieldsOf(detail).issue).filter((issue) => typeof issue === 'string');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
