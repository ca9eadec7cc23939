import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createApprovals, seal } from './audit/index.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { eventId } from './base/ids.ts';
import type { Keyring } from './base/keyring.ts';
import { limits } from './base/limits.ts';
import { loadCatalogue } from './catalogue/index.ts';
import type { Config } from './config.ts';
import { assertDurable, closeDb, type Db, migrate, openDb, startEmbedded, withTx } from './db/index.ts';
import { createDelivery, type DeliveryCall } from './delivery/index.ts';
import { createDialogues, type Dialogues } from './dialogues/index.ts';
import { assertKeysFit, readKeyring } from './keys.ts';
import { endBuckets } from './ledger/index.ts';
import { createTextMessages, type SmsPatience, type SmsState, type TextMessages } from './notices/index.ts';
import { readOutside } from './outside.ts';
import { type Agents, createAgents, createPartners, createSubscribers } from './parties/index.ts';
import { createRates, type Rates } from './rates/index.ts';
import {
  type Alarm,
  createOrders,
  createTopups,
  type Orders,
  type Patience,
  type TopupLane,
  type Topups,
} from './topups/index.ts';
import { createBatches } from './vouchers/index.ts';

/** The platform without its doors: what `serve`, the CLI, the bench and tests all stand on. */
export type Platform = {
  readonly config: Config;
  readonly db: Db;
  /** For the owner of the schema: migrations, audit of the whole. */
  readonly ownerUrl: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly catalogue: ReturnType<typeof loadCatalogue>;
  readonly subscribers: ReturnType<typeof createSubscribers>;
  readonly partners: ReturnType<typeof createPartners>;
  readonly agents: Agents;
  readonly topups: Topups;
  readonly orders: Orders;
  readonly rates: Rates;
  readonly sms: TextMessages;
  readonly dialogues: Dialogues;
  readonly batches: ReturnType<typeof createBatches>;
  readonly approvals: ReturnType<typeof approvalsOf>;
  /** One round of what is done in the background: seals the audit chain, ends what is past its date, forgets old dialogues. */
  sweep(): Promise<void>;
  close(): Promise<void>;
};

export type LaneName = TopupLane | 'dialogue';

type Batch = { lane: number; size: number; ms: number };

export type PlatformOptions = {
  readonly log: Logger;
  readonly clock?: Clock;
  readonly batchMax?: number;
  readonly onBatch?: (lane: LaneName, batch: Batch) => void;
  /** An item failed for no reason of its own; the error is logged already. */
  readonly onItemError?: (lane: LaneName) => void;
  readonly onDatabaseExit?: () => void;
  readonly onAlarm?: (alarm: Alarm) => void;
  readonly onDeliveryCall?: (call: DeliveryCall) => void;
  readonly onLetter?: (outcome: string) => void;
  readonly onSms?: (operator: string, state: SmsState) => void;
  /** Other waits than the limits', for a run that has no days to spend. */
  readonly patience?: Partial<Patience & SmsPatience>;
};

/** Opens the database (starting the embedded one where none is named), migrates it, refuses one that is not durable, and composes the platform. */
export async function openPlatform(config: Config, options: PlatformOptions): Promise<Platform> {
  const { log, clock = systemClock } = options;
  const database = await openDatabase(config, options);
  const { db, keyring } = await openChecked(database, config, log);
  const failed = (lane: LaneName, error: unknown): void => {
    log.error({ err: error, lane }, 'a lane item failed');
    options.onItemError?.(lane);
  };
  const catalogue = loadCatalogue(join(config.root, 'data', 'kz'));
  const subscribers = createSubscribers({ db, keyring, clock });
  const partners = createPartners({ db, clock });
  const agents = createAgents({ db, clock });
  const topups = createTopups({
    db,
    subscribers,
    keyring,
    clock,
    lanes: config.lanes,
    ...(options.batchMax === undefined ? {} : { batchMax: options.batchMax }),
    onBatch: (lane, batch) => options.onBatch?.(lane, batch),
    onError: failed,
    onAgentConflict: ({ agent, txnId }) =>
      alarmOf(options)({ kind: 'agent.txn_reused', detail: `agent ${agent}, payment ${txnId}` }),
  });
  const { orders, rates } = ordersOf({ config, options, db, keyring, clock, catalogue, subscribers });
  const sms = smsOf({ options, db, workerDb: orders.context.workerDb, keyring, clock, subscribers });
  const batches = createBatches({ db, keyring, clock });
  const approvals = approvalsOf({ db, clock }, batches);
  const onBatch = (batch: Batch): void => options.onBatch?.('dialogue', batch);
  const onError = (error: unknown): void => failed('dialogue', error);
  const dialogues = createDialogues({ db, clock, lanes: 1, onBatch, onError });
  return {
    config,
    db,
    ownerUrl: database.ownerUrl,
    keyring,
    clock,
    catalogue,
    subscribers,
    partners,
    agents,
    topups,
    orders,
    rates,
    sms,
    dialogues,
    batches,
    approvals,
    async sweep() {
      await approvals.runDue();
      await batches.expireDue();
      while ((await withTx(db, (tx) => endBuckets(tx, clock.now()))) === limits.bucketsEndedMax);
      await dialogues.sweep();
      await orders.sweep();
      await sms.sweep();
      await seal(db);
    },
    async close() {
      await orders.close();
      await sms.close();
      await closeDb(orders.context.workerDb);
      await Promise.all([topups.close(), dialogues.close()]);
      await closeDb(db);
      await database.stop();
    },
  };
}

