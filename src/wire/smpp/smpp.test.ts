import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  carry,
  decodePdu,
  decodeText,
  describe,
  encodePdu,
  encodeText,
  FrameReader,
  isBroken,
  message,
  type Pdu,
  partHeader,
  partTlvs,
  readPart,
  refusalOf,
  splitText,
  statuses,
  tags,
  UDH,
  usualCoding,
} from './index.ts';

const service = { ton: 0, npi: 0, address: '111' };
const phone = { ton: 1, npi: 1, address: '77011234567' };
const its = (octets: number[]) => ({ tag: tags.itsSessionInfo, value: Uint8Array.from(octets) });
const op = (value: number) => ({ tag: tags.ussdServiceOp, value: Uint8Array.of(value) });
const ascii = (text: string) => Uint8Array.from(Buffer.from(text));

/** As they went between npm smpp and Net::SMPP, read by tshark. */
const vectors: [string, string, Pdu][] = [
  [
    'bind_transceiver',
    '00000026000000090000000000000001746f7075700073656372657400555353440034000000',
    {
      command: 'bind_transceiver',
      sequence: 1,
      status: 0,
      systemId: 'topup',
      password: 'secret',
      systemType: 'USSD',
      interfaceVersion: 0x34,
      ton: 0,
      npi: 0,
      addressRange: '',
    },
  ],
  [
    'its answer',
    '0000001780000009000000000000000155535344475700',
    { command: 'bind_transceiver_resp', sequence: 1, status: 0, systemId: 'USSDGW', tlvs: [] },
  ],
  ['enquire_link', '00000010000000150000000000000001', { command: 'enquire_link', sequence: 1, status: 0 }],
  ['its answer', '00000010800000150000000000000001', { command: 'enquire_link_resp', sequence: 1, status: 0 }],
  [
    'a person dials *111#',
    '0000004300000005000000000000000255535344000101373730313132333435363700000131313100000000000000000000052a313131230501000101138300022a00',
    {
      command: 'deliver_sm',
      sequence: 2,
      status: 0,
      ...message({
        serviceType: 'USSD',
        source: phone,
        destination: { ton: 0, npi: 1, address: '111' },
        message: ascii('*111#'),
        tlvs: [op(1), its([0x2a, 0])],
      }),
    },
  ],
  [
    'its answer',
    '0000001180000005000000000000000200',
    { command: 'deliver_sm_resp', sequence: 2, status: 0, messageId: '', tlvs: [] },
  ],
  [
    'a menu',
    '0000004c000000040000000000000002555353440000013131310001013737303131323334353637000000000000000000000e3129203530300a322920313030300501000102138300022a00',
    {
      command: 'submit_sm',
      sequence: 2,
      status: 0,
      ...message({
        serviceType: 'USSD',
        source: { ton: 0, npi: 1, address: '111' },
        destination: phone,
        message: ascii('1) 500\n2) 1000'),
        tlvs: [op(2), its([0x2a, 0])],
      }),
    },
  ],
  [
    'its answer',
    '000000138000000400000000000000026d3100',
    { command: 'submit_sm_resp', sequence: 2, status: 0, messageId: 'm1', tlvs: [] },
  ],
  [
    'the person answers 1',
    '0000003f0000000500000000000000035553534400010137373031313233343536370000013131310000000000000000000001310501000112138300022a02',
    {
      command: 'deliver_sm',
      sequence: 3,
      status: 0,
      ...message({
        serviceType: 'USSD',
        source: phone,
        destination: { ton: 0, npi: 1, address: '111' },
        message: ascii('1'),
        tlvs: [op(18), its([0x2a, 2])],
      }),
    },
  ],
  [
    'the last screen, in Cyrillic',
    '00000062000000040000000000000003555353440000013131310001013737303131323334353637000000000000000008000004240020041f043e043f043e043b043d0435043d043e00200035003300300020044204330501000111138300022a03',
    {
      command: 'submit_sm',
      sequence: 3,
      status: 0,
      ...message({
        serviceType: 'USSD',
        source: { ton: 0, npi: 1, address: '111' },
        destination: phone,
        dataCoding: 8,
        tlvs: [
          { tag: tags.messagePayload, value: Uint8Array.from(Buffer.from('Пополнено 530 тг', 'utf16le').swap16()) },
          op(17),
          its([0x2a, 3]),
        ],
      }),
    },
  ],
  ['unbind', '00000010000000060000000000000004', { command: 'unbind', sequence: 4, status: 0 }],
  ['its answer', '00000010800000060000000000000004', { command: 'unbind_resp', sequence: 4, status: 0 }],
];

