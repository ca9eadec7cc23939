import { statuses } from './status.ts';
import { decodeTlvs, encodeTlvs, type Tlv } from './tlv.ts';

/** SMPP 3.4, 5.1.2.1. */
const ids = {
  bind_receiver: 0x1,
  bind_transmitter: 0x2,
  submit_sm: 0x4,
  deliver_sm: 0x5,
  unbind: 0x6,
  bind_transceiver: 0x9,
  outbind: 0xb,
  enquire_link: 0x15,
  data_sm: 0x103,
  bind_receiver_resp: 0x80000001,
  bind_transmitter_resp: 0x80000002,
  submit_sm_resp: 0x80000004,
  deliver_sm_resp: 0x80000005,
  unbind_resp: 0x80000006,
  bind_transceiver_resp: 0x80000009,
  enquire_link_resp: 0x80000015,
  data_sm_resp: 0x80000103,
  generic_nack: 0x80000000,
} as const;

type Command = keyof typeof ids;
const commandOf = new Map<number, Command>(Object.entries(ids).map(([name, id]) => [id, name as Command]));

/** Type of number, numbering plan, and the number, short code or name. */
export type Address = { readonly ton: number; readonly npi: number; readonly address: string };

export type BindFields = {
  readonly systemId: string;
  /** In clear, as the protocol carries it: a PDU is never logged as a whole, see `trace.ts`. */
  readonly password: string;
  readonly systemType: string;
  readonly interfaceVersion: number;
  readonly ton: number;
  readonly npi: number;
  readonly addressRange: string;
};

/** The body that `submit_sm` and `deliver_sm` share. */
export type MessageFields = {
  readonly serviceType: string;
  readonly source: Address;
  readonly destination: Address;
  readonly esmClass: number;
  readonly protocolId: number;
  readonly priority: number;
  /** `YYMMDDhhmmsstnnp`, or empty. */
  readonly schedule: string;
  readonly validity: string;
  readonly registeredDelivery: number;
  readonly replaceIfPresent: number;
  readonly dataCoding: number;
  readonly defaultMessage: number;
  readonly message: Uint8Array;
  readonly tlvs: readonly Tlv[];
};

type DataFields = Pick<
  MessageFields,
  'serviceType' | 'source' | 'destination' | 'esmClass' | 'registeredDelivery' | 'dataCoding' | 'tlvs'
>;

/** `messageId` is undefined where there is no body at all, as in most refusals. */
type AnswerFields = { readonly messageId: string | undefined; readonly tlvs: readonly Tlv[] };

export type BindCommand = 'bind_receiver' | 'bind_transmitter' | 'bind_transceiver';

export type Body =
  | ({ readonly command: BindCommand } & BindFields)
  | {
      readonly command: `${BindCommand}_resp`;
      readonly systemId: string | undefined;
      readonly tlvs: readonly Tlv[];
    }
  | { readonly command: 'outbind'; readonly systemId: string; readonly password: string }
  | ({ readonly command: 'submit_sm' } & MessageFields)
  | ({ readonly command: 'deliver_sm' } & MessageFields)
  | ({ readonly command: 'data_sm' } & DataFields)
  | ({ readonly command: 'submit_sm_resp' | 'deliver_sm_resp' | 'data_sm_resp' } & AnswerFields)
  | { readonly command: 'unbind' | 'unbind_resp' | 'enquire_link' | 'enquire_link_resp' | 'generic_nack' };

/** One protocol data unit. A request's status is 0; an answer has the sequence number of what it answers. */
export type Pdu = { readonly sequence: number; readonly status: number } & Body;

/** What can be said of one that cannot be read: enough to refuse it in the protocol's words. */
export type Broken = {
  readonly id: number;
  readonly sequence: number;
  readonly status: number;
  readonly why: string;
};

export const HEADER_OCTETS = 16;
export const SEQUENCE_MAX = 0x7fffffff;
/** A body's own field; what is longer goes into `message_payload`. */
export const SHORT_MESSAGE_MAX = 254;
const RESPONSE = 0x80000000;

/** Octets that a C string may take, its end included (5.2). */
const sizes = {
  serviceType: 6,
  address: 21,
  time: 17,
  systemId: 16,
  password: 9,
  systemType: 13,
  addressRange: 41,
  messageId: 65,
} as const;

/** A message of which only what differs from the plainest one is said. */
export function message(fields: Partial<MessageFields> & Pick<MessageFields, 'source' | 'destination'>): MessageFields {
  return {
    serviceType: '',
    esmClass: 0,
    protocolId: 0,
    priority: 0,
    schedule: '',
    validity: '',
    registeredDelivery: 0,
    replaceIfPresent: 0,
    dataCoding: 0,
    defaultMessage: 0,
    message: new Uint8Array(),
    tlvs: [],
    ...fields,
  };
}

