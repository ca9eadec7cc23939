import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Refusal } from '../../base/refusal.ts';
import { errorResponses } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const Health = Type.Object({ status: Type.Literal('ok'), version: Type.String() }, { $id: 'Health' });

/** Liveness says the process answers; readiness says it can move money now. */
export function healthRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.addSchema(Health);
  const ok = { status: 'ok' as const, version: deps.version };
  const schema = (operationId: string, summary: string) => ({
    operationId,
    summary,
    tags: ['operations'],
    security: [],
    response: { 200: Type.Ref('Health'), 503: errorResponses[503] },
  });
  const ready = async () => {
    if (!(await deps.ready())) throw new Refusal('system.unavailable');
    return ok;
  };
  app.get('/health', { config: deps.publicLimit, schema: schema('health', 'Can move money now') }, ready);
  app.get('/health/ready', { config: deps.publicLimit, schema: schema('ready', 'Can move money now') }, ready);
  app.get('/health/live', { schema: schema('live', 'The process answers') }, async () => ok);
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    // Figures are for the operator of the platform: the machine itself, or a scraper in front that keeps others out.
    if (!/^(::1|127\.|::ffff:127\.)/.test(request.ip)) throw new Refusal('request.not_found');
    reply.type(deps.metrics.contentType);
    return deps.metrics.text();
  });
}
