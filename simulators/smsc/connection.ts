import type { Socket } from 'node:net';
import {
  type Body,
  decodePdu,
  encodePdu,
  FrameReader,
  isBroken,
  type MessageFields,
  type Pdu,
  refusalOf,
  statuses,
} from '../../src/wire/smpp/index.ts';
import type { Manners } from './manners.ts';

/** What a bind is for. */
type Role = 'receiver' | 'transmitter' | 'transceiver';

export type ConnectionHandlers = {
  manners(): Manners;
  /** Whether this name and password may bind. */
  knows(systemId: string, password: string): boolean;
  /** A message of the other side, and what it is answered with. */
  submitted(fields: MessageFields): { status: number; messageId: string | undefined };
  bound(): void;
  closed(): void;
};

const ANSWER_MS = 10_000;

/** One connection of an ESME to this SMSC. */
export class Connection {
  role: Role | undefined;
  systemId = '';
  readonly #socket: Socket;
  readonly #handlers: ConnectionHandlers;
  readonly #frames = new FrameReader();
  readonly #asked = new Map<number, (status: number | undefined) => void>();
  #sequence = 0;
  /** Taken while it was half open, and so for ever. */
  readonly #isDeaf: boolean;

  constructor(socket: Socket, handlers: ConnectionHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#isDeaf = handlers.manners().halfOpen;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const settle of this.#asked.values()) settle(undefined);
      handlers.closed();
    });
  }

  get takesMessages(): boolean {
    return this.role === 'transceiver' || this.role === 'receiver';
  }

  /** The status of the answer; undefined when none came. */
  deliver(fields: MessageFields): Promise<number | undefined> {
    if (this.#handlers.manners().repeat) void this.#request({ command: 'deliver_sm', ...fields });
    return this.#request({ command: 'deliver_sm', ...fields });
  }

  async unbind(): Promise<void> {
    await this.#request({ command: 'unbind' });
    this.#socket.end();
  }

  write(octets: Buffer): void {
    this.#socket.write(octets);
  }

  drop(): void {
    this.#socket.destroy();
  }

  #request(body: Body): Promise<number | undefined> {
    this.#sequence += 1;
    const sequence = this.#sequence;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), ANSWER_MS);
      const settle = (status: number | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(sequence);
        resolve(status);
      };
      this.#asked.set(sequence, settle);
      this.#socket.write(encodePdu({ sequence, status: 0, ...body }));
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#isDeaf) return;
    const frames = this.#frames.push(chunk);
    for (const frame of frames ?? []) this.#take(decodePdu(frame));
    if (!frames) this.#socket.destroy();
  }

  #take(pdu: ReturnType<typeof decodePdu>): void {
    if (isBroken(pdu)) {
      this.#socket.write(refusalOf(pdu));
      return;
    }
    switch (pdu.command) {
      case 'bind_receiver':
      case 'bind_transmitter':
      case 'bind_transceiver':
        this.#bind(pdu);
        return;
      case 'enquire_link':
        if (!this.#handlers.manners().silent) this.#answer({ ...pdu, command: 'enquire_link_resp' });
        return;
      case 'submit_sm':
        this.#submitted(pdu);
        return;
      case 'unbind':
        this.#answer({ ...pdu, command: 'unbind_resp' });
        this.role = undefined;
        this.#socket.end();
        return;
      case 'deliver_sm_resp':
      case 'unbind_resp':
      case 'generic_nack':
        this.#asked.get(pdu.sequence)?.(pdu.status);
        return;
      default:
        this.#socket.write(refusalOf({ id: 0, sequence: pdu.sequence, status: statuses.invalidCommand }));
    }
  }

  #bind(pdu: Extract<Pdu, { command: `bind_${Role}` }>): void {
    const manners = this.#handlers.manners();
    const { sequence, command, systemId, password } = pdu;
    const answer = { command: `${command}_resp`, sequence, tlvs: [] } as const;
    if (manners.refuseBinds > 0) {
      manners.refuseBinds -= 1;
      this.#answer({ ...answer, status: manners.bindStatus, systemId: undefined });
      return;
    }
    if (!this.#handlers.knows(systemId, password)) {
      this.#answer({ ...answer, status: statuses.invalidPassword, systemId: undefined });
      return;
    }
    this.role = roles[command];
    this.systemId = systemId;
    this.#answer({ ...answer, status: statuses.ok, systemId: 'SMSC' });
    this.#handlers.bound();
  }

  #submitted({ sequence, ...fields }: Extract<Pdu, { command: 'submit_sm' }>): void {
    const manners = this.#handlers.manners();
    const answer = { command: 'submit_sm_resp', sequence, tlvs: [] } as const;
    if (this.role !== 'transceiver' && this.role !== 'transmitter') {
      this.#answer({ ...answer, status: statuses.invalidBindState, messageId: undefined });
    } else if (manners.throttle > 0) {
      manners.throttle -= 1;
      this.#answer({ ...answer, status: statuses.throttled, messageId: undefined });
    } else if (manners.refuse > 0) {
      manners.refuse -= 1;
      this.#answer({ ...answer, status: manners.refuseStatus, messageId: undefined });
    } else {
      const taken = this.#handlers.submitted(fields);
      if (manners.loseAnswers > 0) manners.loseAnswers -= 1;
      else if (manners.garble > 0) {
        manners.garble -= 1;
        this.#later(() => this.#socket.write(garbledAnswer(sequence)));
      } else this.#answer({ ...answer, ...taken });
    }
  }

  #answer(pdu: Pdu): void {
    this.#later(() => this.#socket.write(encodePdu(pdu)));
  }

  #later(work: () => void): void {
    const { delayMs } = this.#handlers.manners();
    if (delayMs > 0) setTimeout(work, delayMs);
    else work();
  }
}

const roles = {
  bind_receiver: 'receiver',
  bind_transmitter: 'transmitter',
  bind_transceiver: 'transceiver',
} as const;

/** A submit_sm_resp whose text has no end. */
function garbledAnswer(sequence: number): Buffer {
  const octets = Buffer.alloc(16 + 3, 0x41);
  octets.writeUInt32BE(octets.length, 0);
  octets.writeUInt32BE(0x80000004, 4);
  octets.writeUInt32BE(0, 8);
  octets.writeUInt32BE(sequence, 12);
  return octets;
}
