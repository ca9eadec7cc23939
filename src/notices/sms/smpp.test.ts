import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Delivered, encodeText, message, type Tlv, tags, twoOctets } from '../../wire/smpp/index.ts';
import { periodOf, readArrival } from './smpp.ts';

const settings = { id: 'main' };

function delivered(text: string, more: { esmClass?: number; tlvs?: readonly Tlv[]; from?: string } = {}): Delivered {
  const { dataCoding, octets } = encodeText(text);
  const source = { ton: 1, npi: 1, address: more.from ?? '77011234567' };
  const fields = { source, destination: { ton: 0, npi: 0, address: '111' }, dataCoding, message: octets };
  const { esmClass = 0, tlvs = [] } = more;
  return { command: 'deliver_sm', sequence: 1, status: 0, ...message({ ...fields, esmClass, tlvs }) };
}

const receipt = (text: string, tlvs: readonly Tlv[] = []) =>
  readArrival(delivered(text, { esmClass: 0x04, tlvs }), settings);

/** The text of SMPP 3.4, Appendix B, and what is made of it elsewhere. */
const receipts: [string, string, readonly string[]][] = [
  [
    'id:1A2B sub:001 dlvrd:001 submit date:2611240905 done date:2611240906 stat:DELIVRD err:000 text:x',
    'delivered',
    ['1a2b', '6699'],
  ],
  [
    'id:0000006699 sub:001 dlvrd:001 submit date:2611240905 done date:2611240906 stat:DELIVRD err:0 Text:',
    'delivered',
    ['6699', '1a2b', '26265'],
  ],
  ['id:7f stat:EXPIRED', 'expired', ['7f', '127']],
  ['id:7f stat:UNDELIV err:011', 'undelivered', ['7f', '127']],
  ['id:7f stat:REJECTD', 'rejected', ['7f', '127']],
  ['id:7f stat:DELETED', 'rejected', ['7f', '127']],
  ['id:9d3c-aa stat:DELIVRD', 'delivered', ['9d3c-aa']],
];
for (const [text, outcome, messageIds] of receipts)
  test(`"${text.slice(0, 40)}" says ${outcome}`, () => {
    const arrival = receipt(text);
    assert.ok(arrival.kind === 'receipt');
    assert.deepEqual([arrival.receipt.outcome, arrival.receipt.messageIds], [outcome, messageIds]);
  });

test('a receipt that says it in parameters is read too, and our own reference with it', () => {
  const arrival = receipt('', [
    { tag: tags.receiptedMessageId, value: Buffer.from('0A1\0') },
    { tag: tags.messageState, value: Uint8Array.of(5) },
    twoOctets(tags.userMessageReference, 513),
  ]);
  assert.ok(arrival.kind === 'receipt');
  const { outcome, messageIds, reference, from } = arrival.receipt;
  assert.deepEqual([outcome, messageIds, reference, from], ['undelivered', ['a1', '161'], 513, '77011234567']);
});

test('news that it is on its way, and what says nothing, is no receipt', () => {
  for (const text of ['id:7f stat:ENROUTE', 'id:7f stat:ACCEPTD', 'stat:DELIVRD', 'hello', ''])
    assert.equal(receipt(text).kind, 'nothing');
  assert.equal(readArrival(delivered('id:7f stat:DELIVRD', { esmClass: 0x20 }), settings).kind, 'nothing');
});

test('whoever writes the words of a receipt has written a message', () => {
  assert.equal(readArrival(delivered('id:7f stat:DELIVRD'), settings).kind, 'message');
});

test('a message is read with its sender; who is no phone of ours is nobody', () => {
  const arrival = readArrival(delivered('Баланс'), settings);
  assert.deepEqual(arrival, { kind: 'message', from: '77011234567', text: 'Баланс', part: undefined });
  for (const from of ['111', 'Kcell', '79161234567', ''])
    assert.equal(readArrival(delivered('BAL', { from }), settings).kind, 'nothing');
  for (const from of ['87011234567', '+77011234567', '7011234567'])
    assert.equal(readArrival(delivered('BAL', { from }), settings).kind, 'message');
});

test('how long a centre may try is a period of days, hours, minutes and seconds', () => {
  assert.deepEqual([0, 1_500, 61_000, 3_600_000, 86_400_000, 3 * 86_400_000 - 1_000].map(periodOf), [
    '000000000001000R',
    '000000000001000R',
    '000000000101000R',
    '000000010000000R',
    '000001000000000R',
    '000002235959000R',
  ]);
});

test('whatever a centre delivers is read or passed over, and never throws', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 254 }),
    fc.string({ maxLength: 60 }).map((text) => Buffer.from(`id:${text} stat:DELIVRD`)),
  );
  const tlv = fc.record({
    tag: fc.constantFrom(tags.receiptedMessageId, tags.messageState, tags.userMessageReference, tags.messagePayload, 7),
    value: fc.uint8Array({ maxLength: 40 }),
  });
  const pdu = fc.record({
    message: octets,
    tlvs: fc.array(tlv, { maxLength: 4 }),
    esmClass: fc.nat(255),
    dataCoding: fc.nat(255),
  });
  fc.assert(
    fc.property(pdu, (fields) => {
      const arrival = readArrival({ ...delivered(''), ...fields }, settings);
      assert.ok(['receipt', 'message', 'nothing'].includes(arrival.kind));
    }),
    { numRuns: 20_000 },
  );
});
