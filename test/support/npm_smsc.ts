import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type PDU, type Session } from 'smpp';
import { decodeGsm7, encodeGsm7 } from '../../src/base/gsm7.ts';

/** Longer than any screen takes: whoever sees none by then dials again. */
const SCREEN_MS = 5_000;

export type Screen = { readonly text: string; readonly operation: number | undefined; readonly session: string };

/** A USSD gateway on npm's smpp, which shares no line with ours. What it does wrongly is counted down. */
export class NpmSmsc {
  refuse = 0;
  throttle = 0;
  loseAnswers = 0;
  silent = false;
  halfOpen = false;
  binds = 0;
  enquired = 0;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #screens = new Map<string, (screen: Screen) => void>();
  #bound: Session | undefined;

  constructor(tls: { key?: string; cert?: string } = {}) {
    this.#server = createServer(tls, (session) => this.#take(session));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve()));
  }

  close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  drop(): void {
    for (const session of this.#sessions) session.destroy();
  }

  write(octets: Buffer): void {
    this.#bound?.socket.write(octets);
  }

  /** One step of a dialogue, sent again where there is no link or it was asked to wait; the screen that follows, if one does. */
  async step(
    number: string,
    { operation, session, text }: { operation: number; session: Buffer; text: string },
  ): Promise<Screen | undefined> {
    const shown = new Promise<Screen>((resolve) => this.#screens.set(number, resolve));
    const fields = {
      service_type: 'USSD',
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: number,
      dest_addr_npi: 1,
      destination_addr: '111',
      data_coding: 0,
      short_message: Buffer.from(encodeGsm7(text) ?? []),
      ussd_service_op: operation,
      its_session_info: session,
    };
    for (;;) {
      const status = await Promise.race([this.#deliver(fields), delay(2_000, -1, { ref: false })]);
      if (status === 0) return Promise.race([shown, delay(SCREEN_MS, undefined, { ref: false })]);
      await delay(20);
    }
  }

  #deliver(fields: Readonly<Record<string, unknown>>): Promise<number> {
    return new Promise((resolve) => {
      if (!this.#bound?.deliver_sm(fields, (answer) => resolve(answer.command_status))) resolve(-1);
    });
  }

  #take(session: Session): void {
    this.#sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => {
      this.#sessions.delete(session);
      if (this.#bound === session) this.#bound = undefined;
    });
    if (this.halfOpen) return;
    session.on('bind_transceiver', (pdu: PDU) => this.#bind(session, pdu));
    session.on('enquire_link', (pdu: PDU) => {
      this.enquired += 1;
      if (!this.silent) session.send(pdu.response());
    });
    session.on('submit_sm', (pdu: PDU) => this.#submitted(session, pdu));
    session.on('unbind', (pdu: PDU) => session.send(pdu.response()));
  }

  #bind(session: Session, pdu: PDU): void {
    if (this.refuse > 0) {
      this.refuse -= 1;
      session.send(pdu.response({ command_status: 0x0d }));
      return;
    }
    const isKnown = pdu.system_id === 'sapar' && pdu.password === 'secret';
    session.send(pdu.response({ command_status: isKnown ? 0 : 0x0e }));
    if (isKnown) {
      this.binds += 1;
      this.#bound = session;
    }
  }

  #submitted(session: Session, pdu: PDU): void {
    if (this.throttle > 0) {
      this.throttle -= 1;
      session.send(pdu.response({ command_status: 0x58 }));
      return;
    }
    const text = textOf(pdu);
    if (this.loseAnswers > 0) this.loseAnswers -= 1;
    else session.send(pdu.response({ message_id: `n${pdu.sequence_number}` }));
    const show = this.#screens.get(pdu.destination_addr);
    this.#screens.delete(pdu.destination_addr);
    show?.({ text, operation: pdu.ussd_service_op, session: pdu.its_session_info?.toString('hex') ?? '' });
  }
}

/** This peer decodes UCS-2 itself; its default alphabet is another one than the standard's. */
function textOf({ data_coding, short_message, message_payload }: PDU): string {
  const { message } = message_payload ?? short_message;
  if (typeof message === 'string') return message;
  return data_coding === 8 ? Buffer.from(message).swap16().toString('utf16le') : decodeGsm7(message);
}
