import assert from 'node:assert/strict';
import { decodeGsm7 } from '../../src/base/gsm7.ts';
import { orRefusal, Refusal } from '../../src/base/refusal.ts';
import { httpProtocolNames, httpReply, protocolOf, readHttpStep } from '../../src/channels/ussd/http_protocols.ts';
import { readArrival } from '../../src/notices/index.ts';
import * as gsup from '../../src/wire/gsup/index.ts';
import {
  decodePdu,
  decodeText,
  describe,
  encodePdu,
  FrameReader,
  isBroken,
  message,
  type Pdu,
  readPart,
  refusalOf,
  tags,
} from '../../src/wire/smpp/index.ts';
import { agentCodecs } from './agents.ts';

/** A reader of octets from outside, with what it should read as its seeds. `read` fails where a promise of it is broken. */
export type Codec = {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  read(octets: Buffer): void;
};

const HEADER_OCTETS = 16;

const pdus = [
  '00000026000000090000000000000001746f7075700073656372657400555353440034000000',
  '0000001780000009000000000000000155535344475700',
  '0000004300000005000000000000000255535344000101373730313132333435363700000131313100000000000000000000052a313131230501000101138300022a00',
  '00000062000000040000000000000003555353440000013131310001013737303131323334353637000000000000000008000004240020041f043e043f043e043b043d0435043d043e00200035003300300020044204330501000111138300022a03',
  '000000138000000400000000000000026d3100',
  '0000004b0000000500000000000000070001013737303131323334353637000000313131004000000000000000001a050003070201746578742077697468206120686561646572020c0002000702',
  '00000010000000150000000000000001',
].map((hex) => Buffer.from(hex, 'hex'));

/** What can be read is written again as what it was read as, and everything can be told of without harm. */
function readPdu(pdu: Pdu): void {
  const again = decodePdu(encodePdu(pdu));
  assert.deepEqual(again, pdu);
  describe(pdu);
  if (pdu.command !== 'deliver_sm' && pdu.command !== 'submit_sm' && pdu.command !== 'data_sm') return;
  const { octets, part } = readPart(pdu);
  if (part) assert.ok(part.number >= 1 && part.number <= part.total && part.total <= 255);
  const text = decodeText(octets, pdu.dataCoding);
  if (text !== undefined) assert.ok(text.length <= octets.length);
}

const smppPdu: Codec = {
  name: 'smpp pdu',
  seeds: pdus,
  read(octets) {
    if (octets.length < HEADER_OCTETS) return;
    const pdu = decodePdu(octets);
    if (isBroken(pdu)) assert.ok(refusalOf(pdu).length <= HEADER_OCTETS + 1);
    else readPdu(pdu);
  },
};

const smppStream: Codec = {
  name: 'smpp stream',
  seeds: [Buffer.concat(pdus), Buffer.concat(pdus.toReversed())],
  read(octets) {
    const reader = new FrameReader();
    // The same frames however they arrive: at once, and in pieces.
    const atOnce = reader.push(octets)?.map((frame) => frame.toString('hex'));
    const pieces = new FrameReader();
    const found: string[] = [];
    for (let at = 0; at < octets.length; at += 7) {
      const frames = pieces.push(octets.subarray(at, at + 7));
      if (!frames) {
        assert.equal(atOnce, undefined);
        return;
      }
      found.push(...frames.map((frame) => frame.toString('hex')));
    }
    assert.deepEqual(found, atOnce);
    for (const hex of found) smppPdu.read(Buffer.from(hex, 'hex'));
  },
};

const gsm7: Codec = {
  name: 'gsm7',
  seeds: [Buffer.from('2a3131312300', 'hex'), Buffer.from('1b651b3c41', 'hex')],
  read: (octets) => assert.ok(decodeGsm7(octets).length <= octets.length),
};

const frames = [
  '0011fe0401080107010201030104010501010100',
  '002bee0520010809710000000000f13004200000033101013514a11202010502013b300a04010f0405aa582c3602',
  '003dee0522010809710000000000f13004200000033101023526a12402010102013c301c04010f0417d437bc55872b62a01a0ca690816230184c010315f1693a',
  '0048ee0522010809710000000000f13004200000033101033531a22f020105302a02013b30250401480420041f043e043f043e043b043d0435043d043e0020003500300030002004420433',
].map((hex) => Buffer.from(hex, 'hex'));

