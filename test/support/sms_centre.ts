import { createServer, type Server, type Socket } from 'node:net';
import {
  type Body,
  carry,
  decodePdu,
  decodeText,
  encodePdu,
  encodeText,
  FrameReader,
  isBroken,
  type MessageFields,
  message,
  numberOf,
  type Part,
  type Pdu,
  partHeader,
  readPart,
  statuses,
  type Tlv,
  tags,
  twoOctets,
  UDH,
} from '../../src/wire/smpp/index.ts';

// An SMS centre to test against: it keeps what it takes until the phone is there, and says what became of it, as well or as badly as it is told to.

/** One message as the centre has taken it. */
export type Taken = {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  readonly part: Part | undefined;
  readonly reference: number | undefined;
  readonly validity: string;
  readonly wantsReceipt: boolean;
};

export type CentreSettings = {
  /** How the centre writes its ids in receipts. */
  readonly ids?: 'same' | 'decimal' | 'padded' | 'parameter';
  /** Whether receipts bring back the sender's own reference. */
  readonly bringsReference?: boolean;
  /** Before anything is answered: a centre that is killed knows of it when it comes back. */
  readonly onTaken?: (taken: Taken) => void;
  readonly onDelivered?: (taken: Taken) => void;
  readonly onAnswered?: (id: string) => void;
  /** The first id. */
  readonly from?: number;
};

/** What becomes of the next messages: taken and answered; refused with a status; taken without an answer; not even looked at. */
export type Mood = 'take' | 'lose_answer' | 'hang_up' | 'ignore' | number;

type Bound = { readonly socket: Socket; sequence: number; readonly asked: Map<number, (status: number) => void> };

export class SmsCentre {
  readonly inbox: Taken[] = [];
  /** Taken and not yet at the phone. */
  readonly kept = new Map<string, Taken>();
  mood: Mood = 'take';
  givesReceipts = true;
  #settings: CentreSettings;
  #off = new Set<string>();
  #bound: Bound[] = [];
  #server: Server;
  #next: number;

  constructor(settings: CentreSettings = {}) {
    this.#settings = settings;
    this.#next = settings.from ?? 0x1a2b3;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#bound) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get isBound(): boolean {
    return this.#bound.length > 0;
  }

  /** Texts at a phone, in the order in which they came. */
  at(to: string): string[] {
    return this.inbox.filter((one) => one.to === to).map((one) => one.text);
  }

  switchOff(to: string): void {
    this.#off.add(to);
  }

  /** What waited for the phone is there at once. */
  switchOn(to: string): void {
    this.#off.delete(to);
    for (const one of [...this.kept.values()]) if (one.to === to) this.#deliver(one);
  }

  /** The centre gives up one message. */
  giveUp(id: string, word: 'EXPIRED' | 'UNDELIV' | 'REJECTD'): Promise<number> | undefined {
    const one = this.kept.get(id);
    this.kept.delete(id);
    return one && this.#tell(one, word);
  }

  /** What a centre that was killed had in its keeping. */
  restore(taken: readonly Taken[]): void {
    for (const one of taken) this.kept.set(one.id, one);
  }

