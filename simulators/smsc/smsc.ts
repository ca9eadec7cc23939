import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type MessageFields, statuses, tags } from '../../src/wire/smpp/index.ts';
import { openJournal } from '../wire/journal.ts';
import { ControlError, json, jsonOf, type Routes, startServer } from '../wire/server.ts';
import { Connection } from './connection.ts';
import { type Dialect, Dialogues, type Screen } from './dialogues.ts';
import { type Deed, good, type Manners, readManners } from './manners.ts';
import { Messages, type ReceiptForm } from './messages.ts';

export type SmscSettings = {
  /** Of SMPP. 0 or nothing: any free port. */
  readonly port?: number | undefined;
  /** Of the control address, for phones and for misbehaviour. */
  readonly controlPort?: number | undefined;
  readonly systemId: string;
  readonly password: string;
  /** What phones dial to come here, without star and hash. */
  readonly code?: string;
  readonly dialect?: Dialect | undefined;
  readonly receipts?: Partial<ReceiptForm>;
  /** Messages and receipts outlive the process in it. */
  readonly journal?: string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
};

export type Smsc = { readonly port: number; readonly url: string; close(): Promise<void> };

/** An SMS centre with a USSD gateway, as operators run them: an SMPP 3.4 server, and the phones behind it by its control address. */
export async function startSmsc(settings: SmscSettings): Promise<Smsc> {
  let manners: Manners = { ...good };
  const connections = new Set<Connection>();
  let turn = 0;
  /** To one bind after the other, as centres do. */
  const deliver = async (fields: MessageFields): Promise<number | undefined> => {
    const takers = [...connections].filter(({ takesMessages }) => takesMessages);
    turn += 1;
    return takers[turn % takers.length]?.deliver(fields);
  };
  const dialogues = new Dialogues(settings.dialect ?? 'default', deliver);
  const messages = new Messages({
    journal: openJournal(settings.journal),
    form: { id: 'same', tlvs: true, ...settings.receipts },
    now: () => Date.now(),
    deliver,
  });
  const connect = (socket: Socket): void => {
    const connection: Connection = new Connection(socket, {
      manners: () => manners,
      knows: (systemId, password) => systemId === settings.systemId && password === settings.password,
      submitted: (fields) => submitted(fields, dialogues, messages),
      bound: () => undefined,
      closed: () => connections.delete(connection),
    });
    connections.add(connection);
  };
  const server = settings.tls ? createTlsServer(settings.tls, connect) : createServer(connect);
  const control = await startServer({
    port: settings.controlPort,
    routes: {
      'GET /_control': () => json(200, stateOf(manners, { connections, messages })),
      'POST /_control': ({ body }) => {
        const asked = readManners(jsonOf(body));
        manners = asked.manners;
        if (asked.now) for (const connection of connections) commit(asked.now, connection);
        return json(200, stateOf(manners, { connections, messages }));
      },
      ...phoneRoutes({ dialogues, messages, code: settings.code ?? '111' }),
    },
  });
  try {
    await listen(server, settings.port ?? 0);
  } catch (error) {
    messages.close();
    await control.close();
    throw error;
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    url: control.url,
    async close() {
      messages.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.drop();
      await Promise.all([closed, control.close()]);
    },
  };
}

function submitted(
  fields: MessageFields,
  dialogues: Dialogues,
  messages: Messages,
): { status: number; messageId: string | undefined } {
  if (!fields.tlvs.some(({ tag }) => tag === tags.ussdServiceOp)) {
    return { status: statuses.ok, messageId: messages.take(fields) };
  }
  return dialogues.take(fields)
    ? { status: statuses.ok, messageId: 'ussd' }
    : { status: statuses.submitFailed, messageId: undefined };
}

function commit(deed: Deed, connection: Connection): void {
  switch (deed) {
    case 'drop':
      connection.drop();
      return;
    case 'garbage':
      // A frame that is whole, with a message that is not.
      connection.write(Buffer.from('000000150000000500000000000000770100000000', 'hex'));
      return;
    case 'nonsense':
      connection.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return;
    case 'unbind':
      void connection.unbind();
  }
}

type State = { readonly connections: ReadonlySet<Connection>; readonly messages: Messages };

function stateOf(manners: Manners, { connections, messages }: State): unknown {
  const binds = [...connections].filter(({ role }) => role).map(({ role, systemId }) => ({ role, systemId }));
  return { ...manners, connections: connections.size, binds, messages: messages.count };
}

type Phones = { readonly dialogues: Dialogues; readonly messages: Messages; readonly code: string };

/** What people do with their phones, and see there. */
function phoneRoutes({ dialogues, messages, code }: Phones): Routes {
  const shown = (screen: Screen) =>
    screen.kind === 'screen' ? json(200, { text: screen.text, end: screen.end }) : json(504, { error: screen.why });
  return {
    'POST /phones/:msisdn/dial': async ({ params, body }) =>
      shown(await dialogues.dial(params.msisdn ?? '', { text: textIn(body), code })),
    'POST /phones/:msisdn/answer': async ({ params, body }) =>
      shown(await dialogues.answer(params.msisdn ?? '', textIn(body))),
    'POST /phones/:msisdn/hangup': async ({ params }) => {
      await dialogues.hangUp(params.msisdn ?? '');
      return json(200, {});
    },
    'POST /phones/:msisdn/sms': async ({ params, body }) => {
      const { to } = jsonOf(body);
      const answers = await messages.send(params.msisdn ?? '', { to: String(to ?? code), text: textIn(body) });
      return json(200, { answers: answers.map((status) => status ?? null) });
    },
    'POST /phones/:msisdn/on': ({ params }) => {
      messages.turn(params.msisdn ?? '', true);
      return json(200, {});
    },
    'POST /phones/:msisdn/off': ({ params }) => {
      messages.turn(params.msisdn ?? '', false);
      return json(200, {});
    },
    'GET /phones/:msisdn/inbox': ({ params }) =>
      json(
        200,
        messages.of(params.msisdn ?? '').filter(({ state }) => state === 'delivered'),
      ),
    'GET /phones/:msisdn/sms': ({ params }) => json(200, messages.of(params.msisdn ?? '')),
  };
}

function textIn(body: Buffer): string {
  const { text } = jsonOf(body);
  if (typeof text !== 'string') throw new ControlError('text is missing');
  return text;
}

function listen(server: NetServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
