import { connect, type Socket } from 'node:net';

export type HttpAnswer = { readonly status: number; readonly body: string };

type OnAnswer = (answer: HttpAnswer | Error) => void;
type Asked = { readonly request: string; readonly onAnswer: OnAnswer };

/**
 * Keep-alive connections to one port of this machine, one request at a time on each. Written on sockets because node:http costs
 * several times the processor time a request, which the server under test would then lack: both share the cores.
 * Understands what our server sends: a status line and a Content-Length.
 */
export class Lines {
  readonly #port: number;
  readonly #max: number;
  readonly #idle: Line[] = [];
  readonly #open = new Set<Line>();
  #queue: Asked[] = [];
  #next = 0;

  constructor(port: number, max: number) {
    this.#port = port;
    this.#max = max;
  }

  /** Sends when a connection is free. Whoever times this counts from before the call, so waiting for one is part of it. */
  ask(request: string, onAnswer: OnAnswer): void {
    const line = this.#idle.pop() ?? (this.#open.size < this.#max ? this.#connect() : undefined);
    if (line) line.ask({ request, onAnswer });
    else this.#queue.push({ request, onAnswer });
  }

  close(): void {
    for (const line of this.#open) line.close();
    for (const { onAnswer } of this.#queue.slice(this.#next)) onAnswer(new Error('not sent'));
    this.#queue = [];
    this.#next = 0;
  }

  #connect(): Line {
    const line = new Line(this.#port, {
      onFree: () => this.#serve(line),
      onClose: () => this.#forget(line),
    });
    this.#open.add(line);
    return line;
  }

  #serve(line: Line): void {
    const asked = this.#queue[this.#next];
    if (!asked) {
      this.#queue = [];
      this.#next = 0;
      this.#idle.push(line);
      return;
    }
    this.#next += 1;
    line.ask(asked);
  }

  #forget(line: Line): void {
    this.#open.delete(line);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;

class Line {
  readonly #socket: Socket;
  readonly #onFree: () => void;
  #onAnswer: OnAnswer | undefined;
  #received = '';
  #closed = false;

  constructor(port: number, on: { onFree: () => void; onClose: () => void }) {
    this.#onFree = on.onFree;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    // One byte one character: lengths are counted in bytes. Callers read ASCII alone.
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#receive(text));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#closed = true;
      on.onClose();
      this.#answer(new Error('connection closed'));
    });
  }

  ask({ request, onAnswer }: Asked): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const status = Number(head.slice(9, 12));
    const from = headEnd + HEAD_END.length;
    const length = status === 204 ? 0 : Number(LENGTH.exec(head)?.[1]);
    if (Number.isNaN(length)) {
      this.close();
      return;
    }
    if (this.#received.length < from + length) return;
    const body = this.#received.slice(from, from + length);
    this.#received = '';
    this.#answer({ status, body });
    if (!this.#closed) this.#onFree();
  }

  #answer(answer: HttpAnswer | Error): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(answer);
  }
}
