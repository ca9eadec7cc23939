import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Language } from './language.ts';
import { limits } from './limits.ts';
import { apiSettings } from './settings.server.ts';

/** What the platform's API answered. `refused` carries its own words for people; `unreachable` is no answer at all. */
export type Answer<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unreachable' };

/** On whose behalf the site asks: the API counts per visitor, and explains itself in the visitor's language. */
export type Visitor = { readonly language: Language; readonly address: string };

const Names = Type.Object({ zh: Type.String(), en: Type.String(), ru: Type.String(), kk: Type.String() });
const DialCode = Type.Object({ purpose: Type.String(), code: Type.String(), verifiedAt: Type.String() });
const Operator = Type.Object({
  id: Type.String(),
  names: Names,
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
  const answer = await read('/v1/operators', shapes.operators, visitor);
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
  const answer = await read(`/v1/subscribers/${msisdn}/balance`, shapes.balance, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.buckets } : answer;
}

/** The latest movements of a number, newest first. */
export async function readMovements(msisdn: string, visitor: Visitor): Promise<Answer<readonly Movement[]>> {
  const path = `/v1/subscribers/${msisdn}/movements?limit=${limits.movementsShown}`;
  const answer = await read(path, shapes.movements, visitor);
  return answer.kind === 'read' ? { kind: 'read', value: answer.value.movements } : answer;
}

type Shape<Value> = { Check(value: unknown): value is Value };

async function read<Value>(path: string, shape: Shape<Value>, visitor: Visitor): Promise<Answer<Value>> {
  const { url, key } = apiSettings();
  const headers = {
    accept: 'application/json',
    'accept-language': visitor.language,
    ...(visitor.address && { 'x-forwarded-for': visitor.address }),
    ...(key !== '' && { authorization: `Bearer ${key}` }),
  };
  try {
    const signal = AbortSignal.timeout(limits.apiTimeoutMs);
    const response = await fetch(`${url}${path}`, { headers, signal, redirect: 'error' });
    const body: unknown = await response.json();
    if (response.ok && shape.Check(body)) return { kind: 'read', value: body };
    return refusalIn(body);
  } catch {
    // A timeout, a closed port, or something that is not JSON: whoever asked gets told, and the page stands without it.
    return { kind: 'unreachable' };
  }
}

function refusalIn(body: unknown): Exclude<Answer<never>, { kind: 'read' }> {
  if (!shapes.problem.Check(body)) return { kind: 'unreachable' };
  return body.code === 'subscriber.not_found' ? { kind: 'absent' } : { kind: 'refused', detail: body.detail };
}
