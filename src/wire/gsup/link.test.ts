import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CtrlClient, CtrlError } from './ctrl.ts';
import { ccm, encodeFrame, FrameReader, IPA_CCM, IPA_OSMO, type IpaFrame, OSMO_CTRL, OSMO_GSUP } from './ipa.ts';
import { IpaLink, type LinkOptions } from './link.ts';

// What an HLR may do wrongly, by a server that does it. What it does rightly is shown by a real one (test/peers/hlr.test.ts).

type Peer = { readonly socket: Socket; readonly frames: IpaFrame[]; say(stream: number, ...octets: number[]): void };

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** A server that leaves what it says to `manner`. */
async function serve(manner: (peer: Peer) => void): Promise<{ port: number; peers: Peer[] }> {
  const peers: Peer[] = [];
  const server = createServer((socket) => {
    const reader = new FrameReader();
    const peer: Peer = {
      socket,
      frames: [],
      say: (stream, ...octets) => socket.write(encodeFrame({ stream, payload: Uint8Array.from(octets) })),
    };
    socket.on('error', () => undefined);
    socket.on('data', (octets) => peer.frames.push(...reader.read(octets)));
    peers.push(peer);
    manner(peer);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, peers };
}

/** As an HLR does: asks who it is, acknowledges, and passes what is for ourselves back to us. */
function polite({ socket, say }: Peer): void {
  const reader = new FrameReader();
  say(IPA_CCM, ccm.idGet);
  socket.on('data', (octets) => {
    for (const { stream, payload } of reader.read(octets)) {
      if (stream === IPA_CCM && payload[0] === ccm.idAck) say(IPA_CCM, ccm.idAck);
      if (stream === IPA_CCM && payload[0] === ccm.ping) say(IPA_CCM, ccm.pong);
      if (stream === IPA_OSMO) say(IPA_OSMO, ...payload);
    }
  });
}

type Opened = { link: IpaLink; states: string[]; heard: Uint8Array[] };

function open(port: number, options: Partial<LinkOptions> = {}): Opened {
  const [states, heard]: [string[], Uint8Array[]] = [[], []];
  const timers = { pingMs: 40, silenceMs: 150, handshakeMs: 80, proofMs: 80, retriesMs: [20], ...options.timers };
  const link = new IpaLink({
    host: '127.0.0.1',
    port,
    name: 'EUSE-test',
    ...options,
    timers,
    onGsup: (octets) => heard.push(octets),
    onState: (state, why) => states.push(why === undefined ? state : `${state}: ${why}`),
  });
  return { link, states, heard };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (isSo()) return;
    await delay(10);
  }
  assert.fail('it did not come about');
}

test('a link is bound when its own message has come back, stays bound while pings are answered, and carries octets', async () => {
  const { port, peers } = await serve(polite);
  const { link, states, heard } = open(port);
  await until(() => link.state === 'bound');
  peers[0]?.say(IPA_CCM, ccm.ping);
  await delay(300);
  assert.deepEqual(states, ['bound'], 'twice the silence that ends a dead connection');
  assert.ok(peers[0]?.frames.some(({ stream, payload }) => stream === IPA_CCM && payload[0] === ccm.pong));
  assert.equal(link.send(Uint8Array.of(0x20, 1, 2)), true);
  await until(() => heard.length > 0);
  assert.deepEqual([...(heard[0] ?? [])], [0x20, 1, 2]);
  await link.close();
  assert.equal(link.send(Uint8Array.of(1)), false);
  assert.equal(peers.length, 1);
});

const rude: { name: string; manner: (peer: Peer) => void; says: RegExp }[] = [
  { name: 'says nothing at all', manner: () => undefined, says: /^down: the HLR did not take our name/ },
  { name: 'asks and never acknowledges', manner: ({ say }) => say(IPA_CCM, ccm.idGet), says: /^down: the HLR did not/ },
  {
    name: 'acknowledges and passes nothing on',
    manner({ say, socket }) {
      say(IPA_CCM, ccm.idGet);
      say(IPA_CCM, ccm.idAck);
      socket.resume();
    },
    says: /^taken: another connection has our name/,
  },
  { name: 'hangs up', manner: ({ socket }) => socket.destroy(), says: /^down: (the HLR hung up|ECONNRESET)/ },
];
for (const { name, manner, says } of rude) {
  test(`an HLR that ${name} is tried again and again`, async () => {
    const { port, peers } = await serve(manner);
    const { link, states } = open(port);
    await until(() => peers.length >= 3);
    assert.match(String(states[0]), says);
    assert.equal(link.send(Uint8Array.of(1)), false);
    await link.close();
    const before = peers.length;
    await delay(100);
    assert.equal(peers.length, before, 'a closed link stays closed');
  });
}

