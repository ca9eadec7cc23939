import formbody from '@fastify/formbody';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Catalogue } from '../../catalogue/index.ts';
import type { Subscribers } from '../../parties/index.ts';
import type { Orders, Topups } from '../../topups/index.ts';
import { type AddressOf, type Authenticate, createAddressOf } from './auth.ts';
import { healthRoutes } from './health.ts';
import { operatorRoutes } from './operators.ts';
import { orderRoutes } from './orders.ts';
import { refusalOf, sendProblem } from './problem.ts';
import { type Papers, receiptRoutes } from './receipts.ts';
import { Problem } from './schemas.ts';
import { subscriberRoutes } from './subscribers.ts';
import { topupRoutes } from './topups.ts';
import { answerUnparsed, answerUnreadable, refuseUnknown } from './unrouted.ts';
import { voucherRoutes } from './vouchers.ts';

export type ApiDeps = {
  readonly topups: Pick<Topups, 'credit' | 'creditMany' | 'redeem' | 'find'>;
  readonly subscribers: Pick<Subscribers, 'balances' | 'movements'>;
  readonly orders: Orders;
  /** Who issues documents, and what they are made with. */
  readonly papers: Papers;
  readonly catalogue: Catalogue;
  readonly authenticate: Authenticate;
  readonly onAuthFailure: (request: FastifyRequest) => Promise<void>;
  readonly publicLimit: { rateLimit: { max: number; timeWindow: number } };
  /** Whose call it is, for limits. */
  readonly addressOf: AddressOf;
  readonly ready: () => Promise<boolean>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly version: string;
};

export type ServerOptions = Omit<ApiDeps, 'onAuthFailure' | 'publicLimit' | 'addressOf'> & {
  /** Whether a bearer is the site's own credential, whose word on its visitors' addresses is taken. */
  readonly isSite?: (token: string) => boolean;
  readonly logger: FastifyBaseLogger;
  /** Addresses of proxies whose X-Forwarded headers are believed; none by default. */
  readonly trustProxy?: string;
  /** Further doors on the same port, for example the USSD gateways. */
  readonly doors: readonly ((app: FastifyInstance) => void | Promise<void>)[];
  /** The site: answers what no route knows. */
  readonly site?: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly onAnswer?: (request: FastifyRequest, reply: FastifyReply) => void;
};

const MINUTE_MS = 60_000;

/** The HTTP server with all its doors, ready to listen. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    ...(options.trustProxy === undefined ? {} : { trustProxy: options.trustProxy }),
    bodyLimit: limits.requestBodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: { connectionsCheckingInterval: limits.connectionsCheckMs },
    routerOptions: { maxParamLength: limits.pathPartLengthMax },
    frameworkErrors: answerUnreadable,
    clientErrorHandler: answerUnparsed,
    forceCloseConnections: 'idle',
    // Bodies are taken as they come: a number where text is asked for is an error, not a guess.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false } },
  });
  app.server.headersTimeout = limits.headersTimeoutMs;
  app.decorateRequest('client', undefined);
  app.addSchema(Problem);
  answerErrors(app);
  refuseUnknown(app, (url) => !options.site || API_PATHS.test(url));
  if (options.site) mountSite(app, options.site);
  // Answers are data for programs: these three are all that applies. Pages bring their own headers (web/).
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    done();
  });
  await app.register(formbody, { bodyLimit: limits.requestBodyBytesMax });
  const addressOf = createAddressOf(options.isSite ?? (() => false));
  await app.register(rateLimit, {
    global: false,
    keyGenerator: addressOf,
    errorResponseBuilder: (_request, context) => tooMany(context.ttl),
  });
  await describe(app, options.version);
  const deps = {
    ...options,
    addressOf,
    onAuthFailure: authFailureLimit(app, addressOf),
    publicLimit: { rateLimit: { max: limits.unauthenticatedPerMinuteMax, timeWindow: MINUTE_MS } },
  };
  for (const routes of [
    topupRoutes,
    orderRoutes,
    receiptRoutes,
    voucherRoutes,
    subscriberRoutes,
    operatorRoutes,
    healthRoutes,
  ])
    routes(app, deps);
  for (const door of options.doors) await app.register(async (scope) => door(scope));
  app.get('/openapi.json', { config: deps.publicLimit, schema: { hide: true } }, async () => app.swagger());
  if (options.onAnswer) {
    const { onAnswer } = options;
    app.addHook('onResponse', (request, reply, done) => {
      onAnswer(request, reply);
      done();
    });
  }
  return app;
}

function tooMany(ttlMs: number): Refusal {
  return new Refusal('rate.limited', { retryAfterSeconds: Math.max(1, Math.ceil(ttlMs / 1000)) });
}

/** Wrong keys from one address are slowed down; right ones never pass here. */
function authFailureLimit(app: FastifyInstance, addressOf: AddressOf): (request: FastifyRequest) => Promise<void> {
  const count = app.createRateLimit({
    max: limits.unauthenticatedPerMinuteMax,
    timeWindow: MINUTE_MS,
    keyGenerator: addressOf,
  });
  return async (request) => {
    const state = await count(request);
    if ('isExceeded' in state && state.isExceeded) throw tooMany(state.ttl);
  };
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { refusal, defect } = refusalOf(error);
    if (defect)
      request.log.error({ err: error, route: request.routeOptions.url, requestId: request.id }, 'unexpected error');
    return sendProblem(reply, refusal);
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new Refusal('request.not_found')));
}

const API_PATHS = /^\/(v1|ussd|osmp|kaspi|callbacks|health|metrics|openapi)/;

/** What no route knows is a page. Handed over before the body is read: the site reads it itself. */
function mountSite(app: FastifyInstance, site: NonNullable<ServerOptions['site']>): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || API_PATHS.test(request.url)) {
      done();
      return;
    }
    reply.hijack();
    site(request, reply);
  });
}

async function describe(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sapar partner API',
        version,
        description: 'Prepaid top-ups for travel SIMs. Errors are RFC 9457 problem documents; `code` is stable.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'Bearer sapar_…' } } },
      security: [{ apiKey: [] }],
    },
    refResolver: {
      buildLocalReference: (json, ...[, , index]) => (typeof json.$id === 'string' ? json.$id : `def-${index}`),
    },
  });
}
