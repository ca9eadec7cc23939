import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import type { UssdEngine } from './engine.ts';
import type { UssdGateway } from './gateway.ts';
import { screens, show } from './screens.ts';
import { parseCaller, parseSession, secretDoors } from './secret_doors.ts';

/** One operator's gateway and the secrets that open its address: two while one follows the other. */
export type AtGateway = { readonly gateway: UssdGateway; readonly secrets: readonly Secret[] };

export type AtOptions = {
  readonly engine: UssdEngine;
  /** By operator id, as it stands in the address. */
  readonly gateways: ReadonlyMap<string, AtGateway>;
};

/**
 * Steps in the form protocol of Africa's Talking: `POST /ussd/at/{operator}/{secret}` for each, and `…/end` for its notice that a dialogue
 * is over. The protocol signs nothing, so the secret address is the credential: it is compared in constant time, an
 * unknown operator and a wrong secret are the same 404, and no log sees it. What a subscriber can understand is answered as a screen with status 200;
 * what only the aggregator can repair is a 400.
 */
export function ussdAtRoutes(options: AtOptions): (app: FastifyInstance) => void {
  const doors = secretDoors(
    new Map([...options.gateways].map(([operator, { gateway, secrets }]) => [operator, { behind: gateway, secrets }])),
  );
  return (app) => {
    const settings = {
      bodyLimit: limits.ussdFormBytesMax,
      logSerializers: { req: (request: FastifyRequest) => ({ method: request.method, url: request.routeOptions.url }) },
      schema: { hide: true },
    };
    app.post<{ Params: Address }>('/ussd/at/:operator/:secret', settings, async (request, reply) => {
      const gateway = doors(request.params.operator, request.params.secret);
      return step(options.engine, gateway, { form: request.body, reply });
    });
    app.post<{ Params: Address }>('/ussd/at/:operator/:secret/end', settings, async (request, reply) => {
      const gateway = doors(request.params.operator, request.params.secret);
      await ended(options.engine, gateway, request.body);
      return reply.code(204).send();
    });
  };
}

type Address = { operator: string; secret: string };

async function step(
  engine: UssdEngine,
  gateway: UssdGateway,
  { form, reply }: { form: unknown; reply: FastifyReply },
): Promise<FastifyReply> {
  const session = parseSession(fieldOf(form, 'sessionId'), 'sessionId');
  const serviceCode = fieldOf(form, 'serviceCode');
  const path = fieldOf(form, 'text');
  const msisdn = parseCaller(fieldOf(form, 'phoneNumber'), 'phoneNumber');
  const screen =
    msisdn === undefined
      ? { ...show(screens.notServed(gateway.language), gateway.limits, gateway.language), end: true }
      : await engine.step({ gateway, session, msisdn, serviceCode, input: { kind: 'path', path } });
  return reply.type('text/plain; charset=utf-8').send(`${screen.end ? 'END' : 'CON'} ${screen.text}`);
}

/** Its other fields (input, last response, error) may hold a card's code: they are not read, and so cannot leak. */
async function ended(engine: UssdEngine, gateway: UssdGateway, form: unknown): Promise<void> {
  const session = parseSession(fieldOf(form, 'sessionId'), 'sessionId');
  const msisdn = parseCaller(fieldOf(form, 'phoneNumber'), 'phoneNumber');
  // The words are not laid down anywhere; anything but this one leaves the dialogue to be resumed or told.
  const delivered = fieldOf(form, 'status') === 'Success';
  if (msisdn !== undefined) await engine.ended({ gateway, session, msisdn, delivered });
}

/** A form field, once and as text; a broken request is the aggregator's to repair. */
function fieldOf(form: unknown, field: string): string {
  const value: unknown = typeof form === 'object' && form !== null ? Reflect.get(form, field) : undefined;
  if (typeof value !== 'string') throw new Refusal('request.invalid', { field });
  return value;
}
