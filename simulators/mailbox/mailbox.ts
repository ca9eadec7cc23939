import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { openJournal } from '../wire/journal.ts';
import { type Html, html, page } from '../wire/page.ts';
import { ControlError, json, jsonOf, startServer } from '../wire/server.ts';

/**
 * A post office and everybody's letter box: takes letters over SMTP and shows them on a page. `POST /_control` with `{ "mode": … }`: `normal`; `later` takes
 * no letter for now (451); `refuse` never takes one (550); `silent` takes it and breaks off before it says so.
 */
const modes = ['normal', 'later', 'refuse', 'silent'] as const;

export type MailboxMode = (typeof modes)[number];

export type Letter = { readonly to: string; readonly id: string; readonly subject: string; readonly text: string };

export type MailboxSettings = {
  readonly port?: number | undefined;
  readonly smtpPort?: number | undefined;
  /** JSON lines: letters outlive a restart. */
  readonly journal?: string | undefined;
};

export type Mailbox = {
  /** Where the letters can be read. */
  readonly url: string;
  readonly smtpPort: number;
  letters(): Letter[];
  set(mode: MailboxMode): void;
  close(): Promise<void>;
};

const LETTERS_KEPT = 200;

export async function startMailbox(settings: MailboxSettings = {}): Promise<Mailbox> {
  const shelf = openJournal(settings.journal).shelf<Letter>('letter');
  let mode: MailboxMode = 'normal';
  let no = shelf.values().length;
  const keep = (letter: Letter): void => {
    shelf.put(String(no), letter);
    shelf.remove(String(no - LETTERS_KEPT));
    no += 1;
  };
  const smtp = await startSmtp({ port: settings.smtpPort ?? 0, mode: () => mode, keep });
  const set = (next: MailboxMode): void => {
    mode = next;
  };
  const server = await startServer({
    port: settings.port,
    routes: {
      'GET /': () => shown(shelf.values().reverse()),
      'GET /_control': () => json(200, { mode, letters: shelf.values() }),
      'POST /_control': ({ body }) => {
        const { mode: wanted, ...rest } = jsonOf(body);
        if (Object.keys(rest).length > 0) throw new ControlError(`nothing is called ${Object.keys(rest).join(', ')}`);
        const found = modes.find((one) => one === wanted);
        if (found === undefined) throw new ControlError(`a mode is one of ${modes.join(', ')}`);
        set(found);
        return json(200, { mode });
      },
    },
  });
  return {
    url: server.url,
    smtpPort: smtp.port,
    letters: () => shelf.values(),
    set,
    async close() {
      await smtp.close();
      await server.close();
    },
  };
}

type Office = { readonly port: number; readonly mode: () => MailboxMode; readonly keep: (letter: Letter) => void };

async function startSmtp({ port, mode, keep }: Office): Promise<{ port: number; close(): Promise<void> }> {
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, done) {
      read(stream)
        .then(async (raw) => {
          const parsed = await PostalMime.parse(raw);
          const answer = mode();
          if (answer === 'later') return done(refusal(451, 'Not now'));
          if (answer === 'refuse') return done(refusal(550, 'No such letter box'));
          for (const { address } of session.envelope.rcptTo)
            keep({
              to: address,
              id: parsed.messageId ?? '',
              subject: parsed.subject ?? '',
              text: (parsed.text ?? '').replace(/\r\n/g, '\n').trim(),
            });
          return answer === 'silent' ? done(refusal(421, 'Gone before the answer')) : done();
        })
        .catch(() => done(refusal(451, 'Could not be read')));
    },
  });
  // A client that breaks off is nothing to end for.
  smtp.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    smtp.server.once('error', reject);
    smtp.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (smtp.server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function shown(letters: readonly Letter[]) {
  return page({
    language: 'en',
    title: 'Letter box',
    notice: 'Simulator: these letters were sent to nobody.',
    body: html`${letters.length === 0 ? html`<p>No letters yet.</p>` : undefined}${letters.map(card)}`,
  });
}

function card({ to, subject, text }: Letter): Html {
  return html`<article class="card"><h1>${to}</h1><p><strong>${subject}</strong></p>${text
    .split('\n')
    .map((line) => html`<p>${line}</p>`)}</article>`;
}
