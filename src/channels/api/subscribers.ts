import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { limits } from '../../base/limits.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { allow } from './auth.ts';
import { Bucket, errorResponses, Movement, schemas } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const MovementsQuery = Type.Object({
  before: Type.Optional(Type.String({ maxLength: 40, description: 'ISO 8601 instant: movements before it' })),
  limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$', description: `1 to ${limits.pageRowsMax}, default 20` })),
});

/** Balances and history of a number. Needs `subscribers:read`, which partners do not get by default. */
export function subscriberRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const read = allow(deps.authenticate, 'subscribers:read', deps.onAuthFailure);
  for (const schema of [Bucket, Movement]) app.addSchema(schema);
  app.get<{ Params: { msisdn: string } }>(
    '/v1/subscribers/:msisdn/balance',
    {
      onRequest: read,
      schema: {
        operationId: 'getBalance',
        summary: 'Balance of a number, by bucket',
        tags: ['subscribers'],
        params: schemas.msisdnParams,
        response: { 200: Type.Object({ buckets: Type.Array(Type.Ref('Bucket')) }), ...errorResponses },
      },
    },
    async (request) => ({ buckets: await deps.subscribers.balances(parseMsisdn(request.params.msisdn)) }),
  );
  app.get<{ Params: { msisdn: string }; Querystring: Static<typeof MovementsQuery> }>(
    '/v1/subscribers/:msisdn/movements',
    {
      onRequest: read,
      schema: {
        operationId: 'getMovements',
        summary: 'History of a number, newest first',
        tags: ['subscribers'],
        params: schemas.msisdnParams,
        querystring: MovementsQuery,
        response: { 200: Type.Object({ movements: Type.Array(Type.Ref('Movement')) }), ...errorResponses },
      },
    },
    async (request) => {
      const limit = Number(request.query.limit ?? '20');
      if (limit < 1 || limit > limits.pageRowsMax)
        throw new Refusal('request.invalid', { field: 'limit', max: limits.pageRowsMax });
      const before = request.query.before === undefined ? undefined : instantOf(request.query.before);
      const page = before ? { before, limit } : { limit };
      return { movements: await deps.subscribers.movements(parseMsisdn(request.params.msisdn), page) };
    },
  );
}

/** The four-digit years of ISO 8601: JavaScript knows more of them than PostgreSQL. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

function instantOf(text: string): Date {
  const at = new Date(text);
  if (!INSTANT.test(text) || Number.isNaN(at.getTime())) throw new Refusal('request.invalid', { field: 'before' });
  return at;
}
