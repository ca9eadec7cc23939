import { createHmac, randomBytes } from 'node:crypto';
import { checkoutPage, outcomes, type Shown } from '../wire/checkout.ts';
import { controlAddress } from '../wire/control.ts';
import { createFaults, type Faults } from '../wire/faults.ts';
import { openJournal } from '../wire/journal.ts';
import {
  type Call,
  ControlError,
  type Handler,
  json,
  jsonOf,
  type Routes,
  sameText,
  startServer,
  wordOf,
} from '../wire/server.ts';
import { type Message, WebhookSender } from '../wire/webhooks.ts';
import { type Manners, type Money, type Payment, type Refund, Till, TillError } from './till.ts';

export type SandboxSettings = {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** Path of a JSONL file: what was told survives a restart. */
  readonly journal?: string | undefined;
  /** Bearer token of the API and, without `whsec_`, base64 of the key that signs webhooks. */
  readonly secret: string;
  /** Where events go. */
  readonly webhookUrl?: string | undefined;
  /** Under which a browser reaches its pages, where that is another address. */
  readonly publicUrl?: string | undefined;
  readonly retriesMs?: readonly number[];
};

export type Sandbox = {
  readonly url: string;
  /** When no event waits for its first try. */
  quiet(): Promise<void>;
  close(): Promise<void>;
};

const TICK_MS = 250;

/** A payment provider without money, with a small JSON wire of its own; docs/payments.md describes it. It takes every currency. */
export async function startSandbox(settings: SandboxSettings): Promise<Sandbox> {
  const journal = openJournal(settings.journal);
  const sender = new WebhookSender({
    shelf: journal.shelf('webhook'),
    sign: (message, { at, forged }) => sign(message, at, forged ? randomBytes(24) : keyOf(settings.secret)),
    ...(settings.retriesMs && { retriesMs: settings.retriesMs }),
  });
  const till = new Till(journal, ({ id, ...event }) => {
    if (settings.webhookUrl !== undefined) sender.send({ id, to: settings.webhookUrl, body: JSON.stringify(event) });
  });
  const faults = createFaults((status) => json(status, { error: { code: 'simulated', message: 'as was asked for' } }));
  let origin = settings.publicUrl ?? '';
  const server = await startServer({
    port: settings.port,
    host: settings.host,
    faults,
    routes: {
      ...apiRoutes(till, settings.secret, (id) => `${origin}/pay/${id}`),
      ...pageRoutes(till),
      ...controlRoutes(till, sender, faults),
    },
    failed(error) {
      if (error instanceof TillError)
        return json(error.status, { error: { code: error.code, message: error.message } });
      if (error instanceof ControlError) return json(400, { error: { code: 'invalid', message: error.message } });
      throw error;
    },
  });
  if (origin === '') origin = server.url;
  const ticking = setInterval(() => till.tick(), TICK_MS);
  ticking.unref();
  return {
    url: server.url,
    quiet: () => sender.quiet(),
    async close() {
      clearInterval(ticking);
      sender.close();
      await server.close();
    },
  };
}

