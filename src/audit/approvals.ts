import { createHash } from 'node:crypto';
import { present } from '../base/assert.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { Refusal, type RefusalCode } from '../base/refusal.ts';
import { type Db, type Tx, withTx } from '../db/index.ts';
import type { ApprovalRequest, ApprovalRow } from './approval_store.ts';
import * as store from './approval_store.ts';
import { record } from './chain.ts';

export type { ApprovalRequest };

export type ApprovalState = 'waiting' | 'scheduled' | 'used' | 'expired';

/** Somebody's request that others must agree to. `at` is the instant it shall be done, where that is not at once. */
export type Approval = {
  readonly id: bigint;
  readonly action: string;
  readonly request: ApprovalRequest;
  readonly maker: string;
  readonly needed: number;
  readonly checkers: readonly string[];
  readonly state: ApprovalState;
  readonly at: Date | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly usedAt: Date | undefined;
};

/** What the executing vote brings along that the request must not hold in clear, such as a number. */
export type Given = Readonly<Record<string, string>>;

/** What one kind of approval does, in the transaction that uses it up. */
export type Action<R> = {
  /** The request made anew from what is stored, where that is more than the request itself: it must be what was approved, bit for bit. */
  readonly exact?: (tx: Tx, approval: Approval) => Promise<ApprovalRequest>;
  readonly execute: (tx: Tx, approval: Approval, given: Given) => Promise<R>;
};

export type Actions<R> = Readonly<Record<string, Action<R>>>;

/** What a vote came to. With `done`, `result` says what was done. */
export type Vote<R> =
  | { readonly outcome: 'waiting' | 'scheduled'; readonly approval: Approval }
  | { readonly outcome: 'done'; readonly approval: Approval; readonly result: R };

export type Approvals<R> = {
  /** One checker's yes; the last one needed also executes, in the same transaction. */
  vote(vote: { id: bigint; checker: string; given?: Given }): Promise<Vote<R>>;
  /** Executes what was approved for an instant that has come. A refusal leaves it to be tried again until it expires. */
  runDue(): Promise<{ id: bigint; result: R | Refusal }[]>;
  find(id: bigint): Promise<Approval>;
  /** Those that wait, oldest first; or all, newest first. */
  list(which: 'open' | 'all'): Promise<Approval[]>;
};

const ACTOR = /^[a-z0-9._-]{1,64}$/;

/** The name somebody acts under: lower-case letters, digits, dots, hyphens, underscores. */
export function parseActor(text: string): string {
  if (!ACTOR.test(text)) throw new Refusal('request.invalid', { field: 'actor' });
  return text;
}

/** Asks for consent to exactly this request, in the transaction that prepares it. Expires; a scheduled one after its instant. */
export async function requestApproval(
  tx: Tx,
  asked: {
    action: string;
    request: ApprovalRequest;
    maker: string;
    needed: 1 | 2;
    now: Date;
  },
): Promise<bigint> {
  const { action, request, needed, now } = asked;
  const maker = parseActor(asked.maker);
  const from = Math.max(now.getTime(), instantOf(request)?.getTime() ?? 0);
  const expiresAt = new Date(from + limits.approvalMs);
  const id = await store.insertApproval(tx, {
    action,
    request,
    hash: hashOf(request),
    maker,
    needed,
    at: now,
    expiresAt,
  });
  const approval = present(id, 'an inserted approval has an id');
  record(tx, {
    actor: maker,
    action: 'approval.request',
    subject: `approval:${approval}`,
    details: { action, needed },
  });
  return approval;
}