/** What somebody should look at: in the log, and counted. */
function alarmOf({ log, onAlarm }: PlatformOptions): (alarm: Alarm) => void {
  return (alarm) => {
    log.error({ ...alarm }, 'alarm');
    onAlarm?.(alarm);
  };
}

type SmsInput = {
  readonly options: PlatformOptions;
  readonly db: Db;
  readonly workerDb: Db;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly subscribers: Platform['subscribers'];
};

/** Text messages; which routes there are is known when the gateways are open. */
function smsOf({ options, ...deps }: SmsInput): TextMessages {
  const { log } = options;
  return createTextMessages({
    ...deps,
    patience: { ...limits, ...options.patience },
    onState: (operator, state) => options.onSms?.(operator, state),
    onError: (error) => log.error({ err: error }, 'a text message failed'),
    onRoundError: (error) => log.warn({ err: error }, 'a round of text messages failed'),
  });
}

type OrdersInput = {
  readonly config: Config;
  readonly options: PlatformOptions;
  readonly db: Db;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly catalogue: Platform['catalogue'];
  readonly subscribers: Platform['subscribers'];
};

/** What customers order, with the parties outside that take money for it and deliver it. */
function ordersOf(input: OrdersInput): { orders: Orders; rates: Rates } {
  const { config, options, db, keyring, clock, catalogue, subscribers } = input;
  const { log } = options;
  const { rateSource, providers, routes, deliveryRoutes, mail } = readOutside(config.env, { clock, catalogue });
  const rates = createRates({ db, clock, source: rateSource });
  const delivery = createDelivery({
    routes: deliveryRoutes,
    clock,
    ...(options.onDeliveryCall ? { onCall: options.onDeliveryCall } : {}),
    onError: (error, route) => log.error({ err: error, route }, 'a delivery route failed'),
  });
  const orders = createOrders({
    db,
    workerDb: openDb(db.url, limits.workerConnectionsMax),
    clock,
    // A reference leads back to ids of this version, see base/ids.
    newId: () => eventId('order', randomUUID()),
    subscribers,
    catalogue,
    rates,
    providers,
    routes,
    delivery,
    patience: { ...limits, ...options.patience },
    accountName: config.accountName,
    keyring,
    mail,
    onLetter: (outcome) => options.onLetter?.(outcome),
    onAlarm: alarmOf(options),
    onError: (error, order) => log.error({ err: error, order }, 'an order failed'),
    onRoundError: (error) => log.warn({ err: error }, 'a round of orders failed'),
  });
  return { orders, rates };
}

/** Each kind of approval is executed by whoever it belongs to. */
function approvalsOf(deps: { db: Db; clock: Clock }, batches: ReturnType<typeof createBatches>) {
  return createApprovals({ ...deps, actions: batches.actions });
}

/** Up to date, durable, and of these keys; otherwise it is left again. */
async function openChecked(database: Database, config: Config, log: Logger): Promise<{ db: Db; keyring: Keyring }> {
  await migrate({ url: database.ownerUrl, dir: join(config.root, 'migrations'), log: (line) => log.info(line) });
  const db = openDb(database.appUrl);
  try {
    await assertDurable(db.pool);
    const keyring = readKeyring(config);
    await assertKeysFit(db, keyring, config.keyFile);
    return { db, keyring };
  } catch (error) {
    await closeDb(db);
    await database.stop();
    throw error;
  }
}

type Database = { readonly ownerUrl: string; readonly appUrl: string; stop(): Promise<void> };

async function openDatabase(config: Config, { log, onDatabaseExit }: PlatformOptions): Promise<Database> {
  if (config.databaseUrl) {
    // Revealed to the driver alone. The application narrows itself to the role sapar_app on every connection.
    const url = config.databaseUrl.reveal();
    return { ownerUrl: url, appUrl: url, stop: async () => undefined };
  }
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const embedded = await startEmbedded({
    dataDir: join(config.dataDir, 'postgres'),
    log: (line) => log.info(line),
    onExit: (exit) => {
      log.error(
        { pid: exit.pid, code: exit.code, signal: exit.signal, gaveUp: exit.gaveUp },
        'the embedded database ended',
      );
      onDatabaseExit?.();
      // Nothing works without it, and whoever watches this process can do more than this process can.
      if (exit.gaveUp) process.exitCode = 1;
      if (exit.gaveUp) process.kill(process.pid, 'SIGTERM');
    },
  });
  return { ownerUrl: embedded.url, appUrl: embedded.appUrl, stop: () => embedded.stop() };
}
