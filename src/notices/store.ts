import type { Uuid } from '../base/ids.ts';
import { pgArray, type Statement, type Tx } from '../db/index.ts';

export type NoticeKind = 'topup_credited' | 'voucher_credited';

const oweStatement: Statement = {
  name: 'notices_owe',
  text: 'insert into notice (subscriber, event, kind) select * from unnest($1::bigint[], $2::uuid[], $3::text[])',
};

/**
 * One message a row, to be told to the subscriber in their language when a channel can reach them. Called after the write that causes it: those who read
 * on in the outbox rely on a transaction having its number before its notices have theirs.
 */
export function owe(tx: Tx, notices: readonly { subscriber: bigint; event: Uuid; kind: NoticeKind }[]): void {
  if (notices.length === 0) return;
  tx.send(oweStatement, [
    pgArray(notices.map((notice) => notice.subscriber)),
    pgArray(notices.map((notice) => notice.event)),
    pgArray(notices.map((notice) => notice.kind)),
  ]);
}