  deliverKept(): void {
    for (const one of [...this.kept.values()]) if (!this.#off.has(one.to)) this.#deliver(one);
  }

  /** A phone writes; answers what the platform says to it. */
  send(sms: { from: string; text: string; to?: string; part?: Part }): Promise<number> {
    const { dataCoding, octets } = encodeText(sms.text);
    const whole = sms.part ? Buffer.concat([partHeader(sms.part), octets]) : octets;
    return this.#ask({
      ...carry(whole),
      source: { ton: 1, npi: 1, address: sms.from },
      destination: { ton: 0, npi: 0, address: sms.to ?? '111' },
      dataCoding,
      esmClass: sms.part ? UDH : 0,
    });
  }

  receipt(one: Pick<Taken, 'id' | 'to' | 'reference'>, word: string): Promise<number> {
    return this.#tell({ ...one, text: '', part: undefined, validity: '', wantsReceipt: true }, word);
  }

  #tell(one: Taken, word: string): Promise<number> {
    const { ids = 'same', bringsReference = true } = this.#settings;
    const written = {
      same: one.id,
      decimal: String(Number.parseInt(one.id, 16)),
      padded: one.id.padStart(10, '0'),
      parameter: 'x',
    };
    const text = `id:${written[ids]} sub:001 dlvrd:${word === 'DELIVRD' ? '001' : '000'} submit date:2611240905 done date:2611240906 stat:${word} err:000 text:`;
    const tlvs: Tlv[] = [];
    if (ids === 'parameter') tlvs.push({ tag: tags.receiptedMessageId, value: Buffer.from(`${one.id}\0`) });
    if (bringsReference && one.reference !== undefined) tlvs.push(twoOctets(tags.userMessageReference, one.reference));
    return this.#ask({
      source: { ton: 1, npi: 1, address: one.to },
      destination: { ton: 0, npi: 0, address: '111' },
      esmClass: 0x04,
      message: Buffer.from(text, 'latin1'),
      tlvs,
    });
  }

  /** Asks whoever is bound, and answers its status; nobody's status while nobody is. */
  #ask(fields: Partial<MessageFields> & Pick<MessageFields, 'source' | 'destination'>): Promise<number> {
    const bound = this.#bound[0];
    if (!bound) return Promise.resolve(-1);
    bound.sequence += 1;
    const { sequence } = bound;
    const { promise, resolve } = Promise.withResolvers<number>();
    bound.asked.set(sequence, resolve);
    bound.socket.once('close', () => resolve(-1));
    bound.socket.write(encodePdu({ command: 'deliver_sm', sequence, status: 0, ...message(fields) }));
    return promise;
  }

  #accept(socket: Socket): void {
    const frames = new FrameReader();
    const bound: Bound = { socket, sequence: 0, asked: new Map() };
    socket.setNoDelay(true);
    socket.setMaxListeners(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#bound = this.#bound.filter((one) => one !== bound);
    });
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk) ?? []) {
        const pdu = decodePdu(frame);
        if (!isBroken(pdu)) this.#take(bound, pdu);
      }
    });
  }

  #take(bound: Bound, pdu: Pdu): void {
    const answer = (body: Body, status: number = statuses.ok): void => {
      bound.socket.write(encodePdu({ ...body, sequence: pdu.sequence, status }));
    };
    switch (pdu.command) {
      case 'bind_transceiver':
        answer({ command: 'bind_transceiver_resp', systemId: 'centre', tlvs: [] });
        this.#bound.push(bound);
        return;
      case 'enquire_link':
        answer({ command: 'enquire_link_resp' });
        return;
      case 'unbind':
        answer({ command: 'unbind_resp' });
        return;
      case 'submit_sm':
        this.#submitted(bound, pdu, answer);
        return;
      case 'deliver_sm_resp':
        bound.asked.get(pdu.sequence)?.(pdu.status);
        bound.asked.delete(pdu.sequence);
        return;
      default:
        return;
    }
  }

  #submitted(
    { socket }: Bound,
    pdu: Extract<Pdu, { command: 'submit_sm' }>,
    answer: (body: Body, status?: number) => void,
  ): void {
    const { mood } = this;
    if (mood === 'ignore') return;
    if (typeof mood === 'number') {
      answer({ command: 'submit_sm_resp', messageId: undefined, tlvs: [] }, mood);
      return;
    }
    const id = (this.#next++).toString(16);
    const { octets, part } = readPart(pdu);
    const taken: Taken = {
      id,
      to: pdu.destination.address,
      text: decodeText(octets, pdu.dataCoding) ?? '',
      part,
      reference: numberOf(pdu.tlvs, tags.userMessageReference, 2),
      validity: pdu.validity,
      wantsReceipt: pdu.registeredDelivery === 1,
    };
    this.kept.set(id, taken);
    this.#settings.onTaken?.(taken);
    if (mood === 'hang_up') socket.destroy();
    else if (mood === 'take') answer({ command: 'submit_sm_resp', messageId: id, tlvs: [] });
    if (!this.#off.has(taken.to)) this.#deliver(taken);
  }

  #deliver(taken: Taken): void {
    this.kept.delete(taken.id);
    this.inbox.push(taken);
    this.#settings.onDelivered?.(taken);
    if (!taken.wantsReceipt || !this.givesReceipts) return;
    void this.#tell(taken, 'DELIVRD').then((status) => {
      if (status === statuses.ok) this.#settings.onAnswered?.(taken.id);
    });
  }
}
