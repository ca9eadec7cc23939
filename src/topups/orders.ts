import * as audit from '../audit/index.ts';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { type Currency, currencyNames } from '../base/money.ts';
import { maskMsisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { withTx } from '../db/index.ts';
import type { Language } from '../i18n/index.ts';
import type { ProviderId } from '../payments/index.ts';
import {
  type Asked,
  type Correction,
  checkFace,
  correct,
  draft,
  type PriceLine,
  prices,
  quote,
  type Recipient,
} from './choose.ts';
import { setContact } from './contact.ts';
import { type Delivered, deliveryHint, notify } from './notify.ts';
import { after, Budget, lock, type OrdersContext, type OrdersDeps } from './order_context.ts';
import * as store from './order_store.ts';
import { type OrderFile, type OrderView, readOrderFile, viewOrder } from './order_view.ts';
import { place, type Return, revise } from './place.ts';
import { refundByPayer } from './refund.ts';
import { startWorker, type Worker, workOnce } from './worker.ts';

/** A way to pay and what it can charge. */
export type Method = { readonly id: ProviderId; readonly currencies: readonly Currency[]; readonly refundDays: number };

/** Whether a currency can be paid in now, and at which rate. */
export type CurrencyView = {
  readonly currency: Currency;
  readonly isAvailable: boolean;
  readonly microTenge: bigint | undefined;
  readonly day: string | undefined;
  readonly source: string | undefined;
};

/** A link as whoever opens it sees it: the number is somebody else's, so only its mask. */
export type LinkView = {
  readonly id: Uuid;
  readonly operator: string;
  readonly maskedNumber: string;
  readonly amountMinor: bigint | undefined;
  readonly expiresAt: Date;
};

export type Orders = ReturnType<typeof createOrders>;

/** Orders: what customers, providers and workers do with them. Staff have verbs of their own (`staff_orders.ts`). */
export function createOrders(deps: OrdersDeps) {
  const watchers = new Watchers();
  let worker: Worker | undefined;
  const context: OrdersContext = {
    ...deps,
    refused: new Budget(limits.refusedRecordedPerMinuteMax),
    changed(id) {
      worker?.poke();
      watchers.tell(id);
    },
  };
  const working: OrdersContext = { ...context, db: deps.workerDb };
  return {
    context,
    ...payerVerbs(context),
    ...linkVerbs(context),
    notify: (delivered: Delivered): Promise<void> => notify(context, delivered),
    /** `reference`: what an operator calls one of our deliveries. */
    deliveryHint: (reference: string): Promise<void> => deliveryHint(context, reference),
    /** Calls back after each change of an order in this process, until the returned function is called. */
    watch: (id: Uuid, tell: () => void): (() => void) => watchers.add(id, tell),
    workOnce: (): Promise<number> => workOnce(working),
    startWorking(): void {
      worker ??= startWorker(working);
    },
    /** Forgets what was never paid. */
    async sweep(): Promise<void> {
      const now = context.clock.now();
      await withTx(context.db, async (tx) => {
        store.sweepLinks(tx, now);
        await store.sweepDrafts(tx, after(now, -limits.draftMs), limits.draftsSweptMax);
      });
    },
    async close(): Promise<void> {
      await worker?.stop();
    },
  };
}

/** What the payer does, and what they choose from. */
function payerVerbs(context: OrdersContext) {
  return {
    view: (id: Uuid): Promise<OrderView> => viewOrder(context, id),
    /** All of it, for its documents. */
    file: (id: Uuid): Promise<OrderFile> => readOrderFile(context, id),
    draft: (wish: { recipient: Recipient; language: Language }): Promise<Uuid> => draft(context, wish),
    correct: (id: Uuid, change: Correction): Promise<void> => correct(context, id, change),
    async prices(id: Uuid, wish: { facesMinor: readonly bigint[]; currency?: Currency }): Promise<PriceLine[]> {
      const order = await store.readOrder(context.db, id);
      if (!order) throw new Refusal('order.not_found');
      const currencies = wish.currency === undefined ? currencyNames : [wish.currency];
      return prices(context, { operator: order.operator, facesMinor: wish.facesMinor, currencies });
    },
    quote: (id: Uuid, wish: Asked & { language: Language; confirm: string | undefined }): Promise<void> =>
      quote(context, id, wish),
    place: (id: Uuid, back: Return): Promise<string> => place(context, id, back),
    revise: (id: Uuid): Promise<void> => revise(context, id),
    refund: (id: Uuid): Promise<void> => refundByPayer(context, id),
    setContact: (id: Uuid, contact: { email: string; language: Language }): Promise<void> =>
      setContact(context, id, contact),
    /** The payer's browser has come back: proves nothing, and is a good moment to ask the provider. */
    async returned(id: Uuid): Promise<void> {
      await withTx(context.db, async (tx) => {
        const order = await lock(tx, id);
        if (order.state === 'awaiting_payment') store.schedule(tx, order, { nextAt: context.clock.now(), tried: 0 });
      });
      context.changed(id);
    },
    methods: (): Method[] =>
      [...context.providers.values()].map(({ id, currencies }) => ({
        id,
        currencies,
        refundDays: context.catalogue.refundDays(id),
      })),
    /** Where the providers' pages live. */
    pageOrigins: (): string[] => [...context.providers.values()].flatMap((provider) => provider.pageOrigins),
    currencies: (): Promise<CurrencyView[]> => readCurrencies(context),
  };
}

async function readCurrencies(context: OrdersContext): Promise<CurrencyView[]> {
  const rates = await context.rates.current();
  const now = context.clock.now();
  return currencyNames.map((currency) => {
    const rate = rates.get(currency);
    const isAvailable = rate !== undefined && context.rates.isUsable(rate, now);
    return { currency, isAvailable, microTenge: rate?.microTenge, day: rate?.day, source: rate?.source };
  });
}

function linkVerbs(context: OrdersContext) {
  return {
    link: (wish: { recipient: Recipient; faceMinor: bigint | undefined }): Promise<LinkView> => makeLink(context, wish),
    findLink: (id: Uuid): Promise<LinkView> => findLink(context, id),
    async draftOfLink(id: Uuid, language: Language): Promise<Uuid> {
      const link = await store.readLink(context.db, id, context.clock.now());
      const found = link && (await context.subscribers.reveal(link.subscriber));
      if (!link || !found) throw new Refusal('link.not_found');
      const recipient = { msisdn: found.msisdn, operator: link.operator };
      return draft(context, { recipient, language, amountMinor: link.faceMinor, isByLink: true });
    },
  };
}

/** Who is told of changes of which order, in this process. */
class Watchers {
  readonly #byOrder = new Map<Uuid, Set<() => void>>();

  add(id: Uuid, tell: () => void): () => void {
    const telling = this.#byOrder.get(id) ?? new Set();
    this.#byOrder.set(id, telling.add(tell));
    return () => {
      telling.delete(tell);
      if (telling.size === 0) this.#byOrder.delete(id);
    };
  }

  tell(id: Uuid): void {
    for (const tell of this.#byOrder.get(id) ?? []) tell();
  }
}

async function makeLink(
  context: OrdersContext,
  { recipient, faceMinor }: { recipient: Recipient; faceMinor: bigint | undefined },
): Promise<LinkView> {
  const orderId = await draft(context, { recipient, language: 'en' });
  const order = await store.readOrder(context.db, orderId);
  if (!order) throw new Refusal('system.error');
  if (faceMinor !== undefined) checkFace(context, order.operator, faceMinor);
  const createdAt = context.clock.now();
  const id = context.newId();
  const { subscriber, operator } = order;
  await withTx(context.db, async (tx) => {
    store.insertLink(tx, {
      id,
      subscriber,
      operator,
      faceMinor,
      createdAt,
      expiresAt: after(createdAt, limits.linkMs),
    });
    audit.record(tx, { actor: 'visitor', action: 'link.create', subject: `link:${id}`, details: {} });
  });
  return findLink(context, id);
}

async function findLink(context: OrdersContext, id: Uuid): Promise<LinkView> {
  const link = await store.readLink(context.db, id, context.clock.now());
  const found = link && (await context.subscribers.reveal(link.subscriber));
  if (!link || !found) throw new Refusal('link.not_found');
  const { operator, faceMinor, expiresAt } = link;
  return { id, operator, maskedNumber: maskMsisdn(found.msisdn), amountMinor: faceMinor, expiresAt };
}
