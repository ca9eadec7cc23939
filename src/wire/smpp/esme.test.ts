import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../base/clock.ts';
import { Secret } from '../../base/secret.ts';
import {
  decodePdu,
  Esme,
  type EsmeOptions,
  encodePdu,
  FrameReader,
  isBroken,
  message,
  type Pdu,
  statuses,
} from './index.ts';
import { Pace } from './pace.ts';

type Centre = { readonly port: number; readonly seen: Pdu[]; send(pdu: Pdu): void; drop(): void; close(): void };

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Binds whoever comes, and answers the rest as it is told. */
async function startCentre(answer: (pdu: Pdu, send: (pdu: Pdu) => void) => void): Promise<Centre> {
  const seen: Pdu[] = [];
  const sockets = new Set<Socket>();
  const send = (pdu: Pdu): void => {
    for (const socket of sockets) socket.write(encodePdu(pdu));
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new FrameReader();
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (const frame of reader.push(chunk) ?? []) {
        const pdu = decodePdu(frame);
        if (isBroken(pdu)) continue;
        seen.push(pdu);
        const { sequence } = pdu;
        if (pdu.command === 'bind_transceiver')
          send({ command: 'bind_transceiver_resp', sequence, status: 0, systemId: 'C', tlvs: [] });
        else if (pdu.command === 'enquire_link') send({ ...pdu, command: 'enquire_link_resp' });
        else if (pdu.command === 'unbind') send({ ...pdu, command: 'unbind_resp' });
        else answer(pdu, send);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const centre = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    seen,
    send,
    drop,
    close: () => {
      drop();
      server.close();
    },
  };
  open.push(centre);
  return centre;
}

function bindTo(port: number, options: Partial<EsmeOptions> = {}): Esme {
  const esme = new Esme({
    host: '127.0.0.1',
    port,
    systemId: 'sapar',
    password: new Secret('secret'),
    systemType: '',
    bind: 'transceiver',
    window: 10,
    clock: systemClock,
    onMessage: () => 'taken',
    ...options,
    timings: { answerMs: 100, reconnectMsMin: 10, throttleMsMin: 10, deliverMs: 50, unbindMs: 100, ...options.timings },
  });
  open.push({ close: () => esme.unbind() });
  return esme;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 500; !isSo(); left -= 1) {
    assert.ok(left > 0, 'it did not become so');
    await delay(5);
  }
}

const bound = (esme: Esme) => until(() => esme.status.state === 'bound');
const to = (address: string) =>
  message({ source: { ton: 0, npi: 1, address: '111' }, destination: { ton: 1, npi: 1, address } });
const patient = { waitMs: 2_000, urgent: false };
const accept = (pdu: Pdu, send: (pdu: Pdu) => void): void => {
  const { sequence } = pdu;
  if (pdu.command === 'submit_sm')
    send({ command: 'submit_sm_resp', sequence, status: 0, messageId: `m${sequence}`, tlvs: [] });
};

test('what is taken has the id it was taken under, and what is refused its status', async () => {
  const { port } = await startCentre((pdu, send) => {
    if (pdu.command !== 'submit_sm') return;
    const status = Number(pdu.destination.address);
    const { sequence } = pdu;
    send({ command: 'submit_sm_resp', sequence, status, messageId: status === 0 ? 'id-1' : undefined, tlvs: [] });
  });
  const esme = bindTo(port);
  assert.deepEqual(await esme.submit(to('0'), patient), { kind: 'accepted', messageId: 'id-1' });
  const refused = await esme.submit(to(String(statuses.invalidDestination)), patient);
  assert.deepEqual(refused, { kind: 'refused', status: statuses.invalidDestination, isTemporary: false });
  const full = await esme.submit(to(String(statuses.queueFull)), patient);
  assert.deepEqual(full, { kind: 'refused', status: statuses.queueFull, isTemporary: true });
});

test('a lost answer is unknown, whether time goes by or the connection does', async () => {
  const centre = await startCentre(() => undefined);
  const esme = bindTo(centre.port);
  await bound(esme);
  assert.deepEqual(await esme.submit(to('1'), patient), { kind: 'unknown' });
  const second = esme.submit(to('2'), patient);
  await until(() => centre.seen.filter(({ command }) => command === 'submit_sm').length === 2);
  centre.drop();
  assert.deepEqual(await second, { kind: 'unknown' });
});

test('what has not left is unsent: nobody there, no turn in time, too many waiting', async () => {
  const nowhere = bindTo(1);
  assert.deepEqual(await nowhere.submit(to('1'), { waitMs: 20, urgent: false }), { kind: 'unsent', why: 'late' });
  await nowhere.unbind();
  assert.deepEqual(await nowhere.submit(to('1'), patient), { kind: 'unsent', why: 'down' });
  const silent = await startCentre(() => undefined);
  const esme = bindTo(silent.port, { window: 1, timings: { answerMs: 1_000 } });
  await bound(esme);
  void esme.submit(to('1'), patient);
  assert.deepEqual(await esme.submit(to('2'), { waitMs: 20, urgent: false }), { kind: 'unsent', why: 'late' });
  silent.close();
});

