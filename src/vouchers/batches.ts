import * as audit from '../audit/index.ts';
import { type Action, type Actions, type Approval, parseActor, parseReason, requestApproval } from '../audit/index.ts';
import { assert, present } from '../base/assert.ts';
import type { Canonical } from '../base/canonical.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { type Tx, withTx } from '../db/index.ts';
import { type Batch, batchMoves, checkDraft, type Draft, requestOf } from './batch.ts';
import * as store from './batch_store.ts';
import { applyChange, type ChangeReport, checkRange, previewChange } from './change.ts';
import { expireDue } from './expire.ts';
import { type GenerateDeps, type Generated, type Generation, generate } from './generate.ts';
import { isSignedBy, publicKeyOf } from './manifest.ts';
import { unbar } from './redemption.ts';
import { type BatchReport, type CardReport, reportBatch, reportCard } from './report.ts';
import { type ChangeVerb, changeVerbs, stateAfter } from './stretch.ts';

/** A change of state for a range of serials, asked for by one and approved by another. */
export type ChangeRequest = {
  readonly verb: ChangeVerb;
  readonly first: bigint;
  readonly last: bigint;
  readonly reason: string;
  /** When it shall be done; undefined: as soon as it is approved. */
  readonly at?: Date | undefined;
  readonly maker: string;
};

/** A damaged card that somebody asks to have credited by its serial. The number is known by its blind index alone. */
export type SerialRequest = {
  readonly serial: bigint;
  readonly numberIndex: string;
  /** For the checkers to read: `+7 701 ••• 45 67`. */
  readonly numberMask: string;
  readonly reason: string;
  readonly maker: string;
};

/** What an executed approval did. */
export type Done =
  | { readonly kind: 'batch_approved'; readonly batch: bigint }
  | { readonly kind: 'range_changed'; readonly report: ChangeReport }
  | { readonly kind: 'serial_released'; readonly serial: bigint };

export type Batches = ReturnType<typeof createBatches>;

export const REDEEM_SERIAL = 'voucher.redeem_serial';
const CREATE = 'voucher.create';
const CHANGE = 'voucher.change';

/** The staff's side of vouchers. Whoever asks is named; what makes cards worth money needs a second person. */
export function createBatches(deps: GenerateDeps) {
  const { db, clock, keyring } = deps;
  return {
    /** Drafts a batch, claims its serials and asks for approval of exactly this draft. */
    create: (draft: Draft) => withTx(db, (tx) => create(tx, draft, clock.now())),
    /** Makes the cards of an approved batch and their print file. */
    generate: (generation: Generation): Promise<Generated> => {
      parseActor(generation.actor);
      return generate(deps, generation);
    },
    /** The file has been printed; the cards have gone out. */
    mark: (batch: bigint, verb: 'print' | 'distribute', actor: string) =>
      withTx(db, (tx) => mark(tx, { batch, verb, actor: parseActor(actor) })),
    /** Asks for a change of state; answers what it would do now. */
    requestChange: (request: ChangeRequest) => withTx(db, (tx) => requestChange(tx, request, clock.now())),
    /** Asks for a damaged card to be credited by its serial, which takes two others. */
    requestSerial: (request: SerialRequest) => withTx(db, (tx) => requestSerial(tx, request, clock.now())),
    /** What approvals of vouchers do. */
    actions: actionsAt(() => clock.now()),
    /** Ends vouchers past their date. For the background. */
    expireDue: () => expireDue(db, clock.now()),
    async find(id: bigint): Promise<Batch> {
      const batch = await store.readBatch(db, id);
      if (!batch) throw new Refusal('batch.not_found');
      return batch;
    },
    /** Newest first. */
    list: (): Promise<Batch[]> => store.readBatches(db, limits.pageRowsMax),
    card: (serial: bigint): Promise<CardReport> => reportCard(db, serial, clock.now()),
    /** One batch, or the newest ones, by the states of their vouchers. */
    async report(id?: bigint): Promise<BatchReport[]> {
      const batches = id === undefined ? await this.list() : [await this.find(id)];
      const reports: BatchReport[] = [];
      for (const batch of batches) reports.push(await reportBatch(db, batch, clock.now()));
      return reports;
    },
    /** Whether we signed this manifest, as it is. */
    isOurs: (manifest: { readonly [name: string]: Canonical }): boolean => isSignedBy(manifest, keyring.signingKey),
    /** What a printer checks our manifests with. */
    manifestKey: (): string => publicKeyOf(keyring.signingKey),
    /** Lifts the bars on a number (its blind index) or an API key. Answers how many there were. */
    unbar: (request: { id: string; actor: string }): Promise<number> =>
      withTx(db, (tx) => unbar(tx, { id: request.id, actor: parseActor(request.actor) })),
  };
}