export function isAnswer(id: number): boolean {
  return id >= RESPONSE;
}

/** The answer that refuses a request without reading more of it; a `generic_nack` where it has no answer of its own. */
export function refusalOf({ id, sequence, status }: Omit<Broken, 'why'>): Buffer {
  const own = isAnswer(id) || !commandOf.has(id + RESPONSE) ? ids.generic_nack : id + RESPONSE;
  // This answer has a body in any case (4.6.2), and there are peers that go deaf at one without.
  const body = own === ids.deliver_sm_resp ? Buffer.of(0) : Buffer.alloc(0);
  return withHeader({ id: own, status, sequence }, body);
}

/** A text that does not fit its field is a defect of the caller: what comes from people and files was measured before. */
export function encodePdu(pdu: Pdu): Buffer {
  return withHeader({ id: ids[pdu.command], status: pdu.status, sequence: pdu.sequence }, bodyOf(pdu));
}

function withHeader({ id, status, sequence }: { id: number; status: number; sequence: number }, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_OCTETS);
  header.writeUInt32BE(HEADER_OCTETS + body.length, 0);
  header.writeUInt32BE(id, 4);
  header.writeUInt32BE(status, 8);
  header.writeUInt32BE(sequence, 12);
  return Buffer.concat([header, body]);
}

function bodyOf(pdu: Pdu): Buffer {
  switch (pdu.command) {
    case 'bind_receiver':
    case 'bind_transmitter':
    case 'bind_transceiver':
      return Buffer.concat([
        text(pdu.systemId, sizes.systemId),
        text(pdu.password, sizes.password),
        text(pdu.systemType, sizes.systemType),
        Buffer.of(pdu.interfaceVersion, pdu.ton, pdu.npi),
        text(pdu.addressRange, sizes.addressRange),
      ]);
    case 'bind_receiver_resp':
    case 'bind_transmitter_resp':
    case 'bind_transceiver_resp':
      return answerBody(pdu.systemId, pdu.tlvs, sizes.systemId);
    case 'outbind':
      return Buffer.concat([text(pdu.systemId, sizes.systemId), text(pdu.password, sizes.password)]);
    case 'submit_sm':
    case 'deliver_sm':
      return messageBody(pdu);
    case 'data_sm':
      return Buffer.concat([
        route(pdu),
        Buffer.of(pdu.esmClass, pdu.registeredDelivery, pdu.dataCoding),
        encodeTlvs(pdu.tlvs),
      ]);
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
    case 'data_sm_resp':
      return answerBody(pdu.messageId, pdu.tlvs, sizes.messageId);
    case 'unbind':
    case 'unbind_resp':
    case 'enquire_link':
    case 'enquire_link_resp':
    case 'generic_nack':
      return Buffer.alloc(0);
  }
}

function answerBody(id: string | undefined, tlvs: readonly Tlv[], size: number): Buffer {
  return id === undefined ? Buffer.alloc(0) : Buffer.concat([text(id, size), encodeTlvs(tlvs)]);
}

function messageBody(fields: MessageFields): Buffer {
  if (fields.message.length > SHORT_MESSAGE_MAX) throw new RangeError('a short message has at most 254 octets');
  return Buffer.concat([
    route(fields),
    Buffer.of(fields.esmClass, fields.protocolId, fields.priority),
    text(fields.schedule, sizes.time),
    text(fields.validity, sizes.time),
    Buffer.of(
      fields.registeredDelivery,
      fields.replaceIfPresent,
      fields.dataCoding,
      fields.defaultMessage,
      fields.message.length,
    ),
    fields.message,
    encodeTlvs(fields.tlvs),
  ]);
}

function route({ serviceType, source, destination }: Pick<MessageFields, 'serviceType' | 'source' | 'destination'>) {
  return Buffer.concat([text(serviceType, sizes.serviceType), addressOf(source), addressOf(destination)]);
}

function addressOf({ ton, npi, address }: Address): Buffer {
  return Buffer.concat([Buffer.of(ton, npi), text(address, sizes.address)]);
}

function text(value: string, size: number): Buffer {
  const octets = Buffer.from(`${value}\0`, 'latin1');
  if (octets.length > size || octets.indexOf(0) !== octets.length - 1)
    throw new RangeError(`a text of at most ${size - 1} octets, none of them zero`);
  return octets;
}

