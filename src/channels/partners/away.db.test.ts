import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newAgent, type Said, say, serveAgents, type TestAgent } from '../../../test/support/agents.ts';
import { newNumber, openTestPlatform, type TestPlatform, type TestServer } from '../../../test/support/platform.ts';

// A database that is away, behind a connection that can be cut; and a process that is about to end.

let home: TestPlatform;
let link: Link;
let platform: TestPlatform;
let server: TestServer;
let osmp: TestAgent;
let kaspi: TestAgent;

type Link = { readonly port: number; cut(): Promise<void>; mend(): Promise<void>; freeze(): void; thaw(): void };

/** From a port to the server's socket, until it is cut: then nobody is there, and who was is gone. */
async function openLink(path: string): Promise<Link> {
  const open = new Set<Socket>();
  let listener: Server | undefined;
  let isFrozen = false;
  let port = 0;
  const mend = async (): Promise<void> => {
    const server = createServer((near) => {
      open.add(near);
      near.on('error', () => undefined);
      if (isFrozen) return;
      const far = connect(path);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    listener = server;
  };
  await mend();
  return {
    port,
    mend,
    /** Connections stay, and nothing comes through. */
    freeze() {
      isFrozen = true;
      for (const socket of open) socket.unpipe().pause();
    },
    thaw() {
      isFrozen = false;
      for (const socket of open) socket.destroy();
      open.clear();
    },
    async cut() {
      const closed = new Promise<void>((resolve) => listener?.close(() => resolve()));
      for (const socket of open) socket.destroy();
      open.clear();
      await closed;
    },
  };
}

before(async () => {
  home = await openTestPlatform();
  const url = new URL(home.ownerUrl.replace('@/', '@localhost/'));
  link = await openLink(join(url.searchParams.get('host') ?? '', `.s.PGSQL.${url.searchParams.get('port')}`));
  const through = `postgres://${url.username}:${url.password}@127.0.0.1:${link.port}${url.pathname}`;
  platform = await openTestPlatform({ dataDir: home.dataDir, env: { DATABASE_URL: through } });
  server = await serveAgents(platform);
  osmp = await newAgent(platform);
  kaspi = await newAgent(platform, { protocol: 'kaspi' });
});
after(async () => {
  await server.close();
  await platform.close();
  await link.cut();
  await home.close();
});

const resultOf = ({ body }: Said): number =>
  Number(body.startsWith('{') ? JSON.parse(body).result : /<result>(\d+)/.exec(body)?.[1]);

let names = 0;
const ask = (agent: TestAgent, command: string, number: string): Promise<Said> => {
  const date = command === 'pay' ? '&txn_date=20261124153000' : '';
  const protocol = agent === osmp ? 'osmp' : 'kaspi';
  return say(
    server.url,
    `/${protocol}/${agent.name}?command=${command}&txn_id=${names}${date}&account=${number}&sum=200`,
  );
};

test('while the database is away nothing is ended, by whichever protocol; afterwards the repeat is paid once', async () => {
  names += 1;
  const numbers = [newNumber(), newNumber()] as const;
  // Both are known to the door, as they are in the midst of a day.
  assert.deepEqual(await both('check', numbers), [0, 0]);
  await link.cut();
  const startedAt = performance.now();
  assert.deepEqual(await both('pay', numbers), [1, 4]);
  assert.ok(performance.now() - startedAt < 30_000, 'well before a network gives up on an answer');
  assert.deepEqual(await both('check', numbers), [1, 4]);
  await link.mend();
  assert.deepEqual(await both('pay', numbers), [0, 0]);
  assert.deepEqual(await both('pay', numbers), [0, 0]);
  for (const number of numbers) assert.equal((await platform.subscribers.balances(number))[0]?.amount, '200.00');
});

test('a database that says nothing is away as well', async () => {
  names += 1;
  const numbers = [newNumber(), newNumber()] as const;
  assert.deepEqual(await both('check', numbers), [0, 0]);
  link.freeze();
  const startedAt = performance.now();
  assert.deepEqual(await both('pay', numbers), [1, 4]);
  assert.ok(performance.now() - startedAt < 30_000, `told after ${performance.now() - startedAt} ms`);
  link.thaw();
  assert.deepEqual(await both('pay', numbers), [0, 0]);
});

async function both(command: string, [one, two]: readonly [string, string]): Promise<number[]> {
  const said = await Promise.all([ask(osmp, command, one), ask(kaspi, command, two)]);
  assert.deepEqual(
    said.map(({ status }) => status),
    [200, 200],
  );
  return said.map(resultOf);
}

test('a process that takes no more work says later, and nothing else', async () => {
  names += 1;
  await platform.topups.close();
  assert.deepEqual(await both('pay', [newNumber(), newNumber()]), [1, 4]);
});
