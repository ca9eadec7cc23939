import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseUuid, type Uuid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { type Currency, formatAmount, isCurrency, parseAmount } from '../../base/money.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { languageOf } from '../../i18n/index.ts';
import type { ProviderId } from '../../payments/index.ts';
import type { CurrencyView, LinkView, OrderView, PriceLine } from '../../topups/index.ts';
import { allow } from './auth.ts';
import { CurrencyAnswer, LinkAnswer, MethodAnswer, OrderAnswer, PriceAnswer } from './order_schemas.ts';
import { errorResponses } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const msisdn = Type.String({ minLength: 1, maxLength: 64, description: 'In any usual form' });
const operator = Type.String({ minLength: 1, maxLength: 32 });
const amount = Type.String({ minLength: 1, maxLength: 20, description: 'Decimal text in tenge' });
const idParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
type ById = { Params: Static<typeof idParams> };

const RecipientRequest = Type.Object({ msisdn, operator: Type.Optional(operator) }, { additionalProperties: false });
const CorrectionRequest = Type.Object(
  { msisdn: Type.Optional(msisdn), operator: Type.Optional(operator) },
  { additionalProperties: false },
);
const PricesRequest = Type.Object(
  {
    amounts: Type.Array(amount, { minItems: 1, maxItems: limits.pricedAmountsMax }),
    currency: Type.Optional(Type.String({ minLength: 3, maxLength: 3, description: 'All of them without' })),
  },
  { additionalProperties: false },
);
const QuoteRequest = Type.Object(
  {
    amount,
    currency: Type.String({ minLength: 3, maxLength: 3 }),
    method: Type.String({ minLength: 1, maxLength: 16 }),
    confirm: Type.Optional(Type.String({ maxLength: 16, description: "The number's last four digits, typed again" })),
  },
  { additionalProperties: false },
);
const address = Type.String({ minLength: 1, maxLength: 500, pattern: '^https?://' });
const PaymentRequest = Type.Object({ returnUrl: address, cancelUrl: address }, { additionalProperties: false });
const ContactRequest = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: 320 }) },
  { additionalProperties: false },
);
const LinkRequest = Type.Object(
  { msisdn, operator: Type.Optional(operator), amount: Type.Optional(amount) },
  { additionalProperties: false },
);

const MINUTE_MS = 60_000;

/** Orders for a site: a customer chooses, pays at a provider and watches. Whoever has an order's id may see it and pay it; nobody finds it otherwise. */
export function orderRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const schema of [OrderAnswer, MethodAnswer, CurrencyAnswer, PriceAnswer, LinkAnswer]) app.addSchema(schema);
  choosingRoutes(app, deps);
  payingRoutes(app, deps);
  linkRoutes(app, deps);
}

/** What every route here shares: the site's own credential, and the words for its description. */
function door(deps: ApiDeps, operationId: string, summary: string) {
  return {
    onRequest: allow(deps.authenticate, 'orders:write', deps.onAuthFailure),
    schema: { operationId, summary, tags: ['orders'], response: { 200: Type.Ref('Order'), ...errorResponses } },
  };
}

/** Creating costs rows, so a visitor may do it so often a minute. Counted by the visitor's address, which the site forwards. */
const drafting = { rateLimit: { max: limits.draftsPerMinuteMax, timeWindow: MINUTE_MS } };

function choosingRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { orders } = deps;
  const methods = door(deps, 'listPaymentMethods', 'How can be paid now, and in which currencies');
  const methodsAnswer = Type.Object({
    methods: Type.Array(Type.Ref('PaymentMethod')),
    currencies: Type.Array(Type.Ref('Currency')),
  });
  app.get(
    '/v1/payment-methods',
    { ...methods, schema: { ...methods.schema, response: { 200: methodsAnswer, ...errorResponses } } },
    async () => ({ methods: orders.methods(), currencies: (await orders.currencies()).map(currencyOf) }),
  );

  const create = door(deps, 'createOrder', 'A draft for a number; nothing is owed');
  app.post<{ Body: Static<typeof RecipientRequest> }>(
    '/v1/orders',
    {
      ...create,
      config: drafting,
      schema: { ...create.schema, body: RecipientRequest, response: { 201: Type.Ref('Order'), ...errorResponses } },
    },
    async (request, reply) => {
      const recipient = { msisdn: parseMsisdn(request.body.msisdn), operator: request.body.operator };
      const id = await orders.draft({ recipient, language: visitorLanguage(request) });
      reply.code(201);
      return orders.view(id);
    },
  );

  const read = door(deps, 'getOrder', 'Where an order stands');
  app.get<ById>('/v1/orders/:id', { ...read, schema: { ...read.schema, params: idParams } }, (request) =>
    orders.view(orderIdOf(request)),
  );

  const correcting = door(deps, 'correctOrder', 'Another number or operator, while nothing was sent or it came back');
  app.put<ById & { Body: Static<typeof CorrectionRequest> }>(
    '/v1/orders/:id/recipient',
    { ...correcting, config: drafting, schema: { ...correcting.schema, params: idParams, body: CorrectionRequest } },
    async (request) => {
      const id = orderIdOf(request);
      const number = request.body.msisdn === undefined ? undefined : parseMsisdn(request.body.msisdn);
      await orders.correct(id, { msisdn: number, operator: request.body.operator });
      return orders.view(id);
    },
  );

  priceRoutes(app, deps);
}

function priceRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { orders } = deps;
  const pricing = door(deps, 'listPrices', 'What amounts cost in each way they can be paid; changes nothing');
  const pricesAnswer = Type.Object({ prices: Type.Array(Type.Ref('Price')) });
  app.post<ById & { Body: Static<typeof PricesRequest> }>(
    '/v1/orders/:id/prices',
    {
      ...pricing,
      schema: {
        ...pricing.schema,
        params: idParams,
        body: PricesRequest,
        response: { 200: pricesAnswer, ...errorResponses },
      },
    },
    async (request) => {
      const { amounts, currency } = request.body;
      const lines = await orders.prices(orderIdOf(request), {
        facesMinor: amounts.map((text) => parseAmount(text, 'KZT')),
        ...(currency === undefined ? {} : { currency: parseCurrency(currency) }),
      });
      return { prices: lines.map(priceOf) };
    },
  );

  const quoting = door(deps, 'quoteOrder', 'A price, held for a quarter of an hour; repeatable');
  app.post<ById & { Body: Static<typeof QuoteRequest> }>(
    '/v1/orders/:id/quote',
    { ...quoting, schema: { ...quoting.schema, params: idParams, body: QuoteRequest } },
    async (request) => {
      const id = orderIdOf(request);
      const { amount: face, currency, method, confirm } = request.body;
      await orders.quote(id, {
        faceMinor: parseAmount(face, 'KZT'),
        currency: parseCurrency(currency),
        method: parseMethod(deps, method),
        language: visitorLanguage(request),
        confirm,
      });
      return orders.view(id);
    },
  );
}

function payingRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { orders } = deps;
  const placing = door(deps, 'placeOrder', "The address of the provider's page; a repeat gives the same one");
  const placed = Type.Object({ url: Type.String(), order: Type.Ref('Order') });
  app.post<ById & { Body: Static<typeof PaymentRequest> }>(
    '/v1/orders/:id/payment',
    {
      ...placing,
      schema: {
        ...placing.schema,
        params: idParams,
        body: PaymentRequest,
        response: { 200: placed, ...errorResponses },
      },
    },
    async (request) => {
      const id = orderIdOf(request);
      const url = await orders.place(id, request.body);
      return { url, order: await orders.view(id) };
    },
  );
  const telling = door(deps, 'setOrderContact', 'Where letters about an order go; another address replaces the first');
  app.put<ById & { Body: Static<typeof ContactRequest> }>(
    '/v1/orders/:id/contact',
    { ...telling, config: drafting, schema: { ...telling.schema, params: idParams, body: ContactRequest } },
    async (request) => {
      const id = orderIdOf(request);
      await orders.setContact(id, { email: request.body.email, language: visitorLanguage(request) });
      return orders.view(id);
    },
  );
  const steps = [
    ['revise', 'reviseOrder', 'Back to choosing: the open payment is made unpayable', orders.revise],
    ['returned', 'noteReturn', "The payer's browser has come back; the provider is asked now", orders.returned],
    ['refund', 'refundOrder', 'The money goes back: nothing was sent yet, or it came back', orders.refund],
  ] as const;
  for (const [path, operationId, summary, step] of steps) {
    const options = door(deps, operationId, summary);
    app.post<ById>(
      `/v1/orders/:id/${path}`,
      { ...options, schema: { ...options.schema, params: idParams } },
      async (request) => {
        const id = orderIdOf(request);
        await step(id);
        return orders.view(id);
      },
    );
  }
  app.get<ById>(
    '/v1/orders/:id/events',
    {
      onRequest: allow(deps.authenticate, 'orders:write', deps.onAuthFailure),
      schema: {
        operationId: 'watchOrder',
        summary: 'Server-sent events: the order at each change',
        tags: ['orders'],
        params: idParams,
      },
    },
    async (request, reply) => stream(deps, request, reply),
  );
}

function linkRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { orders } = deps;
  const answering = (operationId: string, summary: string, status: 200 | 201) => {
    const { onRequest, schema } = door(deps, operationId, summary);
    return { onRequest, schema: { ...schema, response: { [status]: Type.Ref('Link'), ...errorResponses } } };
  };
  const making = answering('createLink', 'A link by which somebody else can top up this number', 201);
  app.post<{ Body: Static<typeof LinkRequest> }>(
    '/v1/links',
    { ...making, config: drafting, schema: { ...making.schema, body: LinkRequest } },
    async (request, reply) => {
      const { msisdn: number, operator: chosen, amount: face } = request.body;
      const recipient = { msisdn: parseMsisdn(number), operator: chosen };
      reply.code(201);
      return linkOf(
        await orders.link({ recipient, faceMinor: face === undefined ? undefined : parseAmount(face, 'KZT') }),
      );
    },
  );
  const reading = answering('getLink', 'What a link is for', 200);
  app.get<ById>('/v1/links/:id', { ...reading, schema: { ...reading.schema, params: idParams } }, async (request) =>
    linkOf(await orders.findLink(linkIdOf(request))),
  );
  const using = door(deps, 'createOrderOfLink', 'A draft for the number of a link');
  app.post<ById>(
    '/v1/links/:id/orders',
    {
      ...using,
      config: drafting,
      schema: { ...using.schema, params: idParams, response: { 201: Type.Ref('Order'), ...errorResponses } },
    },
    async (request, reply) => {
      const id = await orders.draftOfLink(linkIdOf(request), visitorLanguage(request));
      reply.code(201);
      return orders.view(id);
    },
  );
}

const HEARTBEAT_MS = 15_000;
/** Another process may have moved the order: looked at so often, besides at each change in this one. */
const LOOK_MS = 2_000;

/** Writes the order whenever it has changed, until it has ended or the time for one stream is over. */
async function stream({ orders }: ApiDeps, request: FastifyRequest<ById>, reply: FastifyReply): Promise<void> {
  const id = orderIdOf(request);
  const first = await orders.view(id);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
  let last = '';
  let isWriting = false;
  const tell = (view: OrderView): void => {
    const data = JSON.stringify(view);
    if (data !== last) raw.write(`event: order\ndata: ${data}\n\n`);
    last = data;
    if (view.isFinal) raw.end();
  };
  const look = (): void => {
    if (isWriting || raw.writableEnded) return;
    isWriting = true;
    orders
      .view(id)
      .then(tell)
      // The database is away: the page asks again when the stream breaks off.
      .catch(() => raw.end())
      .finally(() => {
        isWriting = false;
      });
  };
  const unwatch = orders.watch(id, look);
  const timers = [
    setInterval(look, LOOK_MS),
    setInterval(() => raw.write(': alive\n\n'), HEARTBEAT_MS),
    setTimeout(() => raw.end(), limits.statusStreamMs),
  ];
  raw.once('close', () => {
    unwatch();
    for (const timer of timers) clearInterval(timer);
  });
  tell(first);
}

function orderIdOf(request: FastifyRequest<ById>): Uuid {
  const id = parseUuid(request.params.id);
  if (!id) throw new Refusal('order.not_found');
  return id;
}

function linkIdOf(request: FastifyRequest<ById>): Uuid {
  const id = parseUuid(request.params.id);
  if (!id) throw new Refusal('link.not_found');
  return id;
}

function visitorLanguage(request: FastifyRequest) {
  return languageOf(request.headers['accept-language']);
}

function parseCurrency(text: string): Currency {
  if (!isCurrency(text)) throw new Refusal('currency.unsupported');
  return text;
}

function parseMethod({ orders }: ApiDeps, text: string): ProviderId {
  const method = orders.methods().find(({ id }) => id === text);
  if (!method) throw new Refusal('method.unsupported');
  return method.id;
}

const MICRO_DECIMALS = 6;

function currencyOf({ currency, isAvailable, microTenge, day, source }: CurrencyView) {
  const digits = microTenge?.toString().padStart(MICRO_DECIMALS + 1, '0');
  const rate = digits && `${digits.slice(0, -MICRO_DECIMALS)}.${digits.slice(-MICRO_DECIMALS).replace(/0{1,4}$/, '')}`;
  return { currency, available: isAvailable, rate: rate ?? null, day: day ?? null, source: source ?? null };
}

function priceOf(line: PriceLine) {
  return {
    amount: formatAmount(line.faceMinor, 'KZT'),
    method: line.method,
    currency: line.currency,
    price: { currency: line.currency, amount: formatAmount(line.priceMinor, line.currency) },
    charge: { currency: line.chargeCurrency, amount: formatAmount(line.chargeMinor, line.chargeCurrency) },
    fee: { currency: 'KZT', amount: formatAmount(line.feeMinor, 'KZT') },
  };
}

function linkOf({ id, operator: chosen, maskedNumber, amountMinor, expiresAt }: LinkView) {
  return {
    id,
    operator: chosen,
    maskedNumber,
    amount: amountMinor === undefined ? null : formatAmount(amountMinor, 'KZT'),
    expiresAt: expiresAt.toISOString(),
  };
}
