import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { withoutDigits } from '../../base/masked.ts';
import type { Secret } from '../../base/secret.ts';
import type { Gateway, GatewayHooks } from '../../gateways/index.ts';
import { readDialled } from './dialling.ts';
import type { UssdEngine } from './engine.ts';
import type { UssdGateway } from './gateway.ts';
import {
  describeHttp,
  type HttpProtocolName,
  type HttpStep,
  httpReply,
  protocolOf,
  type Renamed,
  readHttpStep,
} from './http_protocols.ts';
import type { UssdReply } from './memory.ts';
import { type Screen, screens, show } from './screens.ts';
import { parseCaller, parseSession, secretDoors } from './secret_doors.ts';

export type HttpGatewayOptions = {
  readonly engine: Pick<UssdEngine, 'step'>;
  readonly gateway: UssdGateway;
  readonly clock: Clock;
  readonly protocol: HttpProtocolName;
  readonly renamed?: Renamed;
  readonly secrets: readonly Secret[];
  /** Codes that lead here, beside the one that a message names. */
  readonly codes?: readonly string[];
};

/** A gateway that calls us: it is up while it is not drained, and nobody knows of a dialogue between two calls. */
export type HttpGateway = Gateway & {
  readonly speaks: HttpProtocolName;
  readonly secrets: readonly Secret[];
  /** The reply to one message. */
  take(message: unknown): Promise<unknown>;
  /** Who is told of each message from now on. */
  watch(hooks: Pick<GatewayHooks, 'onCount' | 'onTrace'>): void;
};

export function openHttpGateway(options: HttpGatewayOptions): HttpGateway {
  const { clock, engine, gateway, codes = [] } = options;
  const protocol = protocolOf(options.protocol, options.renamed);
  let hooks: Pick<GatewayHooks, 'onCount' | 'onTrace'> = {};
  let leavingSince: Date | undefined;
  let since = clock.now();
  const reply = (step: HttpStep): Promise<UssdReply> | UssdReply => {
    if (step.kind === 'over') return { text: '', end: true };
    const session = parseSession(step.session, protocol.fields.session);
    const msisdn = parseCaller(step.number, protocol.fields.number);
    if (msisdn === undefined) return final(gateway, screens.notServed(gateway.language));
    const first = step.kind === 'first';
    if (first && leavingSince) return final(gateway, screens.unavailable(gateway.language));
    const { serviceCode, text } = typedIn(step, codes);
    return engine.step({
      gateway,
      session,
      msisdn,
      serviceCode,
      input: { kind: 'last', text, first, name: step.step },
    });
  };
  return {
    id: gateway.id,
    protocol: 'http',
    operator: gateway.operator,
    speaks: options.protocol,
    secrets: options.secrets,
    async take(message) {
      // Before it is read: what cannot be read is what somebody looks for.
      hooks.onTrace?.(`${gateway.id} in ${describeHttp(protocol, message)}`);
      const step = readHttpStep(protocol, message);
      const { text, end } = await reply(step);
      hooks.onCount?.({ gateway: gateway.id, direction: 'in', kind: step.kind, outcome: 'ok' });
      hooks.onCount?.({ gateway: gateway.id, direction: 'out', kind: end ? 'final' : 'question', outcome: 'ok' });
      hooks.onTrace?.(`${gateway.id} out ${end ? 'final' : 'question'} ${JSON.stringify(withoutDigits(text))}`);
      return httpReply(protocol, message, { text, end });
    },
    watch(those) {
      hooks = those;
    },
    status() {
      const isOver = leavingSince && clock.now().getTime() - leavingSince.getTime() > limits.ussdSessionMs;
      const state = isOver ? 'drained' : leavingSince ? 'draining' : 'bound';
      return { state, since, lastError: undefined, dialogues: 0, waiting: 0 };
    },
    drain() {
      since = clock.now();
      leavingSince = since;
    },
    resume() {
      since = clock.now();
      leavingSince = undefined;
    },
    close: async () => undefined,
  };
}

/** A first message holds what was dialled, the code with or without something behind it; each later one an answer. */
function typedIn(
  { kind, text, serviceCode }: HttpStep,
  codes: readonly string[],
): { serviceCode: string; text: string } {
  const bare = (serviceCode ?? '').replace(/^\*|#$/g, '');
  const own = bare === '' ? [] : [`*${bare}#`];
  const known = own[0] ?? codes[0] ?? '';
  if (kind !== 'first') return { serviceCode: known, text };
  // Some say the bare code, or nothing at all.
  if (!text.startsWith('*')) return { serviceCode: known, text: '' };
  return readDialled(text, [...own, ...codes]);
}

function final(gateway: UssdGateway, screen: Screen): UssdReply {
  return { text: show(screen, gateway.limits, gateway.language).text, end: true };
}

type Address = { protocol: string; operator: string; secret: string };

/**
 * `POST /ussd/{protocol}/{operator}/{secret}` for each step, with `…/session/{session}/{kind}` behind it where an aggregator says these in
 * the address. None of them signs anything, so the secret address is the credential, as it is for Africa's Talking (at.ts).
 */
export function ussdHttpRoutes(gateways: readonly HttpGateway[]): (app: FastifyInstance) => void {
  const doors = secretDoors(
    new Map(gateways.map((one) => [`${one.speaks} ${one.operator}`, { behind: one, secrets: one.secrets }])),
  );
  return (app) => {
    const settings = {
      bodyLimit: limits.ussdFormBytesMax,
      logSerializers: { req: (request: FastifyRequest) => ({ method: request.method, url: request.routeOptions.url }) },
      schema: { hide: true },
    };
    const answer = async ({ protocol, operator, secret }: Address, message: object): Promise<unknown> =>
      doors(`${protocol} ${operator}`, secret).take(message);
    app.post<{ Params: Address }>('/ussd/:protocol/:operator/:secret', settings, (request) =>
      answer(request.params, { ...bodyOf(request.body) }),
    );
    app.post<{ Params: Address & { session: string; kind: string } }>(
      '/ussd/:protocol/:operator/:secret/session/:session/:kind',
      settings,
      ({ params, body }) => answer(params, { ...bodyOf(body), path: { session: params.session, kind: params.kind } }),
    );
  };
}

function bodyOf(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : {};
}
