import type { Vote } from '../../audit/index.ts';
import type { Redemption } from '../../topups/index.ts';
import {
  type Batch,
  type CardReport,
  type ChangeReport,
  type ChangeVerb,
  type Done,
  valueText,
} from '../../vouchers/index.ts';
import type { Answer } from './command.ts';
import { facts, grouped, moment, table } from './output.ts';

export function batchFacts(batch: Batch): string {
  return facts([
    ['batch', String(batch.id)],
    ['state', batch.state],
    ['operator', batch.operator],
    ['cards', grouped(batch.count)],
    ['value', valueText(batch.values)],
    ['serials', `${batch.firstSerial} to ${batch.lastSerial}`],
    ['PIN digits', String(batch.digits)],
    ['redeem before', moment(batch.expiresAt)],
    ['recipients', batch.recipients.join('\n               ')],
    ['made by', batch.maker],
    ['note', batch.note],
    ['print file sha256', batch.manifest?.file.sha256],
  ]);
}

/** What a change is called where somebody is asked to agree to it. */
export const changeWords: Readonly<Record<ChangeVerb, string>> = {
  activate: 'activate',
  lock: 'lock',
  unlock: 'unlock',
  damage: 'mark as damaged',
  steal: 'mark as stolen',
  void: 'void',
};

/** What a change does to the cards of its range. */
export function changeText({ first, last, changed, skipped }: ChangeReport): string {
  const rows = skipped.map((one) => [one.reason, grouped(one.count), `${one.first} to ${one.last}`]);
  const summary = facts([
    ['serials', `${first} to ${last}`],
    ['cards changed', grouped(changed)],
    ['cards skipped', grouped(skipped.reduce((sum, { count }) => sum + count, 0n))],
  ]);
  return rows.length === 0 ? summary : `${summary}\n\n${table(['skipped because', 'cards', 'between'], rows)}`;
}

export function cardFacts(card: CardReport): string {
  return facts([
    ['serial', String(card.serial)],
    ['state', card.state],
    ['batch', String(card.batch)],
    ['operator', card.operator],
    ['value', card.value],
    ['redeem before', moment(card.redeemBefore)],
    ['ended', card.end && moment(card.end.at)],
    ['by', card.end?.channel],
    ['subscriber', card.end?.subscriber?.toString()],
    ['ledger event', card.end?.event],
  ]);
}

export function redemptionFacts(redemption: Redemption): string {
  return facts([
    ['result', redemption.status],
    ['reference', redemption.reference],
    ['serial', redemption.serial],
    ['value', redemption.values.map(({ amount, unit }) => `${amount} ${unit}`).join(' + ')],
    ['balance', `${redemption.balance} ${redemption.currency}`],
  ]);
}

export function showVote(cast: Vote<Done>): Answer {
  const { approval } = cast;
  switch (cast.outcome) {
    case 'waiting':
      return { text: `Noted. Approvals so far: ${approval.checkers.length} of ${approval.needed}.`, data: cast };
    case 'scheduled':
      return { text: `Approved; it is done ${approval.at ? `at ${moment(approval.at)}` : 'later'}.`, data: cast };
    case 'done':
      return { text: doneText(cast.result), data: cast };
  }
}

function doneText(done: Done): string {
  switch (done.kind) {
    case 'batch_approved':
      return `Batch ${done.batch} is approved. Next: sapar vouchers generate ${done.batch} --as NAME`;
    case 'range_changed':
      return changeText(done.report);
    case 'serial_released':
      return `Card ${done.serial} may be credited by its serial.`;
  }
}