export function createApprovals<R>(deps: { db: Db; clock: Clock; actions: Actions<R> }): Approvals<R> {
  const { db, clock } = deps;
  return {
    vote: ({ id, checker, given = {} }) =>
      inTx(db, async (tx) => {
        const at = clock.now();
        const before = await lockOpen(tx, id, at);
        if (before.checkers.includes(parseActor(checker))) throw new Refusal('approval.same_person');
        await store.insertVote(tx, { approval: id, checker, at });
        record(tx, {
          actor: checker,
          action: 'approval.vote',
          subject: `approval:${id}`,
          details: { action: before.action },
        });
        const approval = approvalOf(present(await store.findApproval(tx, id), 'a locked approval exists'), at);
        if (approval.state === 'scheduled') return { outcome: 'scheduled', approval };
        if (approval.checkers.length < approval.needed) return { outcome: 'waiting', approval };
        const result = await execute(deps.actions, tx, { approval, given, actor: checker, at });
        return { outcome: 'done', approval: { ...approval, state: 'used', usedAt: at }, result };
      }),
    async runDue() {
      const due = await store.readDue(db, clock.now(), limits.pageRowsMax);
      const done: { id: bigint; result: R | Refusal }[] = [];
      for (const id of due) done.push({ id, result: await runOne(deps, id) });
      return done;
    },
    async find(id) {
      const row = await store.readApproval(db, id);
      if (!row) throw new Refusal('approval.not_found');
      return approvalOf(row, clock.now());
    },
    async list(which) {
      const now = clock.now();
      const max = limits.pageRowsMax;
      const rows = which === 'open' ? await store.readOpen(db, now, max) : await store.readAll(db, max);
      return rows.map((row) => approvalOf(row, now));
    },
  };
}

async function runOne<R>(deps: { db: Db; clock: Clock; actions: Actions<R> }, id: bigint): Promise<R | Refusal> {
  try {
    return await inTx(deps.db, async (tx) => {
      const at = deps.clock.now();
      const approval = await lockOpen(tx, id, at);
      return execute(deps.actions, tx, { approval, given: {}, actor: 'system', at });
    });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Locked until the end of the transaction, and not used before. */
async function lockOpen(tx: Tx, id: bigint, at: Date): Promise<Approval> {
  await store.lockApproval(tx, id);
  const row = await store.findApproval(tx, id);
  if (!row) throw new Refusal('approval.not_found');
  if (row.used_at !== null) throw new Refusal('approval.used');
  return approvalOf(row, at);
}

type Execution = { approval: Approval; given: Given; actor: string; at: Date };

async function execute<R>(actions: Actions<R>, tx: Tx, { approval, given, actor, at }: Execution): Promise<R> {
  const action = present(actions[approval.action], `approvals of ${approval.action} can be executed`);
  const request = action.exact ? await action.exact(tx, approval) : approval.request;
  await store.insertUse(tx, { approval: approval.id, hash: hashOf(request), at });
  record(tx, {
    actor,
    action: 'approval.use',
    subject: `approval:${approval.id}`,
    details: { action: approval.action },
  });
  return action.execute(tx, approval, given);
}

/** The rules of four eyes live in the database; here they are only translated, once the transaction is undone. */
const codes = new Map<unknown, RefusalCode>([
  ['SP002', 'approval.same_person'],
  ['SP003', 'approval.expired'],
  ['SP004', 'approval.mismatch'],
]);

async function inTx<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await withTx(db, work);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? codes.get(error.code) : undefined;
    throw code === undefined ? error : new Refusal(code);
  }
}

function hashOf(request: ApprovalRequest): Buffer {
  return createHash('sha256').update(canonicalJson(request)).digest();
}

function instantOf(request: ApprovalRequest): Date | undefined {
  return typeof request.at === 'string' ? new Date(request.at) : undefined;
}

function approvalOf(row: ApprovalRow, now: Date): Approval {
  const at = instantOf(row.request);
  const state = (): ApprovalState => {
    if (row.used_at !== null) return 'used';
    if (row.expires_at < now) return 'expired';
    return at !== undefined && at > now && row.checkers.length >= row.needed ? 'scheduled' : 'waiting';
  };
  return {
    id: row.id,
    action: row.action,
    request: row.request,
    maker: row.maker,
    needed: row.needed,
    checkers: row.checkers,
    state: state(),
    at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at ?? undefined,
  };
}
