import * as audit from '../audit/index.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { type Db, withTx } from '../db/index.ts';
import type { Gateway } from './gateway.ts';
import * as store from './store.ts';
import type { Traffic } from './traffic.ts';

/** A link as its process has last told of it. `isCurrent` is false where the process says nothing any more. */
export type GatewayReport = {
  readonly id: string;
  readonly process: string;
  readonly protocol: string;
  readonly operator: string;
  readonly state: string;
  readonly isCurrent: boolean;
  readonly since: Date;
  readonly lastError: string | undefined;
  readonly dialogues: number;
  readonly waiting: number;
  readonly inMinute: number;
  readonly outMinute: number;
  readonly toldAt: Date;
  /** What staff want of it. */
  readonly wish: 'run' | 'drain';
  readonly reason: string | undefined;
};

export type Wish = {
  readonly gateway: string;
  readonly wish: 'run' | 'drain';
  readonly reason: string;
  readonly actor: string;
};

export type GatewayBoard = {
  list(): Promise<readonly GatewayReport[]>;
  /** Stands until something else is wished; processes follow within seconds. */
  wish(wish: Wish): Promise<void>;
};

/** All links of all processes, and what is wanted of them. */
export function createGatewayBoard({ db, clock }: { db: Db; clock: Clock }): GatewayBoard {
  return {
    async list() {
      const [rows, wishes] = await Promise.all([store.states(db), store.wishes(db)]);
      const wanted = new Map(wishes.map((row) => [row.gateway, row]));
      const current = clock.now().getTime() - limits.gatewayGoneMs;
      return rows.map((row) => ({
        id: row.gateway,
        process: row.process,
        protocol: row.protocol,
        operator: row.operator,
        state: row.state,
        isCurrent: row.updated_at.getTime() >= current,
        since: row.since,
        lastError: row.last_error ?? undefined,
        dialogues: row.dialogues,
        waiting: row.waiting,
        inMinute: row.in_minute,
        outMinute: row.out_minute,
        toldAt: row.updated_at,
        wish: wanted.get(row.gateway)?.wish ?? 'run',
        reason: wanted.get(row.gateway)?.reason,
      }));
    },
    async wish({ gateway, wish, actor, ...given }) {
      const reason = audit.parseReason(given.reason);
      const known = await store.states(db);
      if (!known.some((row) => row.gateway === gateway)) throw new Refusal('gateway.not_found');
      await withTx(db, async (tx) => {
        store.wish(tx, { gateway, wish, reason, actor, wished_at: clock.now() });
        audit.record(tx, { actor, action: `gateway.${wish}`, subject: `gateway:${gateway}`, details: { reason } });
      });
    },
  };
}

export type GatewayReporting = {
  /** Names this process, for staff to find it. */
  readonly process: string;
  readonly gateways: readonly Gateway[];
  readonly traffic: Traffic;
};

export type GatewayReporter = {
  /** Obeys what is wished and tells how things stand. */
  round(): Promise<void>;
  /** The last round: what was told is taken back. */
  close(): Promise<void>;
};

/** What one process tells of its own links. */
export function createGatewayReporter(
  { db, clock }: { db: Db; clock: Clock },
  { process, gateways, traffic }: GatewayReporting,
): GatewayReporter {
  return {
    async round() {
      if (gateways.length === 0) return;
      const wanted = new Map((await store.wishes(db)).map((row) => [row.gateway, row.wish]));
      for (const gateway of gateways) obey(gateway, wanted.get(gateway.id) ?? 'run');
      const said = gateways.map((gateway) => saidOf(gateway, traffic));
      await withTx(db, async (tx) => store.save(tx, said, { process, at: clock.now() }));
    },
    async close() {
      if (gateways.length === 0) return;
      const before = new Date(clock.now().getTime() - limits.gatewayForgottenMs);
      await withTx(db, async (tx) => store.forget(tx, process, before));
    },
  };
}

function obey(gateway: Gateway, wish: 'run' | 'drain'): void {
  const { state } = gateway.status();
  const leaves = state === 'draining' || state === 'drained';
  if (wish === 'drain' && !leaves) gateway.drain();
  if (wish === 'run' && leaves) gateway.resume();
}

function saidOf(gateway: Gateway, traffic: Traffic): store.Said {
  const { state, since, lastError, dialogues, waiting } = gateway.status();
  const minute = traffic.perMinute(gateway.id);
  return {
    gateway: gateway.id,
    protocol: gateway.protocol,
    operator: gateway.operator,
    state,
    since,
    last_error: lastError ?? null,
    dialogues,
    waiting,
    in_minute: minute.in,
    out_minute: minute.out,
  };
}