test('no more than the window are on their way, and urgent ones go first', async () => {
  let [now, most] = [0, 0];
  const order: string[] = [];
  const { port } = await startCentre((pdu, send) => {
    if (pdu.command !== 'submit_sm') return;
    order.push(pdu.destination.address);
    now += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      accept(pdu, send);
    }, 5);
  });
  const esme = bindTo(port, { window: 3, timings: { answerMs: 2_000 } });
  await bound(esme);
  const sent = Array.from({ length: 12 }, (_, n) => esme.submit(to(String(n)), patient));
  sent.push(esme.submit(to('urgent'), { ...patient, urgent: true }));
  const kinds = new Set((await Promise.all(sent)).map(({ kind }) => kind));
  assert.deepEqual([...kinds], ['accepted']);
  assert.equal(most, 3);
  assert.equal(order[3], 'urgent');
});

test('in no second are there more than were agreed on', () => {
  const pace = new Pace(3);
  for (const at of [0, 10, 500]) {
    assert.equal(pace.waitMs(at), 0);
    pace.sent(at);
  }
  assert.equal(pace.waitMs(600), 400);
  assert.equal(pace.waitMs(1_000), 0);
  pace.sent(1_000);
  assert.equal(pace.waitMs(1_001), 9);
});

test('the agreed pace is kept on the wire', async () => {
  const times: number[] = [];
  const { port } = await startCentre((pdu, send) => {
    times.push(performance.now());
    accept(pdu, send);
  });
  const esme = bindTo(port, { perSecond: 5 });
  await Promise.all(Array.from({ length: 7 }, () => esme.submit(to('1'), patient)));
  assert.ok((times[5] ?? 0) - (times[0] ?? 0) > 950, 'the sixth waits for the next second');
});

test('throttled, one goes ahead until it is taken, and nothing is lost', async () => {
  let refusals = 4;
  const { port } = await startCentre((pdu, send) => {
    if (pdu.command !== 'submit_sm' || refusals === 0) return accept(pdu, send);
    refusals -= 1;
    const { sequence } = pdu;
    send({ command: 'submit_sm_resp', sequence, status: statuses.throttled, messageId: undefined, tlvs: [] });
  });
  const esme = bindTo(port, { window: 2 });
  const sent = await Promise.all(Array.from({ length: 6 }, () => esme.submit(to('1'), patient)));
  assert.ok(sent.every(({ kind }) => kind === 'accepted'));
  assert.equal(esme.status.state, 'bound');
  assert.equal(esme.status.lastError, 'RTHROTTLED');
});

test('a message is answered by what becomes of it: taken, later, never; late and broken are later', async () => {
  const centre = await startCentre(() => undefined);
  const verdicts = ['taken', 'later', 'never'] as const;
  const errors: unknown[] = [];
  const esme = bindTo(centre.port, {
    hooks: { onError: (error) => errors.push(error) },
    onMessage: async ({ sequence }) => {
      if (sequence === 4) await delay(200);
      if (sequence === 5) throw new Error('broken');
      return verdicts[sequence - 1] ?? 'taken';
    },
  });
  await bound(esme);
  for (const sequence of [1, 2, 3, 4, 5]) centre.send({ command: 'deliver_sm', sequence, status: 0, ...to('1') });
  const answers = () => centre.seen.filter(({ command }) => command === 'deliver_sm_resp');
  await until(() => answers().length === 5);
  const statusOf = new Map(answers().map(({ sequence, status }) => [sequence, status]));
  const { ok, temporaryAppError, permanentAppError } = statuses;
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((sequence) => statusOf.get(sequence)),
    [ok, temporaryAppError, permanentAppError, temporaryAppError, temporaryAppError],
  );
  assert.equal(errors.length, 1);
});

test('whoever leaves in good order waits for the answers to what was sent', async () => {
  const { port, seen } = await startCentre((pdu, send) => void setTimeout(() => accept(pdu, send), 60));
  const esme = bindTo(port);
  await bound(esme);
  const sent = esme.submit(to('1'), patient);
  await esme.unbind();
  assert.equal((await sent).kind, 'accepted');
  assert.equal(seen.at(-1)?.command, 'unbind');
  assert.equal(esme.status.state, 'unbound');
  esme.bind();
  await bound(esme);
  assert.equal((await esme.submit(to('1'), patient)).kind, 'accepted');
});

test('who is not there yet is looked for until it is', async () => {
  const first = await startCentre(accept);
  const esme = bindTo(first.port);
  await bound(esme);
  first.close();
  await until(() => esme.status.state === 'down' && esme.status.lastError === 'ECONNREFUSED');
  assert.ok(esme.status.since instanceof Date);
});
