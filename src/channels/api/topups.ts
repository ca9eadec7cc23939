import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseUuid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { parseAmount } from '../../base/money.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Credit, Topup } from '../../topups/index.ts';
import { allow, checkKey, clientOf, idempotencyKeyOf } from './auth.ts';
import { problemOf } from './problem.ts';
import { errorResponses, schemas } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const TopupRequest = Type.Object(
  {
    msisdn: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'The number to credit, in any usual form; E.164 digits preferred',
      examples: ['77011234567'],
    }),
    amount: Type.String({
      minLength: 1,
      maxLength: 20,
      description: 'Decimal text in the currency, two decimals at most',
      examples: ['1000.00'],
    }),
    currency: Type.String({ minLength: 3, maxLength: 3, description: 'ISO 4217; KZT', examples: ['KZT'] }),
  },
  { $id: 'TopupRequest', additionalProperties: false },
);

const TopupAnswer = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    status: Type.Literal('delivered'),
    reference: Type.String({ description: 'What a person quotes, in groups of four', examples: ['7KQ4-M2XD-9RTB'] }),
    msisdn: Type.Optional(Type.String()),
    amount: Type.String(),
    currency: Type.String(),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Topup' },
);

const BulkRequest = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          key: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: limits.idempotencyKeyLengthMax,
              description: 'Own key of the item; default: Idempotency-Key/index',
            }),
          ),
          msisdn: Type.String({ minLength: 1, maxLength: 64 }),
          amount: Type.String({ minLength: 1, maxLength: 20 }),
          currency: Type.String({ minLength: 3, maxLength: 3 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: limits.bulkItemsMax },
    ),
  },
  { $id: 'BulkRequest', additionalProperties: false },
);

const BulkAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        index: Type.Integer(),
        status: Type.Integer({ description: 'HTTP status this item would have had alone' }),
        topup: Type.Optional(Type.Ref('Topup')),
        problem: Type.Optional(Type.Ref('Problem')),
      }),
    ),
    credited: Type.Integer(),
    refused: Type.Integer(),
  },
  { $id: 'BulkAnswer' },
);

type Wanted = Static<typeof TopupRequest>;

/** Crediting numbers from a partner's prefunded float. */
export function topupRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const schema of [TopupRequest, TopupAnswer, BulkRequest, BulkAnswer]) app.addSchema(schema);
  const write = allow(deps.authenticate, 'topups:write', deps.onAuthFailure);
  const creditOf = (wanted: Wanted, client: { partner: bigint }, key: string): Credit => {
    if (wanted.currency !== 'KZT') throw new Refusal('currency.unsupported', { supported: 'KZT' });
    const msisdn = parseMsisdn(wanted.msisdn);
    return {
      partner: client.partner,
      key,
      msisdn,
      amountMinor: parseAmount(wanted.amount, 'KZT'),
      operator: deps.catalogue.operatorOf(msisdn),
    };
  };

  app.post<{ Body: Wanted }>(
    '/v1/topups',
    {
      onRequest: write,
      schema: {
        operationId: 'createTopup',
        summary: 'Credit a number from your float, exactly once',
        description:
          'Repeat with the same Idempotency-Key until you have an answer: the same key and body always get the first answer.',
        tags: ['topups'],
        headers: schemas.idempotencyHeader,
        body: Type.Ref('TopupRequest'),
        response: { 201: Type.Ref('Topup'), ...errorResponses },
      },
    },
    async (request, reply) => {
      const credit = creditOf(request.body, clientOf(request), idempotencyKeyOf(request));
      const topup = await deps.topups.credit(credit);
      reply.code(201);
      if (!topup.fresh) reply.header('idempotent-replayed', 'true');
      return answerOf(topup, credit.msisdn);
    },
  );

  app.post<{ Body: Static<typeof BulkRequest> }>(
    '/v1/topups/bulk',
    {
      onRequest: write,
      schema: {
        operationId: 'createTopups',
        summary: 'Credit up to 1,000 numbers; each item has its own outcome',
        tags: ['topups'],
        headers: schemas.idempotencyHeader,
        body: Type.Ref('BulkRequest'),
        response: { 200: Type.Ref('BulkAnswer'), ...errorResponses },
      },
    },
    async (request) => {
      const key = idempotencyKeyOf(request);
      const client = clientOf(request);
      const credits = request.body.items.map((item, index) =>
        tryRefuse(() => creditOf(item, client, item.key === undefined ? `${key}/${index}` : checkKey(item.key))),
      );
      const answers = await deps.topups.creditMany(
        credits.flatMap((credit) => (credit instanceof Refusal ? [] : [credit])),
      );
      let next = 0;
      let credited = 0;
      const items = credits.map((credit, index) => {
        const answer = credit instanceof Refusal ? credit : (answers[next++] ?? new Refusal('system.error'));
        if (answer instanceof Refusal || credit instanceof Refusal) {
          const refusal = answer instanceof Refusal ? answer : new Refusal('system.error');
          return { index, status: refusal.status, problem: problemOf(refusal, request) };
        }
        credited += 1;
        return { index, status: 201, topup: answerOf(answer, credit.msisdn) };
      });
      return { items, credited, refused: items.length - credited };
    },
  );

  app.get<{ Params: { id: string } }>(
    '/v1/topups/:id',
    {
      onRequest: allow(deps.authenticate, 'topups:read', deps.onAuthFailure),
      schema: {
        operationId: 'getTopup',
        summary: 'What became of one of your top-ups',
        tags: ['topups'],
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 200: Type.Ref('Topup'), ...errorResponses },
      },
    },
    async (request) => {
      const id = parseUuid(request.params.id);
      if (!id) throw new Refusal('topup.not_found');
      return answerOf(await deps.topups.find(clientOf(request).partner, id));
    },
  );
}

function answerOf(topup: Topup, msisdn?: Msisdn) {
  const { id, status, reference, amount, currency, createdAt } = topup;
  return msisdn === undefined
    ? { id, status, reference, amount, currency, createdAt }
    : { id, status, reference, msisdn, amount, currency, createdAt };
}

function tryRefuse<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
