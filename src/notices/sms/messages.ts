import * as audit from '../../audit/index.ts';
import type { Clock } from '../../base/clock.ts';
import type { Uuid } from '../../base/ids.ts';
import { type Keyring, seal } from '../../base/keyring.ts';
import { limits } from '../../base/limits.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { type Db, withTx } from '../../db/index.ts';
import type { Subscribers } from '../../parties/index.ts';
import { openBook } from './book.ts';
import * as contacts from './contact_store.ts';
import { sweepStrays } from './part_store.ts';
import { joinPiece, type Piece } from './pieces.ts';
import type { SmsPatience } from './settle.ts';
import type { Sms, SmsReceipt, SmsRoute, SmsState } from './sms.ts';
import * as store from './store.ts';
import { numberContext } from './words.ts';
import { type SmsWorker, startSmsWorker } from './worker.ts';

/** An answer to whoever has written to us. Never holds a PIN or a full number. */
export type SmsAnswer = {
  readonly to: Msisdn;
  readonly operator: string;
  readonly text: string;
  /** The credit it tells of, which no notice then tells of again. */
  readonly event?: Uuid;
};

export type TextMessages = ReturnType<typeof createTextMessages>;

export type TextMessagesDeps = {
  readonly db: Db;
  /** Connections of the workers' own. */
  readonly workerDb: Db;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly subscribers: Subscribers;
  readonly patience: SmsPatience;
  readonly onState?: (operator: string, state: SmsState) => void;
  readonly onError: (error: unknown) => void;
  readonly onRoundError: (error: unknown) => void;
};

/** Text messages to phones: owed, handed to SMS centres, told of by receipts; and what numbers want to hear. */
export function createTextMessages(deps: TextMessagesDeps) {
  const { db, clock, subscribers, patience } = deps;
  const book = openBook({
    url: db.url,
    clock,
    patience,
    onError: deps.onError,
    onState: (operator, state) => deps.onState?.(operator, state),
  });
  let worker: SmsWorker | undefined;
  let contactsSweptAt = new Date(0);
  const poke = (): void => worker?.poke();
  return {
    ...answering(deps, poke),
    ...ofStaff(deps, poke),
    /** Routes are known once the gateways are open. */
    startWorking(routes: readonly SmsRoute[]): void {
      worker ??= startSmsWorker({ ...deps, db: deps.workerDb, book }, routes);
    },
    /** Durable when it resolves: the SMS centre may forget it then. */
    async receive(receipt: SmsReceipt): Promise<void> {
      await book.submit(0, { kind: 'receipt', receipt, numberIndex: subscribers.refer(receipt.from).index });
    },
    waiting: () => store.countWaiting(db),
    /** Forgets what ended long ago. */
    async sweep(): Promise<void> {
      const at = clock.now();
      const isContactsTurn = before(at, limits.smsContactSweepMs) >= contactsSweptAt;
      await withTx(db, async (tx) => {
        store.expireAll(tx, { now: at, before: before(at, patience.smsReceiptMs), limit: limits.smsSweepRows });
        await store.sweepEnded(tx, before(at, limits.smsKeptMs), limits.smsSweepRows);
        sweepStrays(tx, before(at, patience.smsValidMs), limits.smsSweepRows);
        contacts.sweepPieces(tx, before(at, limits.smsPieceMs));
        if (isContactsTurn) contacts.forgetContacts(tx, before(at, Math.max(limits.smsHintMs, limits.smsAnswersMs)));
      });
      if (isContactsTurn) contactsSweptAt = at;
    },
    /** What is in hand is finished first. */
    async close(): Promise<void> {
      await worker?.stop();
      await book.close();
    },
  };
}

