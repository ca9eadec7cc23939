import { limits } from '../../base/limits.ts';
import { type Db, withTx } from '../../db/index.ts';
import * as store from './intake_store.ts';

const LAST_ID = 2n ** 63n - 1n;

export type IntakeDeps = {
  readonly db: Db;
  readonly now: () => Date;
  /** Operators that a route leads to. */
  readonly operators: readonly string[];
  readonly validMs: number;
};

/**
 * Moves owed notices into the queue of text messages, each once, in two passes: as soon as they are seen, and again when no transaction can add one before
 * those any more, because ids are given out before commit. Answers whether there is more to read at once.
 */
export function takeOwed({ db, now, operators, validMs }: IntakeDeps): Promise<boolean> {
  return withTx(db, async (tx) => {
    const intake = await store.lockIntake(tx);
    if (!intake) return false;
    const taking = { limit: limits.smsIntakeMax, operators, at: now(), validMs };
    const fresh = await store.takeNotices(tx, { ...taking, after: intake.seenTo, upTo: LAST_ID });
    if (fresh.last !== null) store.setSeen(tx, fresh.last);
    const { markTo } = intake;
    if (markTo === undefined) store.setMark(tx, intake.seenTo);
    else if (intake.isMarkSettled) {
      const late = await store.takeNotices(tx, { ...taking, after: intake.settledTo, upTo: markTo });
      store.setSettled(tx, late.read < limits.smsIntakeMax || late.last === null ? markTo : late.last);
    }
    return fresh.read === limits.smsIntakeMax;
  });
}
