import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseUuid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { parseAmount } from '../../base/money.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { orRefusal, Refusal } from '../../base/refusal.ts';
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
  createRoute(app, deps);
  bulkRoute(app, deps);
  getRoute(app, deps);
}

function createRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: Wanted }>(
    '/v1/topups',
    {
      onRequest: allow(deps.authenticate, 'topups:write', deps.onAuthFailure),
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
      const key = idempotencyKeyOf(request);
      const credit = creditOf(deps, request.body, { partner: clientOf(request).partner, key });
      const topup = await deps.topups.credit(credit);
      reply.code(201);
      if (!topup.fresh) reply.header('idempotent-replayed', 'true');
      return answerOf(topup, credit.msisdn);
    },
  );
}

function bulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: Static<typeof BulkRequest> }>(
    '/v1/topups/bulk',
    {
      onRequest: allow(deps.authenticate, 'topups:write', deps.onAuthFailure),
      schema: {
        operationId: 'createTopups',
        summary: `Credit up to ${limits.bulkItemsMax} numbers; each item has its own outcome`,
        tags: ['topups'],
        headers: schemas.idempotencyHeader,
        body: Type.Ref('BulkRequest'),
        response: { 200: Type.Ref('BulkAnswer'), ...errorResponses },
      },
    },
    async (request) => {
      const common = idempotencyKeyOf(request);
      const { partner } = clientOf(request);
      const credits = request.body.items.map((item, index) =>
        orRefusal(() =>
          creditOf(deps, item, { partner, key: item.key === undefined ? `${common}/${index}` : checkKey(item.key) }),
        ),
      );
      const answers = await deps.topups.creditMany(credits);
      const items = answers.map((answer, index) => {
        if (answer instanceof Refusal) return { index, status: answer.status, problem: problemOf(answer, request) };
        return { index, status: 201, topup: answerOf(answer) };
      });
      const refused = answers.filter((answer) => answer instanceof Refusal).length;
      return { items, credited: items.length - refused, refused };
    },
  );
}

function getRoute(app: FastifyInstance, deps: ApiDeps): void {
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

function creditOf({ catalogue }: ApiDeps, wanted: Wanted, asked: { partner: bigint; key: string }): Credit {
  if (wanted.currency !== 'KZT') throw new Refusal('currency.unsupported', { supported: 'KZT' });
  const msisdn = parseMsisdn(wanted.msisdn);
  return { ...asked, msisdn, amountMinor: parseAmount(wanted.amount, 'KZT'), operator: catalogue.operatorOf(msisdn) };
}

/** The number is repeated only to whoever has just sent it. */
function answerOf({ id, status, reference, amount, currency, createdAt }: Topup, msisdn?: Msisdn) {
  const answer = { id, status, reference, amount, currency, createdAt };
  return msisdn === undefined ? answer : { ...answer, msisdn };
}