/** What whoever reads messages from phones needs. */
function answering(deps: TextMessagesDeps, poke: () => void) {
  const { db, keyring, clock, subscribers } = deps;
  return {
    /** Owed when it resolves; false where this number has had enough answers for a while. */
    async answer(answer: SmsAnswer): Promise<boolean> {
      const isOwed = await oweAnswer(deps, answer);
      if (isOwed) poke();
      return isOwed;
    },
    /** Whether a text that nobody understood may be answered. */
    mayHint(msisdn: Msisdn): Promise<boolean> {
      const at = clock.now();
      const { index } = subscribers.refer(msisdn);
      return withTx(db, (tx) => contacts.hint(tx, index, { at, since: before(at, limits.smsHintMs) }));
    },
    /** One part of a long message; the whole of it when this was the last. */
    join(piece: Omit<Piece, 'numberIndex'> & { readonly from: Msisdn }, text: string): Promise<string | undefined> {
      const { from, ...named } = piece;
      const numberIndex = subscribers.refer(from).index;
      return joinPiece({ db, keyring, at: clock.now() }, { ...named, numberIndex }, text);
    },
    /** No notices from now on; what was asked for is still answered. Answers whether it was otherwise before. */
    stop: (msisdn: Msisdn, by: By): Promise<boolean> => wish(deps, msisdn, { by, isStop: true }),
    /** Notices again. */
    start: (msisdn: Msisdn, by: By): Promise<boolean> => wish(deps, msisdn, { by, isStop: false }),
  };
}

function oweAnswer(deps: TextMessagesDeps, { to, operator, text, event }: SmsAnswer): Promise<boolean> {
  const { db, keyring, clock, subscribers, patience } = deps;
  const { index } = subscribers.refer(to);
  const at = clock.now();
  return withTx(db, async (tx) => {
    const since = before(at, limits.smsAnswersMs);
    if (!(await contacts.countAnswer(tx, index, { at, since, max: limits.smsAnswersMax }))) return false;
    const known = (await subscribers.find(tx, [index])).get(index);
    store.insertAnswer(tx, {
      event,
      subscriber: known?.id,
      numberIndex: index,
      numberSealed: known ? undefined : seal(keyring.masterKey, Buffer.from(to), numberContext(index)),
      operator,
      text,
      at,
      expiresAt: new Date(at.getTime() + patience.smsAnswerValidMs),
    });
    return true;
  });
}

function ofStaff({ db, clock, subscribers, patience }: TextMessagesDeps, poke: () => void) {
  return {
    /** The last messages to a number, and since when it wants none. */
    async ofNumber(msisdn: Msisdn): Promise<{ messages: readonly Sms[]; stoppedAt: Date | undefined }> {
      const { index } = subscribers.refer(msisdn);
      const [messages, stoppedAt] = await Promise.all([
        store.readOfNumber(db, index, limits.smsListedMax),
        contacts.readStopped(db, index),
      ]);
      return { messages, stoppedAt };
    },
    /** A notice that has ended without arriving is owed again. */
    async retry(id: bigint, by: By): Promise<void> {
      const at = clock.now();
      await withTx(db, async (tx) => {
        const until = { at, expiresAt: new Date(at.getTime() + patience.smsValidMs) };
        if (!(await store.owedAgain(tx, id, until))) throw new Refusal('sms.not_found');
        record(tx, { by, action: 'sms.retry', subject: `sms:${id}` });
      });
      poke();
    },
  };
}

/** `subscriber` is the person with the phone. */
export type By = { readonly actor: string; readonly reason?: string };

type WishDeps = Pick<TextMessagesDeps, 'db' | 'clock' | 'subscribers'>;

async function wish(
  { db, clock, subscribers }: WishDeps,
  msisdn: Msisdn,
  { by, isStop }: { by: By; isStop: boolean },
): Promise<boolean> {
  const { index } = subscribers.refer(msisdn);
  const known = await subscribers.read(msisdn);
  const at = clock.now();
  return withTx(db, async (tx) => {
    const isNew = isStop ? await contacts.stop(tx, index, at) : await contacts.start(tx, index);
    if (isStop) contacts.dropOwed(tx, index, at);
    // Who is nobody's subscriber is named by blind index: the number is nowhere.
    const subject = known ? `subscriber:${known.id}` : `number:${index}`;
    if (isNew) record(tx, { by, action: isStop ? 'sms.stop' : 'sms.start', subject });
    return isNew;
  });
}

function record(
  tx: Parameters<typeof audit.record>[0],
  { by, action, subject }: { by: By; action: string; subject: string },
): void {
  const details = by.reason === undefined ? {} : { reason: audit.parseReason(by.reason) };
  audit.record(tx, { actor: audit.parseActor(by.actor), action, subject, details });
}

function before(at: Date, ms: number): Date {
  return new Date(at.getTime() - ms);
}
