import {
  decodeText,
  type MessageFields,
  message,
  type Part,
  partHeader,
  readPart,
  splitText,
  tags,
  UDH,
} from '../../src/wire/smpp/index.ts';
import type { Journal, Shelf } from '../wire/journal.ts';

/** A message on its way to a phone, or on it. */
export type Kept = {
  readonly id: string;
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly part: Part | null;
  readonly reference: number | null;
  readonly wantsReceipt: boolean;
  readonly expiresAt: number;
  readonly state: 'waiting' | 'delivered' | 'expired';
  readonly at: number;
  /** Whether the sender has taken the receipt. */
  readonly isTold: boolean;
};

/** How receipts are written: centres differ. */
export type ReceiptForm = { readonly id: 'same' | 'decimal'; readonly tlvs: boolean };

export type MessagesDeps = {
  readonly journal: Journal;
  readonly form: ReceiptForm;
  readonly now: () => number;
  readonly deliver: (fields: MessageFields) => Promise<number | undefined>;
};

const RECEIPT = 0x04;
const RETRY_MS = 1_000;
const FIRST = 0x1f00;
/** Receipts on their way at once. */
const WINDOW = 50;
const VALID_MS = 24 * 3_600_000;

/** Text messages: kept until the phone is on, or until they are too old; then a receipt, until the sender has taken it. */
export class Messages {
  readonly #deps: MessagesDeps;
  readonly #messages: Shelf<Kept>;
  readonly #off: Shelf<boolean>;
  readonly #telling = new Set<string>();
  readonly #owed = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #count: number;

  constructor(deps: MessagesDeps) {
    this.#deps = deps;
    this.#messages = deps.journal.shelf('message');
    this.#off = deps.journal.shelf('off');
    this.#count = this.#messages.values().reduce((max, { number }) => Math.max(max, number), FIRST);
    this.#timer = setInterval(() => this.#round(), RETRY_MS);
  }

  take(fields: MessageFields): string {
    this.#count += 1;
    const { octets, part } = readPart(fields);
    const id = this.#count.toString(16);
    const reference = fields.tlvs.find(({ tag }) => tag === tags.userMessageReference)?.value;
    this.#messages.put(id, {
      id,
      number: this.#count,
      from: fields.source.address,
      to: fields.destination.address,
      text: decodeText(octets, fields.dataCoding) ?? '?',
      part: part ?? null,
      reference: reference ? Buffer.from(reference).readUInt16BE(0) : null,
      wantsReceipt: (fields.registeredDelivery & 1) === 1,
      expiresAt: this.#deps.now() + validMs(fields.validity),
      state: 'waiting',
      at: this.#deps.now(),
      isTold: false,
    });
    setImmediate(() => this.#settle(id));
    return id;
  }

  /** Messages of one phone, the oldest first; those that wait for it included when asked for. */
  of(msisdn: string): Kept[] {
    return this.#messages.select(({ to }) => to === msisdn);
  }

  /** Since the first start. */
  get count(): number {
    return this.#count - FIRST;
  }

  turn(msisdn: string, isOn: boolean): void {
    if (isOn) this.#off.remove(msisdn);
    else this.#off.put(msisdn, true);
    this.#round();
  }

  /** A message of a phone, in as many parts as it takes; the statuses they were answered with. */
  async send(from: string, { to, text }: { to: string; text: string }): Promise<(number | undefined)[]> {
    const parts = splitText(text) ?? [];
    this.#count += 1;
    const reference = this.#count & 0xff;
    const answers = [];
    for (const [index, { octets, dataCoding }] of parts.entries()) {
      const isLong = parts.length > 1;
      const header = partHeader({ reference, total: parts.length, number: index + 1 });
      const fields = message({
        source: { ton: 1, npi: 1, address: from },
        destination: { ton: 0, npi: 1, address: to },
        esmClass: isLong ? UDH : 0,
        dataCoding,
        message: isLong ? Buffer.concat([header, octets]) : octets,
      });
      answers.push(await this.#deps.deliver(fields));
    }
    return answers;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    for (const { id } of this.#messages.select(
      ({ state, wantsReceipt, isTold }) => state === 'waiting' || (wantsReceipt && !isTold),
    ))
      this.#settle(id);
  }

  #settle(id: string): void {
    const kept = this.#messages.get(id);
    if (!kept) return;
    const at = this.#deps.now();
    if (kept.state === 'waiting' && at >= kept.expiresAt) this.#messages.put(id, { ...kept, state: 'expired', at });
    else if (kept.state === 'waiting' && !this.#off.get(kept.to))
      this.#messages.put(id, { ...kept, state: 'delivered', at });
    if (kept.wantsReceipt) this.#owed.add(id);
    this.#pump();
  }

  /** A receipt that nobody took is owed again at the next round. */
  #pump(): void {
    for (const id of this.#owed) {
      if (this.#telling.size >= WINDOW) return;
      this.#owed.delete(id);
      const kept = this.#messages.get(id);
      if (kept && kept.state !== 'waiting' && !kept.isTold && !this.#telling.has(id)) void this.#tell(kept);
    }
  }

  async #tell(kept: Kept): Promise<void> {
    this.#telling.add(kept.id);
    const status = await this.#deps.deliver(receiptOf(kept, this.#deps.form));
    if (status === 0) this.#messages.put(kept.id, { ...kept, isTold: true });
    this.#telling.delete(kept.id);
    if (status === 0) this.#pump();
  }
}

const words = { delivered: 'DELIVRD', expired: 'EXPIRED', waiting: 'ACCEPTD' } as const;
const numbers = { delivered: 2, expired: 3, waiting: 6 } as const;

/** SMPP 3.4, Appendix B. */
function receiptOf(kept: Kept, form: ReceiptForm): MessageFields {
  const id = form.id === 'decimal' ? String(kept.number).padStart(10, '0') : kept.id;
  const day = new Date(kept.at).toISOString().slice(2, 16).replace(/\D/g, '');
  const done = kept.state === 'delivered' ? '001' : '000';
  const text = `id:${id} sub:001 dlvrd:${done} submit date:${day} done date:${day} stat:${words[kept.state]} err:000 text:`;
  const named = { tag: tags.receiptedMessageId, value: Buffer.from(`${kept.id}\0`) };
  const state = { tag: tags.messageState, value: Uint8Array.of(numbers[kept.state]) };
  return message({
    source: { ton: 1, npi: 1, address: kept.to },
    destination: { ton: 0, npi: 1, address: kept.from },
    esmClass: RECEIPT,
    message: Buffer.from(text),
    tlvs: form.tlvs ? [named, state] : [],
  });
}

/** A relative time, `000003000000000R`; a day where nothing is said. */
function validMs(validity: string): number {
  const match = /^00(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)000R$/.exec(validity);
  if (!match) return VALID_MS;
  const [months = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number);
  return ((((months * 30 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
}