/** A whole frame, as `FrameReader` cuts it. Never throws, whatever is in it. */
export function decodePdu(frame: Buffer): Pdu | Broken {
  const id = frame.readUInt32BE(4);
  const status = frame.readUInt32BE(8);
  const sequence = frame.readUInt32BE(12);
  const command = commandOf.get(id);
  const broken = (why: string, code: number): Broken => ({ id, sequence, status: code, why });
  if (!command) return broken('unknown command', statuses.invalidCommand);
  // The body of a refusal says nothing that this program acts on, and some gateways write it wrongly.
  const body = isAnswer(id) && status !== statuses.ok ? Buffer.alloc(0) : frame.subarray(HEADER_OCTETS);
  try {
    return { sequence, status, ...readBody(command, new Reader(body)) };
  } catch (error) {
    if (error instanceof Unreadable) return broken(error.message, error.status);
    throw error;
  }
}

export function isBroken(read: Pdu | Broken): read is Broken {
  return 'why' in read;
}

function readBody(command: Command, body: Reader): Body {
  switch (command) {
    case 'bind_receiver':
    case 'bind_transmitter':
    case 'bind_transceiver':
      return { command, ...readBind(body) };
    case 'bind_receiver_resp':
    case 'bind_transmitter_resp':
    case 'bind_transceiver_resp':
      if (body.isEmpty) return { command, systemId: undefined, tlvs: [] };
      return { command, systemId: body.text(sizes.systemId), tlvs: body.tlvs() };
    case 'outbind':
      return { command, systemId: body.text(sizes.systemId), password: body.text(sizes.password) };
    case 'submit_sm':
    case 'deliver_sm':
      return { command, ...readMessage(body) };
    case 'data_sm':
      return { command, ...readData(body) };
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
    case 'data_sm_resp':
      if (body.isEmpty) return { command, messageId: undefined, tlvs: [] };
      return { command, messageId: body.text(sizes.messageId), tlvs: body.tlvs() };
    case 'unbind':
    case 'unbind_resp':
    case 'enquire_link':
    case 'enquire_link_resp':
    case 'generic_nack':
      // Some gateways put things behind the header; they mean nothing.
      return { command };
  }
}

function readBind(body: Reader): BindFields {
  return {
    systemId: body.text(sizes.systemId),
    password: body.text(sizes.password),
    systemType: body.text(sizes.systemType),
    interfaceVersion: body.octet(),
    ton: body.octet(),
    npi: body.octet(),
    addressRange: body.text(sizes.addressRange),
  };
}

function readRoute(body: Reader): Pick<MessageFields, 'serviceType' | 'source' | 'destination'> {
  const serviceType = body.text(sizes.serviceType);
  const source = readAddress(body);
  return { serviceType, source, destination: readAddress(body) };
}

function readAddress(body: Reader): Address {
  return { ton: body.octet(), npi: body.octet(), address: body.text(sizes.address) };
}

function readMessage(body: Reader): MessageFields {
  return {
    ...readRoute(body),
    esmClass: body.octet(),
    protocolId: body.octet(),
    priority: body.octet(),
    schedule: body.text(sizes.time),
    validity: body.text(sizes.time),
    registeredDelivery: body.octet(),
    replaceIfPresent: body.octet(),
    dataCoding: body.octet(),
    defaultMessage: body.octet(),
    message: body.octets(body.octet()),
    tlvs: body.tlvs(),
  };
}

function readData(body: Reader): DataFields {
  return {
    ...readRoute(body),
    esmClass: body.octet(),
    registeredDelivery: body.octet(),
    dataCoding: body.octet(),
    tlvs: body.tlvs(),
  };
}

class Unreadable extends Error {
  readonly status: number;

  constructor(why: string, status: number) {
    super(why);
    this.status = status;
  }
}

/** Reads a body from its beginning; what is missing makes it unreadable. */
class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get isEmpty(): boolean {
    return this.#body.length === 0;
  }

  octet(): number {
    const value = this.#body[this.#at];
    if (value === undefined) throw new Unreadable('cut off', statuses.invalidCommandLength);
    this.#at += 1;
    return value;
  }

  octets(length: number): Uint8Array {
    if (this.#body.length - this.#at < length) throw new Unreadable('cut off', statuses.invalidMessageLength);
    this.#at += length;
    // A copy: the frame's memory is not kept by a message that is.
    return Uint8Array.from(this.#body.subarray(this.#at - length, this.#at));
  }

  /** A C string of at most `size` octets, its end included. */
  text(size: number): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0 || end - this.#at >= size) throw new Unreadable('a text without end', statuses.invalidCommandLength);
    const value = this.#body.toString('latin1', this.#at, end);
    this.#at = end + 1;
    return value;
  }

  tlvs(): Tlv[] {
    const found = decodeTlvs(this.#body.subarray(this.#at));
    if (!found) throw new Unreadable('a TLV cut off', statuses.invalidTlvStream);
    return found;
  }
}
