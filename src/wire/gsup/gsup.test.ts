import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { present } from '../../base/assert.ts';
import { type Component, decodeComponent, encodeComponent, type LengthForm } from './component.ts';
import { encodeFrame, encodeIdentity, FrameReader, IPA_CCM, IPA_OSMO, OSMO_GSUP } from './ipa.ts';
import { decodeGsup, encodeGsup, type GsupMessage } from './message.ts';
import { decodeText, encodeText, packSeptets, unpackSeptets } from './text.ts';
import { describe } from './trace.ts';

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** A dialogue as osmo-hlr 1.5.0 carried it: a whole frame, and what is in it. */
const dialogue: {
  name: string;
  frame: string;
  message: Omit<GsupMessage, 'ss'>;
  component: Component;
  text: string;
}[] = [
  {
    name: 'a phone dials',
    frame: '002bee0520010809710000000000f13004200000033101013514a11202010502013b300a04010f0405aa582c3602',
    message: { type: 'request', imsi: '901700000000001', session: 0x20000003, state: 'begin' },
    component: { kind: 'invoke', id: 5, operation: 0x3b },
    text: '*111#',
  },
  {
    name: 'a menu asks',
    frame:
      '003dee0522010809710000000000f13004200000033101023526a12402010102013c301c04010f0417d437bc55872b62a01a0ca690816230184c010315f1693a',
    message: { type: 'result', imsi: '901700000000001', session: 0x20000003, state: 'continue' },
    component: { kind: 'invoke', id: 1, operation: 0x3c },
    text: 'Top-up\n1 500\n2 1000\n0 Exit',
  },
  {
    name: 'the phone answers',
    frame: '0029ee0520010809710000000000f13004200000033101023512a210020101300b02013c300604010f040131',
    message: { type: 'request', imsi: '901700000000001', session: 0x20000003, state: 'continue' },
    component: { kind: 'result', id: 1, operation: 0x3c },
    text: '1',
  },
  {
    name: 'a last screen in Cyrillic',
    frame:
      '0048ee0522010809710000000000f13004200000033101033531a22f020105302a02013b30250401480420041f043e043f043e043b043d0435043d043e0020003500300030002004420433',
    message: { type: 'result', imsi: '901700000000001', session: 0x20000003, state: 'end' },
    component: { kind: 'result', id: 5, operation: 0x3b },
    text: 'Пополнено 500 тг',
  },
];

for (const { name, frame, message, component, text } of dialogue) {
  test(`${name}: the octets that a real HLR carried, read and written`, () => {
    const [read] = new FrameReader().read(octets(frame));
    const { stream, payload } = present(read, 'a whole frame');
    assert.equal(stream, IPA_OSMO);
    assert.equal(payload[0], OSMO_GSUP);
    const decoded = present(decodeGsup(payload.subarray(1)), 'a message');
    const { ss, ...rest } = decoded;
    assert.deepEqual(rest, message);
    const inside = present(decodeComponent(present(ss, 'a component')), 'a component');
    assert.ok('text' in inside && inside.text);
    const { text: carried, ...asked } = inside;
    assert.deepEqual(asked, component);
    assert.equal(decodeText(carried), text);

    const written = encodeComponent({ ...component, text: encodeText(text) } as Component);
    const again = encodeGsup({ ...message, ss: written });
    assert.equal(hex(encodeFrame({ stream: IPA_OSMO, payload: Uint8Array.of(OSMO_GSUP, ...again) })), frame);
  });
}

test('an identity is written as the HLR reads it', () => {
  const payload = encodeIdentity({ name: 'EUSE-topup', unitId: '0/0/0' });
  const expected = '0026fe05000708302f302f3000000c01455553452d746f70757000000c00455553452d746f70757000';
  assert.equal(hex(encodeFrame({ stream: IPA_CCM, payload })), expected);
});

const packed = `
  *111#                        aa582c3602
  1                            31
  *123#                        aa986c3602
  1234567                      31d98c56b3dd1a`;
for (const row of packed.trim().split('\n')) {
  const [text = '', expected = ''] = row.trim().split(/\s+/);
  test(`${text} is packed as ${expected}`, () => {
    const carried = encodeText(text);
    assert.equal(carried.dcs, 0x0f);
    assert.equal(hex(carried.octets), expected);
    assert.equal(decodeText(carried), text);
  });
}

test('what osmo-euse-demo says is read', () => {
  assert.equal(decodeText({ dcs: 0x0f, octets: octets('d9771d342fbbe920912a269b8d44') }), 'You sent "*123#"');
});

const schemes = `
  00  31        1
  01  31        1
  44  31        -
  48  0031      1
  58  0031      1
  11  65390031  1
  f0  31        1
  f4  31        -
  68  0031      -
  90  31        -`;
for (const row of schemes.trim().split('\n')) {
  const [dcs = '', carried = '', expected = ''] = row.trim().split(/\s+/);
  test(`the scheme 0x${dcs} is ${expected === '-' ? 'no text' : 'read'}`, () => {
    const text = decodeText({ dcs: Number.parseInt(dcs, 16), octets: octets(carried) });
    assert.equal(text, expected === '-' ? undefined : expected);
  });
}

test('a language before the text is not part of it', () => {
  const septets = Uint8Array.of(0x72, 0x75, 0x0d, 0x31, 0x32);
  assert.equal(decodeText({ dcs: 0x10, octets: packSeptets(septets) }), '12');
});