function apiRoutes(till: Till, secret: string, pageOf: (id: string) => string): Routes {
  const signedIn =
    (work: (call: Call) => unknown): Handler =>
    (call) => {
      if (!sameText(call.headers.authorization ?? '', `Bearer ${secret}`))
        throw new TillError(401, 'unauthorized', 'the bearer token is not right');
      till.tick();
      return json(200, work(call));
    };
  const withUrl = (payment: Payment): unknown => ({
    ...payment,
    url: payment.state === 'open' ? pageOf(payment.id) : null,
  });
  return {
    'POST /payments': signedIn(({ body }) => withUrl(till.open(readAsked(jsonOf(body))))),
    'GET /payments/:id': signedIn(({ params }) => withUrl(till.payment(params.id ?? ''))),
    'POST /payments/:id/expire': signedIn(({ params }) => withUrl(till.expire(params.id ?? ''))),
    'POST /refunds': signedIn(({ body }) => {
      const asked = jsonOf(body);
      return till.refund({
        reference: textOf(asked, 'reference'),
        payment: textOf(asked, 'payment'),
        money: readMoney(asked.money),
      });
    }),
    'GET /refunds/:id': signedIn(({ params }) => {
      const refund = till.refunds.get(params.id ?? '');
      if (refund === undefined) throw new TillError(404, 'not_found', 'there is no such refund');
      return refund;
    }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function textOf(fields: Fields, name: string): string {
  const text = fields[name];
  if (typeof text !== 'string' || text === '') throw new TillError(400, 'invalid', `${name} is missing`);
  return text;
}

function readMoney(value: unknown): Money {
  const fields: Fields = Object(value);
  const currency = textOf(fields, 'currency');
  const amount = textOf(fields, 'amount');
  if (!/^[A-Z]{3}$/.test(currency)) throw new TillError(400, 'invalid', 'currency is ISO 4217');
  if (!/^\d{1,12}\.\d{2}$/.test(amount) || /^0+\.00$/.test(amount))
    throw new TillError(400, 'invalid', 'amount is decimal text with two decimals, above 0');
  return { currency, amount };
}

function readAsked(asked: Fields): Parameters<Till['open']>[0] {
  const url = (name: string): string => {
    const text = textOf(asked, name);
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
      throw new TillError(400, 'invalid', `${name} is no address`);
    return text;
  };
  const expiresAt = textOf(asked, 'expiresAt');
  if (Number.isNaN(Date.parse(expiresAt))) throw new TillError(400, 'invalid', 'expiresAt is no time');
  return {
    reference: textOf(asked, 'reference'),
    order: textOf(asked, 'order'),
    money: readMoney(asked.money),
    description: textOf(asked, 'description'),
    language: textOf(asked, 'language'),
    returnUrl: url('returnUrl'),
    cancelUrl: url('cancelUrl'),
    expiresAt,
  };
}

function pageRoutes(till: Till): Routes {
  const states = {
    open: 'open',
    pending: 'pending',
    captured: 'paid',
    refused: 'refused',
    expired: 'expired',
  } as const;
  const shownOf = ({ state, money, returnUrl, cancelUrl, ...payment }: Payment): Shown => ({
    ...payment,
    ...money,
    state: states[state],
    doneUrl: returnUrl,
    leaveUrl: cancelUrl,
  });
  const handle: Handler = (call) => {
    till.tick();
    return checkoutPage(
      {
        name: 'Sandbox',
        find(id) {
          const payment = till.payments.get(id);
          return payment && shownOf(payment);
        },
        act: (id, outcome, seconds) => void till.act(id, outcome, seconds),
      },
      call,
    );
  };
  return { 'GET /pay/:id': handle, 'POST /pay/:id': handle };
}

const refundStates = ['done', 'pending', 'failed'] as const satisfies readonly Refund['state'][];

function controlRoutes(till: Till, sender: WebhookSender, faults: Faults): Routes {
  return {
    ...controlAddress<Manners>({
      sender,
      faults,
      manners: () => till.manners,
      behave(manners) {
        till.manners = manners;
      },
      readRefunds: (word) => ({ refunds: wordOf(word, refundStates, 'refunds') }),
      advance: (ms) => till.advance(ms),
    }),
    'POST /_control/payments/:id': ({ params, body }) => {
      const { outcome, seconds } = jsonOf(body);
      const wanted = wordOf(outcome, outcomes, 'outcome');
      return json(200, till.act(params.id ?? '', wanted, typeof seconds === 'number' ? seconds : 0));
    },
    'POST /_control/payments/:id/end': ({ params, body }) => {
      const outcome = wordOf(jsonOf(body).outcome, ['succeeded', 'failed'], 'outcome');
      return json(200, till.endSlow(params.id ?? '', outcome === 'succeeded'));
    },
    'POST /_control/payments/:id/dispute': ({ params, body }) => {
      const { reason } = jsonOf(body);
      return json(200, till.dispute(params.id ?? '', typeof reason === 'string' ? reason : 'not_received'));
    },
    'POST /_control/refunds/:id': ({ params, body }) =>
      json(200, till.moveRefund(params.id ?? '', wordOf(jsonOf(body).state, refundStates, 'state'))),
    'POST /_control/disputes/:id': ({ params, body }) =>
      json(200, till.moveDispute(params.id ?? '', wordOf(jsonOf(body).state, ['open', 'won', 'lost'], 'state'))),
  };
}

/** The key as Standard Webhooks writes it. */
function keyOf(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. */
function sign({ id, body }: Message, at: Date, key: Buffer): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