for (const [name, hex, pdu] of vectors)
  test(`${name} is written and read octet for octet as others do`, () => {
    assert.equal(encodePdu(pdu).toString('hex'), hex);
    assert.deepEqual(decodePdu(Buffer.from(hex, 'hex')), pdu);
  });

const cstring = (max: number) =>
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: max });
const octetValue = fc.integer({ min: 0, max: 255 });
const octets = (max: number) => fc.uint8Array({ maxLength: max, size: 'max' });
const plain = { noNullPrototype: true };
const address = fc.record({ ton: octetValue, npi: octetValue, address: cstring(20) }, plain);
const tlvs = fc.array(fc.record({ tag: fc.integer({ min: 0, max: 0xffff }), value: octets(300) }, plain), {
  maxLength: 4,
});
const messages = fc.record({
  serviceType: cstring(5),
  source: address,
  destination: address,
  esmClass: octetValue,
  protocolId: octetValue,
  priority: octetValue,
  schedule: cstring(16),
  validity: cstring(16),
  registeredDelivery: octetValue,
  replaceIfPresent: octetValue,
  dataCoding: octetValue,
  defaultMessage: octetValue,
  message: octets(254),
  tlvs,
});
const binds = fc.record({
  systemId: cstring(15),
  password: cstring(8),
  systemType: cstring(12),
  interfaceVersion: octetValue,
  ton: octetValue,
  npi: octetValue,
  addressRange: cstring(40),
});
const one = <C extends string>(...commands: C[]) => fc.constantFrom(...commands);
const bodies = fc.oneof(
  fc
    .record({ command: one('bind_receiver', 'bind_transmitter', 'bind_transceiver') })
    .chain((c) => binds.map((b) => ({ ...c, ...b }))),
  fc.record({ command: one('bind_receiver_resp', 'bind_transceiver_resp'), systemId: cstring(15), tlvs }),
  fc.record({ command: one('outbind'), systemId: cstring(15), password: cstring(8) }),
  messages.map((fields) => ({ command: 'submit_sm' as const, ...fields })),
  messages.map((fields) => ({ command: 'deliver_sm' as const, ...fields })),
  messages.map(({ serviceType, source, destination, esmClass, registeredDelivery, dataCoding, ...rest }) => ({
    command: 'data_sm' as const,
    ...{ serviceType, source, destination, esmClass, registeredDelivery, dataCoding, tlvs: rest.tlvs },
  })),
  fc.record({ command: one('submit_sm_resp', 'deliver_sm_resp', 'data_sm_resp'), messageId: cstring(64), tlvs }),
  fc.record({ command: one('unbind', 'unbind_resp', 'enquire_link', 'enquire_link_resp', 'generic_nack') }),
);
const pdus = fc
  .tuple(fc.integer({ min: 1, max: 0x7fffffff }), bodies)
  .map(([sequence, body]): Pdu => ({ sequence, status: 0, ...body }));

test('whatever is written is read as it was, however the octets arrive', () => {
  fc.assert(
    fc.property(fc.array(pdus, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 90 })), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(encodePdu));
      const reader = new FrameReader();
      const read: unknown[] = [];
      let at = 0;
      for (const size of [...cuts, stream.length]) {
        const frames = reader.push(stream.subarray(at, at + size));
        assert.ok(frames);
        read.push(...frames.map(decodePdu));
        at += size;
      }
      assert.deepEqual(read, sent);
    }),
  );
});

test('what is cut off, or no PDU, is told and can be refused', () => {
  for (const [, hex] of vectors) {
    const whole = Buffer.from(hex, 'hex');
    for (let length = 16; length < whole.length; length += 1) {
      const read = decodePdu(whole.subarray(0, length));
      // Answers may have no body, and a message may have fewer parameters.
      if (!isBroken(read)) continue;
      assert.ok(read.status !== statuses.ok);
      const refusal = decodePdu(refusalOf(read));
      assert.ok(!isBroken(refusal));
      assert.equal(refusal.sequence, read.sequence);
    }
  }
  const unknown = decodePdu(Buffer.from('00000010000000770000000000000009', 'hex'));
  assert.ok(isBroken(unknown));
  assert.equal(refusalOf(unknown).toString('hex'), '00000010800000000000000300000009');
});

