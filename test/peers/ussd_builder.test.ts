import assert from 'node:assert/strict';
import { test } from 'node:test';
import UssdMenu from 'ussd-builder';
import { steppedClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { loadCatalogue } from '../../src/catalogue/index.ts';
import { type HttpProtocolName, openHttpGateway, ussdGateway } from '../../src/channels/ussd/index.ts';

// The package ussd-builder serves the same aggregators: for one message it has to understand the same, and for one screen to reply the same.

/** What its own types leave out: they know two of its aggregators. */
type Menu = {
  readonly args: Readonly<Record<'sessionId' | 'phoneNumber' | 'text', string>>;
  sessionConfig(config: object): void;
  startState(options: { run: () => void }): void;
  con(text: string): void;
  end(text: string): void;
  run(message: object): Promise<unknown>;
};
const Menu = UssdMenu as unknown as new (options: { provider: string }) => Menu;

const catalogue = loadCatalogue('data/kz');

type Understood = { readonly session: string; readonly msisdn: string; readonly text: string };

/** Our reply to a message when the platform would show this screen, and what it was asked. */
async function ours(protocol: HttpProtocolName, message: object, screen: { text: string; end: boolean }) {
  const asked: Understood[] = [];
  const gateway = openHttpGateway({
    engine: {
      async step({ session, msisdn, input }) {
        asked.push({ session, msisdn, text: input.kind === 'last' ? input.text : input.path });
        return screen;
      },
    },
    clock: steppedClock(new Date('2026-11-05T09:05:00Z')),
    protocol,
    gateway: ussdGateway({ id: protocol, operator: catalogue.parseOperator('kcell'), language: 'en' }),
    secrets: [new Secret('an-aggregators-secret-0123456789')],
    codes: ['*714#'],
  });
  const reply = await gateway.take(message);
  return { reply, asked: asked[0] };
}

/** The same of the package. */
async function theirs(provider: HttpProtocolName, message: object, screen: { text: string; end: boolean }) {
  const menu = new Menu({ provider });
  const kept = new Map<string, unknown>();
  menu.sessionConfig({
    start: async () => undefined,
    end: async () => undefined,
    set: async (_: string, key: string, value: unknown) => kept.set(key, value),
    get: async (_: string, key: string) => kept.get(key),
  });
  menu.startState({ run: () => (screen.end ? menu.end(screen.text) : menu.con(screen.text)) });
  const reply = await menu.run({ ...message });
  return { reply, args: menu.args };
}

const number = '77011234567';
const messages: { protocol: HttpProtocolName; name: string; message: object; text: string }[] = [
  {
    protocol: 'hubtel',
    name: 'a code dialled',
    message: {
      SessionId: '7e67',
      Mobile: number,
      ServiceCode: '714',
      Operator: 'kcell',
      Type: 'Initiation',
      Message: '*714#',
      Sequence: 1,
      ClientState: '',
    },
    text: '',
  },
  {
    protocol: 'hubtel',
    name: 'a code dialled with something behind it',
    message: {
      SessionId: '7e67',
      Mobile: number,
      ServiceCode: '714',
      Operator: 'kcell',
      Type: 'Initiation',
      Message: '*714*3*100#',
      Sequence: 1,
      ClientState: '',
    },
    text: '3*100',
  },
  {
    protocol: 'hubtel',
    name: 'an answer',
    message: {
      SessionId: '7e67',
      Mobile: number,
      ServiceCode: '714',
      Operator: 'kcell',
      Type: 'Response',
      Message: '2',
      Sequence: 2,
      ClientState: '',
    },
    text: '2',
  },
  {
    protocol: 'nalo',
    name: 'an answer',
    message: { USERID: 'NALOTest', MSISDN: number, USERDATA: '2', MSGTYPE: false, NETWORK: 'KCELL', SESSIONID: '16' },
    text: '2',
  },
  {
    protocol: 'arkesel',
    name: 'a code dialled',
    message: {
      sessionID: 'a1',
      userID: 'USSD_1',
      newSession: true,
      msisdn: number,
      userData: '*714#',
      network: 'KCELL',
    },
    text: '',
  },
  {
    protocol: 'arkesel',
    name: 'an answer',
    message: { sessionID: 'a1', userID: 'USSD_1', newSession: false, msisdn: number, userData: '2', network: 'KCELL' },
    text: '2',
  },
  {
    protocol: 'beem',
    name: 'a code dialled',
    message: {
      command: 'initiate',
      msisdn: number,
      session_id: 'b1',
      operator: 'kcell',
      payload: { request_id: 0, response: 0 },
    },
    text: '',
  },
  {
    protocol: 'beem',
    name: 'an answer',
    message: {
      command: 'continue',
      msisdn: number,
      session_id: 'b1',
      operator: 'kcell',
      payload: { request_id: 1, response: '2' },
    },
    text: '2',
  },
];

for (const { protocol, name, message, text } of messages) {
  for (const end of [false, true]) {
    test(`${protocol}: ${name}, and the ${end ? 'last' : 'next'} screen, as ussd-builder has them`, async () => {
      const screen = { text: 'Пополнить баланс?\n1 Да\n0 Нет', end };
      const [we, they] = [await ours(protocol, message, screen), await theirs(protocol, message, screen)];
      assert.equal(we.asked?.text, text);
      assert.equal(they.args.text, text);
      assert.equal(`+${we.asked?.msisdn}`, they.args.phoneNumber);
      // It takes the number for the session of Nalo, whose own field it does not read.
      if (protocol !== 'nalo') assert.equal(we.asked?.session, they.args.sessionId);
      assert.deepEqual(we.reply, corrected(protocol, { message, reply: they.reply }));
    });
  }
}

/**
 * Where the package says what its own aggregator did not: the number with a plus that it has put there itself, and for Beem no session at
 * all in a reply that goes on, because it looks for it under a name that it has not given it.
 */
function corrected(protocol: HttpProtocolName, { message, reply }: { message: object; reply: unknown }): unknown {
  const read = JSON.parse(JSON.stringify(reply));
  for (const field of ['MSISDN', 'msisdn']) if (field in read) read[field] = String(read[field]).replace(/^\+/, '');
  if (protocol === 'beem') read.session_id ??= Reflect.get(message, 'session_id');
  return read;
}
