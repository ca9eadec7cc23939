import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../base/assert.ts';
import { parseUuid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { afterHanding, afterReceipt, type Handed, settledParts } from './settle.ts';
import { type Sms, type SmsMove, type SmsPart, type SmsState, smsDestination, smsMoves } from './sms.ts';

const at = new Date('2026-11-05T09:05:00Z');
const now = { at, patience: limits };
const later = (ms: number): Date => new Date(at.getTime() + ms);

const sms: Sms = {
  id: 7n,
  kind: 'topup_credited',
  event: undefined,
  subscriber: 1n,
  numberIndex: present(parseUuid('00000000-0000-8000-8000-000000000001'), 'a uuid'),
  numberSealed: undefined,
  operator: 'kcell',
  text: undefined,
  parts: undefined,
  state: 'sending',
  reason: undefined,
  isDoubtful: false,
  copies: 0,
  tries: 0,
  nextAt: later(1_000),
  expiresAt: later(limits.smsValidMs),
  createdAt: at,
};

function handed(end: Handed['end'], more: Partial<Handed> = {}): Handed {
  const taken = end.kind === 'accepted' ? [{ part: 1, messageId: 'a1' }] : [];
  const claim = { id: 7n, claimedUntil: later(1_000), gateway: 'main', hasReceipts: true };
  return { ...claim, text: 'x', parts: 1, validMs: limits.smsHoldMs, taken, end, ...more };
}

const table = `
  owed        send     sending
  sending     accept   sent
  sending     put_off  owed
  sending     lose     unknown
  sending     refuse   failed
  unknown     send     sending
  unknown     deliver  delivered
  unknown     accept   -
  sent        deliver  delivered
  sent        give_up  undelivered
  sent        put_off  owed
  sent        send     sending
  sent        expire   expired
  expired     deliver  delivered
  undelivered deliver  delivered
  expired     retry    owed
  delivered   send     -
  delivered   expire   -`;
for (const row of table.trim().split('\n')) {
  const [from = '', move = '', to = ''] = row.trim().split(/\s+/);
  test(`a message that is ${from}: ${move} leads to ${to}`, () => {
    assert.equal(smsDestination(from as SmsState, move as SmsMove) ?? '-', to);
  });
}

test('good news is believed in every state but the last', () => {
  for (const state of Object.keys(smsMoves) as SmsState[])
    assert.equal(smsDestination(state, 'deliver'), state === 'delivered' ? undefined : 'delivered');
});

test('what was accepted waits for its receipt as long as the centre may try, and a little longer', () => {
  const after = afterHanding(sms, handed({ kind: 'accepted' }), now);
  assert.equal(after.sms.state, 'sent');
  assert.deepEqual(after.sms.nextAt, later(limits.smsHoldMs + limits.smsReceiptMs));
  assert.deepEqual([after.sms.copies, after.parts[0]?.messageId, after.sms.isDoubtful], [1, 'a1', false]);
});

test('a centre without receipts has the last word when it takes a message', () => {
  const after = afterHanding(sms, handed({ kind: 'accepted' }, { hasReceipts: false }), now);
  assert.deepEqual([after.sms.state, after.sms.nextAt], ['sent', undefined]);
});

test('without an answer it is in doubt from then on', () => {
  const after = afterHanding(sms, handed({ kind: 'unknown' }), now);
  assert.deepEqual(
    [after.sms.state, after.sms.isDoubtful, after.sms.copies, after.sms.nextAt],
    ['unknown', true, 1, later(limits.smsUnknownMs)],
  );
});

test('who asks for patience costs no try, other troubles wait longer each time, and never past the end', () => {
  const busy = (reason: string, tries: number) =>
    afterHanding({ ...sms, tries }, handed({ kind: 'busy', reason }), now).sms;
  assert.deepEqual([busy('RTHROTTLED', 0).tries, busy('RTHROTTLED', 0).nextAt], [0, later(limits.smsBusyMs)]);
  limits.smsRetriesMs.forEach((wait, tries) => {
    assert.deepEqual([busy('RSYSERR', tries).tries, busy('RSYSERR', tries).nextAt], [tries + 1, later(wait)]);
  });
  const dying = { ...sms, expiresAt: later(5_000) };
  assert.deepEqual(afterHanding(dying, handed({ kind: 'busy', reason: 'RSYSERR' }), now).sms.nextAt, later(5_000));
});

test('whoever comes with an answer after its claim was over changes nothing but what was taken', () => {
  const other = { ...sms, nextAt: later(99_000) };
  const after = afterHanding(other, handed({ kind: 'accepted' }), now);
  assert.deepEqual([after.sms.state, after.sms.nextAt, after.parts.length], ['sending', later(99_000), 1]);
});

const part = (more: Partial<SmsPart> = {}): SmsPart => ({
  sms: 7n,
  copy: 1,
  part: 1,
  gateway: 'main',
  messageId: 'a1',
  state: 'accepted',
  ...more,
});
const sent: Sms = { ...sms, state: 'sent', parts: 1, copies: 1, nextAt: later(1_000) };

test('a message of two parts has arrived when both have', () => {
  const [one, two] = [part(), part({ part: 2, messageId: 'a2' })];
  const first = afterReceipt(
    { sms: { ...sent, parts: 2 }, parts: [one, two] },
    { part: one, outcome: 'delivered' },
    now,
  );
  assert.equal(first.sms.state, 'sent');
  const second = afterReceipt(first, { part: two, outcome: 'delivered' }, now);
  assert.deepEqual([second.sms.state, second.sms.nextAt], ['delivered', undefined]);
});

test('bad news about one copy counts only where no other one is under way', () => {
  const [old, live] = [part({ state: 'silent' }), part({ copy: 2, messageId: 'b1' })];
  const kept = afterReceipt(
    { sms: { ...sent, copies: 2 }, parts: [old, live] },
    { part: old, outcome: 'expired' },
    now,
  );
  assert.equal(kept.sms.state, 'sent');
  const lone = part();
  assert.equal(afterReceipt({ sms: sent, parts: [lone] }, { part: lone, outcome: 'expired' }, now).sms.state, 'owed');
  assert.equal(
    afterReceipt({ sms: sent, parts: [lone] }, { part: lone, outcome: 'rejected' }, now).sms.state,
    'undelivered',
  );
});

test('a receipt that contradicts an earlier good one changes nothing', () => {
  const arrived = part({ state: 'delivered' });
  const story = { sms: { ...sent, state: 'delivered' as const, nextAt: undefined }, parts: [arrived] };
  assert.deepEqual(afterReceipt(story, { part: arrived, outcome: 'undelivered' }, now), story);
});

test('parts that have arrived, or whose receipt is waited for, need no other copy', () => {
  const parts = [
    part(),
    part({ part: 2, state: 'delivered' }),
    part({ part: 3, state: 'silent' }),
    part({ part: 4, state: 'expired' }),
  ];
  assert.deepEqual([...settledParts(parts)], [1, 2]);
});