async function create(tx: Tx, asked: Draft, now: Date): Promise<{ batch: Batch; approval: bigint }> {
  const draft = checkDraft(asked, now);
  const maker = parseActor(draft.maker);
  await store.lockSerials(tx);
  await refuseGuessable(tx, draft, now);
  const first = present(await store.claimSerials(tx, draft.count), 'a sequence answers');
  const id = present(await store.insertBatch(tx, draft, { first, at: now }), 'an inserted batch has an id');
  const batch = present(await store.findBatch(tx, id), 'an inserted batch is found');
  const details = { operator: batch.operator, count: batch.count };
  audit.record(tx, { actor: maker, action: 'batch.create', subject: `batch:${id}`, details });
  const approval = await requestApproval(tx, { action: CREATE, request: requestOf(batch), maker, needed: 1, now });
  return { batch, approval };
}

/** The more codes of one length are in use, the likelier a guess meets one. */
async function refuseGuessable(tx: Tx, draft: Required<Draft>, now: Date): Promise<void> {
  const { digits, count } = draft;
  const max = 10n ** BigInt(digits) / BigInt(Math.round(1 / limits.guessHitRateMax));
  const inUse = (await store.countInUse(tx, digits, now)) + BigInt(count);
  if (inUse <= max) return;
  const live = inUse - (await store.countEndedInUse(tx, digits, now));
  if (live > max) throw new Refusal('batch.too_many_digits_in_use', { digits, max: String(max) });
}

async function mark(
  tx: Tx,
  move: { batch: bigint; verb: 'print' | 'distribute'; actor: string },
): Promise<Batch['state']> {
  const { verb, actor } = move;
  const batch = await store.lockBatch(tx, move.batch);
  if (!batch) throw new Refusal('batch.not_found');
  const moves: Readonly<Record<string, Batch['state']>> = batchMoves[batch.state];
  const to = moves[verb];
  if (to === undefined) throw new Refusal('batch.wrong_state', { state: batch.state });
  assert(await store.moveBatch(tx, batch.id, { from: batch.state, to }), 'a locked batch keeps its state');
  audit.record(tx, { actor, action: `batch.${verb}`, subject: `batch:${batch.id}`, details: {} });
  return to;
}

async function requestChange(
  tx: Tx,
  request: ChangeRequest,
  now: Date,
): Promise<{ approval: bigint; preview: ChangeReport }> {
  const { verb, first, last, reason, at, maker } = request;
  checkRange(request);
  parseReason(reason);
  if (at && (at <= now || at.getTime() > now.getTime() + limits.scheduleDaysMax * DAY_MS)) {
    throw new Refusal('request.invalid', { field: 'at' });
  }
  const preview = await previewChange(tx, { verb, first, last, approval: 0n, at: now });
  // What is scheduled may become possible until then.
  if (preview.changed === 0n && !at) throw new Refusal('batch.wrong_state', reasonsOf(preview));
  const exact = { verb, state: stateAfter[verb], first: String(first), last: String(last), reason };
  const scheduled = at ? { at: at.toISOString() } : {};
  const asked = { action: CHANGE, request: { ...exact, ...scheduled }, maker, needed: 1, now } as const;
  return { approval: await requestApproval(tx, asked), preview };
}