test('an HLR that falls silent after a while is given up', async () => {
  const { port } = await serve((peer) => {
    polite(peer);
    setTimeout(() => peer.socket.pause().removeAllListeners('data'), 60);
  });
  const { link, states } = open(port, { proof: 'unproven' });
  await until(() => states.some((state) => state.startsWith('down: the HLR is silent')));
  await link.close();
});

test('where nothing is passed on, a link that need not prove itself is bound by the acknowledgement', async () => {
  const { port } = await serve(({ say, socket }) => {
    say(IPA_CCM, ccm.idGet);
    say(IPA_CCM, ccm.idAck);
    socket.resume();
  });
  const { link } = open(port, { proof: 'unproven' });
  await until(() => link.state === 'bound');
  await link.close();
});

test('noise, frames of other protocols and empty ones change nothing', async () => {
  const { port, peers } = await serve(polite);
  const { link, heard } = open(port);
  await until(() => link.state === 'bound');
  peers[0]?.say(0x00, 1, 2, 3);
  peers[0]?.say(IPA_CCM);
  peers[0]?.say(IPA_CCM, 0x77);
  peers[0]?.say(IPA_OSMO);
  peers[0]?.say(IPA_OSMO, OSMO_CTRL, 1);
  peers[0]?.say(IPA_OSMO, OSMO_GSUP, 9);
  await until(() => heard.length === 1);
  assert.equal(link.state, 'bound');
  await link.close();
});

/** A control interface that answers each question as `answer` says. */
function control(answer: (question: string) => string | undefined): (peer: Peer) => void {
  return ({ socket, say }) => {
    const reader = new FrameReader();
    socket.on('data', (octets) => {
      for (const { payload } of reader.read(octets)) {
        const said = answer(Buffer.from(payload.subarray(1)).toString());
        if (said === undefined) socket.destroy();
        else if (said !== '') say(IPA_OSMO, OSMO_CTRL, ...Buffer.from(said));
      }
    });
  };
}

test('the control interface: each answer finds its question, whatever their order', async () => {
  const waiting: string[] = [];
  const { port } = await serve((peer) =>
    control((question) => {
      waiting.push(question);
      if (waiting.length < 3) return '';
      const [, , third = ''] = waiting.map((one) => one.split(' ')[1] ?? '');
      setTimeout(() => {
        peer.say(IPA_OSMO, OSMO_CTRL, ...Buffer.from('TRAP 0 nobody asked'));
        peer.say(IPA_OSMO, OSMO_CTRL, ...Buffer.from('ERROR 2 No such subscriber.'));
        peer.say(IPA_OSMO, OSMO_CTRL, ...Buffer.from('GET_REPLY 1 a with spaces in it'));
      }, 10);
      return `GET_REPLY ${third} c 77011234567`;
    })(peer),
  );
  const ctrl = new CtrlClient({ host: '127.0.0.1', port });
  assert.deepEqual(await Promise.all([ctrl.get('a'), ctrl.get('b'), ctrl.get('c')]), [
    'with spaces in it',
    undefined,
    '77011234567',
  ]);
  ctrl.close();
});

test('the control interface: no answer, a hang-up and nobody there are all "does not say", and the next question is asked anew', async () => {
  let answers: (string | undefined)[] = ['', undefined, 'GET_REPLY 3 x 1'];
  const { port } = await serve((peer) =>
    control(() => {
      const [first, ...rest] = answers;
      answers = rest;
      return first;
    })(peer),
  );
  const ctrl = new CtrlClient({ host: '127.0.0.1', port, timeoutMs: 60 });
  await assert.rejects(ctrl.get('x'), CtrlError);
  await assert.rejects(ctrl.get('x'), CtrlError);
  assert.equal(await ctrl.get('x'), '1');
  ctrl.close();
  await assert.rejects(new CtrlClient({ host: '127.0.0.1', port: 1 }).get('x'), CtrlError);
});
