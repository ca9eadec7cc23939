import type { FastifyInstance } from 'fastify';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import { type ProviderId, providerIds } from '../../payments/index.ts';
import type { Orders } from '../../topups/index.ts';

/**
 * Where payment providers tell us their news. The body is kept as it came, because its signature covers every byte. 204 says it is taken in, also for a
 * repeat; what is refused is answered as refused, so that the provider shows it in its own log.
 */
export function callbackRoutes({ orders }: { orders: Pick<Orders, 'notify' | 'methods' | 'deliveryHint'> }) {
  return (app: FastifyInstance): void => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.webhookBytesMax }, (_request, body, done) =>
      done(null, body),
    );
    // Unsigned: anybody could send it, so nothing in it is believed but the name of a delivery that is then asked about.
    app.post<{ Body: Buffer | undefined }>('/callbacks/dtone', { schema: { hide: true } }, async (request, reply) => {
      const reference = referenceIn(request.body);
      if (reference !== undefined) await orders.deliveryHint(reference);
      return reply.code(204).send();
    });
    app.post<{ Params: { provider: string }; Body: Buffer | undefined }>(
      '/callbacks/:provider',
      { schema: { hide: true } },
      async (request, reply) => {
        const provider = providerOf(orders, request.params.provider);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
        );
        await orders.notify({ provider, body, headers });
        return reply.code(204).send();
      },
    );
  };
}

const REFERENCE = /^\d{1,18}$/;

function referenceIn(body: Buffer | undefined): string | undefined {
  try {
    const told: unknown = JSON.parse(String(body));
    const name = typeof told === 'object' && told !== null ? String(Reflect.get(told, 'external_id')) : '';
    return REFERENCE.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function providerOf(orders: Pick<Orders, 'methods'>, text: string): ProviderId {
  const provider = providerIds.find((id) => id === text);
  if (!provider || !orders.methods().some(({ id }) => id === provider)) throw new Refusal('request.not_found');
  return provider;
}