const DAY_MS = 86_400_000;

function reasonsOf({ skipped }: ChangeReport): Record<string, string> {
  return Object.fromEntries(skipped.map(({ reason, count }) => [reason, String(count)]));
}

async function requestSerial(tx: Tx, asked: SerialRequest, now: Date): Promise<{ approval: bigint }> {
  parseReason(asked.reason);
  const serial = String(asked.serial);
  const request = {
    serial,
    first: serial,
    last: serial,
    state: stateAfter.damage,
    number: asked.numberMask,
    numberIndex: asked.numberIndex,
    reason: asked.reason,
  };
  await releaseSerial(tx, { serial: asked.serial, approval: 0n, at: now, isReal: false });
  const { maker } = asked;
  return { approval: await requestApproval(tx, { action: REDEEM_SERIAL, request, maker, needed: 2, now }) };
}

/** Marks a card that was sold, and has not ended, as damaged: from then on its serial is honoured, and its PIN is not. */
async function releaseSerial(
  tx: Tx,
  one: { serial: bigint; approval: bigint; at: Date; isReal: boolean },
): Promise<void> {
  const { serial, approval, at, isReal } = one;
  const change = { verb: 'damage', first: serial, last: serial, approval, at } as const;
  const report = await (isReal ? applyChange(tx, change) : previewChange(tx, change));
  const isReleased = report.changed === 1n || report.skipped.every(({ reason }) => reason === 'damaged');
  if (!isReleased) throw new Refusal('batch.wrong_state', reasonsOf(report));
}

function actionsAt(now: () => Date): Actions<Done> {
  const create: Action<Done> = {
    exact: async (tx, approval) => requestOf(await batchOf(tx, approval)),
    async execute(tx, approval) {
      const batch = await batchOf(tx, approval);
      if (!(await store.approveBatch(tx, batch.id, approval.id))) {
        throw new Refusal('batch.wrong_state', { state: batch.state });
      }
      return { kind: 'batch_approved', batch: batch.id };
    },
  };
  const change: Action<Done> = {
    async execute(tx, approval) {
      const { request, id } = approval;
      const verb = changeVerbs.find((one) => one === request.verb);
      assert(verb !== undefined, 'an approved change has a verb');
      const range = { first: BigInt(String(request.first)), last: BigInt(String(request.last)) };
      const report = await applyChange(tx, { verb, ...range, approval: id, at: now() });
      recordChange(tx, approval, report);
      return { kind: 'range_changed', report };
    },
  };
  const redeemSerial: Action<Done> = {
    async execute(tx, approval, given) {
      // Who executes has typed the number again: the request holds no more than its index.
      if (given.numberIndex !== approval.request.numberIndex) throw new Refusal('approval.mismatch');
      const serial = BigInt(String(approval.request.serial));
      await releaseSerial(tx, { serial, approval: approval.id, at: now(), isReal: true });
      return { kind: 'serial_released', serial };
    },
  };
  return { [CREATE]: create, [CHANGE]: change, [REDEEM_SERIAL]: redeemSerial };
}

async function batchOf(tx: Tx, { request }: Approval): Promise<Batch> {
  const batch = await store.lockBatch(tx, BigInt(String(request.batch)));
  if (!batch) throw new Refusal('batch.not_found');
  return batch;
}

function recordChange(tx: Tx, { id, maker }: Approval, report: ChangeReport): void {
  const skipped = report.skipped.reduce((sum, { count }) => sum + count, 0n);
  const details = { approval: String(id), changed: String(report.changed), skipped: String(skipped) };
  const subject = `serials:${report.first}-${report.last}`;
  audit.record(tx, { actor: maker, action: `voucher.${report.verb}`, subject, details });
}
