import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Language } from './language.ts';
import { limits } from './limits.ts';
import { apiSettings } from './settings.server.ts';

/** What the platform's API answered. `refused` carries its own words for people; `unreachable` is no answer at all. */
export type Answer<Value> = { readonly kind: 'read'; readonly value: Value } | NoAnswer;

/** `absent`: what was asked about does not exist. `code` is the API's stable word for a refusal. */
export type NoAnswer =
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unreachable' };

/** On whose behalf the site asks: the API counts per visitor, and explains itself in the visitor's language. */
export type Visitor = { readonly language: Language; readonly address: string };

const Names = Type.Object({ zh: Type.String(), en: Type.String(), ru: Type.String(), kk: Type.String() });
const DialCode = Type.Object({ purpose: Type.String(), code: Type.String(), verifiedAt: Type.String() });
const Operator = Type.Object({
  id: Type.String(),
  names: Names,
  brands: Type.Array(Type.Object({ names: Names })),
  amounts: Type.Object({ min: Type.String(), max: Type.String(), presets: Type.Array(Type.String()) }),
  prefixes: Type.Array(Type.String()),
  dialCodes: Type.Array(DialCode),
});
const Bucket = Type.Object({
  unit: Type.String(),
  amount: Type.String(),
  expiresAt: Type.Union([Type.String(), Type.Null()]),
});
const Movement = Type.Object({
  id: Type.String(),
  reference: Type.String(),
  kind: Type.String(),
  unit: Type.String(),
  amount: Type.String(),
  at: Type.String(),
});

export type Operator = Static<typeof Operator>;
export type Bucket = Static<typeof Bucket>;
export type Movement = Static<typeof Movement>;

const shapes = {
  operators: Compile(Type.Object({ operators: Type.Array(Operator) })),
  balance: Compile(Type.Object({ buckets: Type.Array(Bucket) })),
  movements: Compile(Type.Object({ movements: Type.Array(Movement) })),
  problem: Compile(Type.Object({ code: Type.String(), detail: Type.String() })),
};

let operatorsRead: { readonly from: string; readonly at: number; readonly list: readonly Operator[] } | undefined;

/** The country's operators. Kept for a minute: they change with an upgrade, and every page asks. */
export async function readOperators(visitor: Visitor): Promise<Answer<readonly Operator[]>> {
  const { url } = apiSettings();
  const fresh = operatorsRead && performance.now() - operatorsRead.at < limits.operatorsCacheMs;
  if (operatorsRead && fresh && operatorsRead.from === url) return { kind: 'read', value: operatorsRead.list };
  const answer = await ask({ path: '/v1/operators', shape: shapes.operators }, visitor);
  if (answer.kind !== 'read') return answer;
  operatorsRead = { from: url, at: performance.now(), list: answer.value.operators };
  return { kind: 'read', value: answer.value.operators };
}

/** The dial code that opens this platform's dialogue, where one is known. */
export function menuCodeOf(operator: Operator): Static<typeof DialCode> | undefined {
  return operator.dialCodes.find((code) => code.purpose === 'menu');
}

/** The balance of a number, given as E.164 digits. `absent`: nobody has ever credited it here. */
export async function readBalance(msisdn: string, visitor: Visitor): Promise<Answer<readonly Bucket[]>> {
  const answer = await ask({ path: `/v1/subscribers/${msisdn}/balance`, shape: shapes.balance }, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.buckets } : answer;
}

/** The latest movements of a number, newest first. */
export async function readMovements(msisdn: string, visitor: Visitor): Promise<Answer<readonly Movement[]>> {
  const path = `/v1/subscribers/${msisdn}/movements?limit=${limits.movementsShown}`;
  const answer = await ask({ path, shape: shapes.movements }, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.movements } : answer;
}

/** What is asked of the API. Without a method it reads. `patient`: others are asked in turn before there is an answer. */
export type Question<Value> = {
  readonly path: string;
  readonly shape: { Check(value: unknown): value is Value };
  readonly method?: 'POST' | 'PUT';
  readonly body?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly patient?: true;
};

export async function ask<Value>(question: Question<Value>, visitor: Visitor): Promise<Answer<Value>> {
  const { path, shape, method = 'GET', body, patient } = question;
  const { url } = apiSettings();
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: headersFor(visitor, { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) }),
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patient ? limits.apiPatienceMs : limits.apiTimeoutMs),
      redirect: 'error',
    });
    const answer: unknown = await response.json();
    if (response.ok && shape.Check(answer)) return { kind: 'read', value: answer };
    return refusalIn(answer);
  } catch {
    // A timeout, a closed port, or something that is not JSON: whoever asked gets told, and the page stands without it.
    return { kind: 'unreachable' };
  }
}

/** A document or a stream of the API, to be handed on as it comes; undefined where there is none. */
export async function openBody(
  { path, accept, signal }: { path: string; accept: string; signal: AbortSignal },
  visitor: Visitor,
): Promise<ReadableStream<Uint8Array> | undefined> {
  try {
    const { url } = apiSettings();
    const headers = headersFor(visitor, { accept });
    const response = await fetch(`${url}${path}`, { headers, signal, redirect: 'error' });
    if (response.ok && response.body) return response.body;
    await response.body?.cancel();
    return undefined;
  } catch {
    // As above: there is nothing to hand on.
    return undefined;
  }
}

function headersFor({ language, address }: Visitor, more: Record<string, string>): Record<string, string> {
  const { key } = apiSettings();
  return {
    ...more,
    'accept-language': language,
    ...(address && { 'x-forwarded-for': address }),
    ...(key !== '' && { authorization: `Bearer ${key}` }),
  };
}

const absences = new Set(['subscriber.not_found', 'order.not_found', 'link.not_found']);

function refusalIn(body: unknown): NoAnswer {
  if (!shapes.problem.Check(body)) return { kind: 'unreachable' };
  const { code, detail } = body;
  return absences.has(code) ? { kind: 'absent' } : { kind: 'refused', code, detail };
}