const GSUP_OFFSET = 4;

const gsupMessage: Codec = {
  name: 'gsup message',
  seeds: frames.slice(1).map((frame) => frame.subarray(GSUP_OFFSET)),
  read(octets) {
    // A plain array: its parts are plain too.
    const message = gsup.decodeGsup(Uint8Array.from(octets));
    if (!message) return;
    assert.deepEqual(gsup.decodeGsup(gsup.encodeGsup(message)), message);
    gsup.describe(message);
    const component = message.ss && gsup.decodeComponent(message.ss);
    if (!component) return;
    assert.deepEqual(gsup.decodeComponent(gsup.encodeComponent(component, 'octet')), component);
    if (!('text' in component) || !component.text) return;
    const text = gsup.decodeText(component.text);
    if (text !== undefined) assert.ok(text.length <= (component.text.octets.length * 8) / 7);
  },
};

const gsupStream: Codec = {
  name: 'gsup stream',
  seeds: [Buffer.concat(frames)],
  read(octets) {
    const whole = new gsup.FrameReader().read(Uint8Array.from(octets));
    const reader = new gsup.FrameReader();
    const found = [];
    for (let at = 0; at < octets.length; at += 5)
      found.push(...reader.read(Uint8Array.from(octets.subarray(at, at + 5))));
    assert.deepEqual(found, whole);
    for (const { payload } of whole) gsupMessage.read(Buffer.from(payload.subarray(1)));
  },
};

const receipt = Buffer.from(
  'id:1f01 sub:001 dlvrd:001 submit date:2611250200 done date:2611250201 stat:DELIVRD err:000 text:',
);

const smsArrival: Codec = {
  name: 'sms arrival',
  seeds: [
    ...pdus,
    encodePdu({
      command: 'deliver_sm',
      sequence: 9,
      status: 0,
      ...message({
        source: { ton: 1, npi: 1, address: '77011234567' },
        destination: { ton: 0, npi: 1, address: '111' },
        esmClass: 4,
        message: receipt,
        tlvs: [{ tag: tags.receiptedMessageId, value: Buffer.from('1f01\0') }],
      }),
    }),
  ],
  read(octets) {
    const pdu = octets.length < HEADER_OCTETS ? undefined : decodePdu(octets);
    if (pdu && !isBroken(pdu) && (pdu.command === 'deliver_sm' || pdu.command === 'data_sm'))
      readArrival(pdu, { id: 'fuzz' });
  },
};

/** Bodies of aggregators, taken for a message of each of them. */
const ussdHttp: Codec = {
  name: 'ussd over http',
  seeds: [
    '{"SessionId":"7e67","Mobile":"77011234567","ServiceCode":"111","Type":"Initiation","Message":"*111#","Sequence":1}',
    '{"USERID":"N","MSISDN":"77011234567","USERDATA":"2","MSGTYPE":false,"NETWORK":"K","SESSIONID":"16"}',
    '{"sessionID":"a1","userID":"U","newSession":true,"msisdn":"77011234567","userData":"*111#","network":"K"}',
    '{"command":"continue","msisdn":"77011234567","session_id":"b1","operator":"k","payload":{"request_id":1,"response":"2"}}',
    '{"msisdn":"77011234567","text":"1","shortCode":"111","path":{"session":"s","kind":"response"}}',
  ].map((text) => Buffer.from(text)),
  read(octets) {
    let message: unknown;
    try {
      message = JSON.parse(octets.toString());
    } catch {
      return;
    }
    for (const name of httpProtocolNames) {
      const protocol = protocolOf(name);
      const step = orRefusal(() => readHttpStep(protocol, message));
      if (step instanceof Refusal) assert.equal(step.code, 'request.invalid');
      else JSON.stringify(httpReply(protocol, message, { text: step.text, end: step.kind !== 'first' }));
    }
  },
};

export const codecs: readonly Codec[] = [
  ussdHttp,
  smppPdu,
  smppStream,
  gsm7,
  gsupMessage,
  gsupStream,
  smsArrival,
  ...agentCodecs,
];