test('every count of septets comes back as it was', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 0x7f, maxLength: 190 }), (septets) => {
      // A return at the end of an octet is the one thing the standard does not tell apart from its doubling.
      fc.pre(septets.at(-1) !== 0x0d);
      assert.deepEqual([...unpackSeptets(packSeptets(septets))], [...septets]);
      assert.equal(packSeptets(septets).length, Math.ceil((septets.length * 7) / 8));
    }),
  );
});

test('a return that ends a text is not lost with the filler', () => {
  const text = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0x0d);
  assert.deepEqual([...unpackSeptets(packSeptets(text))], [...text, 0x0d]);
});

test('every text comes back, in seven bits or in sixteen', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((one) => one.replace(/\r/g, ''));
  fc.assert(fc.property(text, (one) => assert.equal(decodeText(encodeText(one)), one)));
});

/** Plain objects, as the codecs make them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true } as fc.RecordConstraints<keyof T>);
const octet = fc.integer({ min: 0, max: 0xff });
const string = (maxLength: number) => record({ dcs: octet, octets: fc.uint8Array({ maxLength }) });
const component = (maxLength: number): fc.Arbitrary<Component> =>
  fc.oneof(
    record({ kind: fc.constant('invoke' as const), id: octet, operation: octet }),
    record({ kind: fc.constant('invoke' as const), id: octet, operation: octet, text: string(maxLength) }),
    record({ kind: fc.constant('result' as const), id: octet }),
    record({ kind: fc.constant('result' as const), id: octet, operation: octet }),
    record({ kind: fc.constant('result' as const), id: octet, operation: octet, text: string(maxLength) }),
    record({ kind: fc.constant('error' as const), id: octet, error: octet }),
    record({
      kind: fc.constant('reject' as const),
      id: fc.option(octet, { nil: undefined }),
      family: fc.integer({ min: 0, max: 3 }),
      problem: octet,
    }),
  );

for (const [form, most] of [
  ['ber', 160],
  ['octet', 160],
] as [LengthForm, number][]) {
  test(`every component comes back, its lengths written as ${form}`, () => {
    fc.assert(
      fc.property(component(most), (one) => {
        assert.deepEqual(decodeComponent(encodeComponent(one, form)), one);
      }),
    );
  });
}

test('a linked id before the operation is passed over', () => {
  const linked = decodeComponent(octets('a11502010580010702013b300a04010f0405aa582c3602'));
  assert.ok(linked?.kind === 'invoke' && linked.text);
  assert.equal(linked.operation, 0x3b);
  assert.equal(decodeText(linked.text), '*111#');
});

test('every message comes back, and elements nobody knows are passed over', () => {
  const message = record({
    type: fc.constantFrom('request' as const, 'error' as const, 'result' as const),
    imsi: fc.integer({ min: 6, max: 15 }).chain((length) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`))),
    session: fc.integer({ min: 0, max: 0xffffffff }),
    state: fc.constantFrom('begin' as const, 'continue' as const, 'end' as const),
  });
  fc.assert(
    fc.property(message, fc.option(fc.uint8Array({ maxLength: 255 }), { nil: undefined }), (fields, ss) => {
      const one: GsupMessage = { ...fields, ...(ss ? { ss } : {}) };
      const written = encodeGsup(one);
      assert.deepEqual(decodeGsup(written), one);
      assert.deepEqual(decodeGsup(Uint8Array.of(...written, 0x0a, 1, 3)), one);
    }),
  );
});

test('frames come whole however the network cuts them', () => {
  const frame = record({ stream: octet, payload: fc.uint8Array({ maxLength: 300 }) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (frames, cuts) => {
      const all = Buffer.concat(frames.map((one) => encodeFrame(one)));
      const reader = new FrameReader();
      const found: unknown[] = [];
      let at = 0;
      for (const cut of [...cuts, all.length]) {
        found.push(...reader.read(new Uint8Array(all.subarray(at, at + cut))));
        at += cut;
      }
      assert.deepEqual(found, frames);
    }),
  );
});

const broken = {
  'no message at all': '',
  'a type that carries no dialogue': '04010809710000000000f1280102',
  'an element that reaches beyond the end': '20010809710000000000f1300420000003310101351fa1',
  'a session of three octets': '20010809710000000000f13003200003310101',
  'no session': '20010809710000000000f1310101',
  'a state that does not exist': '20010809710000000000f130042000000331010a',
  'letters in the IMSI': '200108a9710000000000f13004200000033101013500',
};
for (const [name, text] of Object.entries(broken)) {
  test(`${name} is not read`, () => assert.equal(decodeGsup(octets(text)), undefined));
}

test('a trace tells what was said, and neither whose SIM it is nor which card', () => {
  const dialled = encodeComponent({
    kind: 'invoke',
    id: 5,
    operation: 0x3b,
    text: encodeText('*111*1234 5678 9012 3456#'),
  });
  const message: GsupMessage = { type: 'request', imsi: '901700000000001', session: 7, state: 'begin', ss: dialled };
  assert.equal(describe(message), 'request begin session=7 invoke id=5 op=0x3b dcs=0xf "*[19 digits]#"');
  const failed = encodeComponent({ kind: 'error', id: 5, error: 0x22 });
  assert.equal(describe({ ...message, ss: failed }), 'request begin session=7 error id=5 error=0x22');
  assert.equal(describe({ ...message, ss: octets('a1ff') }), 'request begin session=7 octets(2)');
});
