import {
  decodeText,
  encodeText,
  type MessageFields,
  message,
  numberOf,
  octet,
  octetsOf,
  type Tlv,
  tags,
  twoOctets,
} from '../../src/wire/smpp/index.ts';

/** How dialogues are named and ended on the wire. */
export const dialects = ['default', 'tata', '6d', 'mica', 'huawei'] as const;
export type Dialect = (typeof dialects)[number];

/** What a phone shows, or why it shows nothing. `end` closes the dialogue. */
export type Screen =
  | { readonly kind: 'screen'; readonly text: string; readonly end: boolean }
  | { readonly kind: 'failed'; readonly why: string };

type Dialogue = {
  readonly msisdn: string;
  readonly code: string;
  readonly session: number;
  step: number;
  show: ((screen: Screen) => void) | undefined;
};

type Deliver = (fields: MessageFields) => Promise<number | undefined>;

const SCREEN_MS = 30_000;
const BEGIN = 1;
const ANSWER = 18;
const ABORT = 0x81;

/** USSD dialogues of phones, one a number, as a gateway carries them over SMPP. */
export class Dialogues {
  readonly #dialect: Dialect;
  readonly #deliver: Deliver;
  readonly #dialogues = new Map<string, Dialogue>();
  #begun = 0;

  constructor(dialect: Dialect, deliver: Deliver) {
    this.#dialect = dialect;
    this.#deliver = deliver;
  }

  /** Dials; what was under way on this phone is over. */
  dial(msisdn: string, { text, code }: { text: string; code: string }): Promise<Screen> {
    this.#begun = (this.#begun + 1) % 0x7f00;
    const dialogue = { msisdn, code, session: this.#begun, step: 0, show: undefined };
    this.#dialogues.set(msisdn, dialogue);
    return this.#say(dialogue, BEGIN, text);
  }

  answer(msisdn: string, text: string): Promise<Screen> {
    const dialogue = this.#dialogues.get(msisdn);
    if (!dialogue) return Promise.resolve({ kind: 'failed', why: 'no dialogue' });
    dialogue.step += 1;
    return this.#say(dialogue, ANSWER, text);
  }

  async hangUp(msisdn: string): Promise<void> {
    const dialogue = this.#dialogues.get(msisdn);
    this.#dialogues.delete(msisdn);
    if (dialogue) await this.#deliver(this.#fields(dialogue, ABORT, ''));
  }

  /** A screen of the other side; false where no phone has such a dialogue. */
  take(fields: MessageFields): boolean {
    const dialogue = this.#dialogues.get(fields.destination.address);
    if (!dialogue || !this.#fits(dialogue, fields.tlvs)) return false;
    const text = decodeText(octetsOf(fields), fields.dataCoding) ?? '?';
    const end = this.#isEnd(fields.tlvs);
    if (end) this.#dialogues.delete(dialogue.msisdn);
    dialogue.show?.({ kind: 'screen', text, end });
    return true;
  }

  #say(dialogue: Dialogue, operation: number, text: string): Promise<Screen> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => show({ kind: 'failed', why: 'no screen came' }), SCREEN_MS);
      const show = (screen: Screen): void => {
        clearTimeout(timer);
        dialogue.show = undefined;
        resolve(screen);
      };
      dialogue.show = show;
      void this.#deliver(this.#fields(dialogue, operation, text)).then((status) => {
        // No answer says nothing: the screen may still come.
        if (status !== undefined && status !== 0) show({ kind: 'failed', why: `status ${status}` });
      });
    });
  }

  #fields(dialogue: Dialogue, operation: number, text: string): MessageFields {
    const { octets, dataCoding } = encodeText(text);
    return message({
      serviceType: 'USSD',
      source: { ton: 1, npi: 1, address: dialogue.msisdn },
      destination: { ton: 0, npi: 1, address: dialogue.code },
      dataCoding,
      message: octets,
      tlvs: [octet(tags.ussdServiceOp, operation), ...this.#nameOf(dialogue)],
    });
  }

  #nameOf({ session, step }: Dialogue): Tlv[] {
    switch (this.#dialect) {
      case 'default':
        return [twoOctets(tags.itsSessionInfo, ((session & 0xff) << 8) | ((step & 0x7f) << 1))];
      case 'tata':
      case '6d':
        return [twoOctets(tags.itsSessionInfo, session << 1)];
      case 'mica':
        return [twoOctets(tags.userMessageReference, session)];
      case 'huawei':
        return [];
    }
  }

  #fits(dialogue: Dialogue, tlvs: readonly Tlv[]): boolean {
    return this.#nameOf(dialogue).every(({ tag, value }) => {
      const own = numberOf([{ tag, value }], tag, 2) ?? 0;
      const given = numberOf(tlvs, tag, 2) ?? 0;
      return tag === tags.itsSessionInfo ? own >> 1 === given >> 1 : own === given;
    });
  }

  #isEnd(tlvs: readonly Tlv[]): boolean {
    const operation = numberOf(tlvs, tags.ussdServiceOp, 1);
    const info = numberOf(tlvs, tags.itsSessionInfo, 2) ?? 0;
    if (this.#dialect === 'tata') return (info & 1) === 1;
    return operation === (this.#dialect === '6d' ? 0x17 : 17);
  }
}