test('a length that no PDU has ends the stream, before anything is kept of it', () => {
  assert.equal(new FrameReader().push(Buffer.from('0000000f00000015', 'hex')), undefined);
  assert.equal(new FrameReader().push(Buffer.from('ffffffff', 'hex')), undefined);
  assert.equal(new FrameReader().push(Buffer.from('GET / HTTP/1.1\r\n\r\n')), undefined);
});

test('a text is in the plain alphabet where it can be, and is read again', () => {
  assert.deepEqual(encodeText('1) 500'), { dataCoding: 0, octets: ascii('1) 500'), isUcs2: false });
  assert.equal(encodeText('Пополнить').dataCoding, 8);
  assert.deepEqual([...encodeText('@[').octets], [0x00, 0x1b, 0x3c]);
  const network = { alphabet: 'gsm7', plainCoding: 0x0f, ucs2Coding: 0x48 } as const;
  assert.equal(encodeText('余额', network).dataCoding, 0x48);
  assert.equal(encodeText('é', { ...usualCoding, alphabet: 'ascii' }).dataCoding, 8);
  for (const coding of [usualCoding, network, { ...usualCoding, alphabet: 'latin1' } as const])
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const { dataCoding, octets: written } = encodeText(text, coding);
        assert.equal(decodeText(written, dataCoding, coding), text);
      }),
    );
  assert.equal(decodeText(Uint8Array.of(1, 2), 0x04), undefined);
});

test('a long text is cut into parts that hold whole characters, and is put together again', () => {
  assert.equal(splitText('a'.repeat(160))?.length, 1);
  assert.equal(splitText('a'.repeat(161))?.length, 2);
  assert.equal(splitText('я'.repeat(70))?.length, 1);
  assert.equal(splitText('я'.repeat(71))?.length, 2);
  assert.equal(splitText('a'.repeat(153 * 256)), undefined);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '€', '[', 'я', '😀', '余'), maxLength: 600, size: 'max' }),
      (text) => {
        const parts = splitText(text) ?? [];
        const texts = parts.map(({ octets: part, dataCoding }, index) => {
          assert.ok(part.length <= (parts.length === 1 ? 160 : 153));
          if (dataCoding === 8) assert.ok(part.length <= (parts.length === 1 ? 140 : 134));
          const where = { reference: 7, total: parts.length, number: index + 1 };
          const withHeader = { esmClass: UDH, message: Buffer.concat([partHeader(where), part]), tlvs: [] };
          const withTlvs = { esmClass: 0, message: part, tlvs: partTlvs(where) };
          assert.deepEqual(readPart(withHeader).part, where);
          assert.deepEqual(readPart(withTlvs).part, where);
          return decodeText(readPart(withHeader).octets, dataCoding);
        });
        assert.equal(texts.join(''), text);
      },
    ),
  );
});

test('a header that makes no sense is no part, and its message is still read', () => {
  assert.deepEqual(readPart({ esmClass: UDH, message: Uint8Array.of(200, 1), tlvs: [] }).part, undefined);
  assert.deepEqual(readPart({ esmClass: UDH, message: Uint8Array.of(5, 0, 3, 9, 2, 3, 65), tlvs: [] }), {
    octets: Uint8Array.of(65),
    part: undefined,
  });
});

test('more than a short message holds goes into the payload', () => {
  assert.equal(carry(new Uint8Array(254)).tlvs.length, 0);
  const { message: short, tlvs: long } = carry(new Uint8Array(255));
  assert.equal(short.length, 0);
  assert.equal(long[0]?.value.length, 255);
});

test('a trace names what happens and keeps back passwords, numbers and codes', () => {
  const lines = vectors.map(([, , pdu]) => describe(pdu)).join('\n');
  assert.match(lines, /deliver_sm seq=2 from=\[11 digits\] to=111 .*op=01 session=2a00 "\*111#"/);
  assert.match(lines, /"Пополнено 530 тг"/);
  assert.doesNotMatch(lines, /secret|7701/);
  for (const typed of [
    '*111*1234567890123456#',
    '1234 5678 9012 3456',
    '１２３４５６７８９０１２',
    '12-34-56-78-90-12',
  ]) {
    const { octets: typedOctets, dataCoding } = encodeText(typed);
    const fields = message({ source: phone, destination: service, message: typedOctets, dataCoding });
    const line = describe({ command: 'deliver_sm', sequence: 1, status: 0, ...fields });
    assert.match(line, /\[1[269] digits\]/, typed);
    assert.doesNotMatch(line, /1234|１２|12-34/, typed);
  }
});
