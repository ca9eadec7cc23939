import { Type } from 'typebox';
import { limits } from '../../base/limits.ts';
import { unitNames } from '../../base/money.ts';

/** Shapes more than one route speaks of; `$id`s become components of the OpenAPI description. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable word to program against' }),
    detail: Type.String({ description: 'For people, in the language of Accept-Language (zh, en, ru, kk)' }),
    requestId: Type.String(),
    details: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))),
  },
  { $id: 'Problem' },
);

export const Bucket = Type.Object(
  {
    unit: Type.Union(unitNames.map((unit) => Type.Literal(unit))),
    amount: Type.String({ description: 'Decimal text in the unit' }),
    expiresAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  },
  { $id: 'Bucket' },
);

export const Movement = Type.Object(
  {
    id: Type.String(),
    reference: Type.String(),
    kind: Type.String({ description: 'topup, voucher, …' }),
    unit: Type.Union(unitNames.map((unit) => Type.Literal(unit))),
    amount: Type.String({ description: 'Signed decimal text: what it did to the balance' }),
    at: Type.String({ format: 'date-time' }),
  },
  { $id: 'Movement' },
);

export const schemas = {
  idempotencyHeader: Type.Object({
    'idempotency-key': Type.String({
      description: `Your own name for this command: up to ${limits.idempotencyKeyLengthMax} visible ASCII characters; it never expires`,
    }),
  }),
  msisdnParams: Type.Object({
    msisdn: Type.String({ maxLength: 64, description: 'E.164 digits, for example 77011234567' }),
  }),
};

const problem = { content: { 'application/problem+json': { schema: Type.Ref('Problem') } } };

export const errorResponses = {
  400: { description: 'The request is not well formed', ...problem },
  401: { description: 'No valid API key', ...problem },
  403: { description: 'The key may not do this', ...problem },
  404: { description: 'Not found', ...problem },
  422: { description: 'Understood and refused; see code', ...problem },
  429: { description: 'Too many tries; see Retry-After', ...problem },
  500: { description: 'A defect of ours; repeat with the same Idempotency-Key', ...problem },
  503: { description: 'Not now; repeat with the same Idempotency-Key', ...problem },
};
