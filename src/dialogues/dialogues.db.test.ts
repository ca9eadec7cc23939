import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { present } from '../base/assert.ts';
import { steppedClock } from '../base/clock.ts';
import { parseUuid, type Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { createDialogues, type Dialogues } from './index.ts';

const clock = steppedClock(new Date('2026-11-05T09:05:00Z'));
let platform: TestPlatform;
let dialogues: Dialogues;

before(async () => {
  platform = await openTestPlatform({ clock });
  dialogues = platform.dialogues;
});

after(() => platform.close());

const gateway = 'test';
const newIndex = (): Uuid => present(parseUuid(randomUUID()), 'a uuid');
const ref = (number = newIndex()) => ({ gateway, session: randomUUID(), number });

test('what was saved is what the next load answers, in this process and in another', async () => {
  const other = createDialogues({ db: platform.db, clock, lanes: 1 });
  const mine = ref();
  const startedAt = clock.now();
  for (const state of ['{"a":1}', '{"text":"quote \\" back \\\\ brace {} comma , null 余额 \\n"}', '']) {
    await dialogues.save({ ...mine, state, startedAt });
    for (const one of [dialogues, other]) {
      assert.deepEqual((await one.load({ ...mine, earlier: false })).own, {
        ...mine,
        state,
        startedAt,
        updatedAt: clock.now(),
      });
    }
  }
  await other.close();
});

test('an unknown session is nobody, and so is an ended one', async () => {
  const mine = ref();
  assert.deepEqual(await dialogues.load({ ...mine, earlier: true }), { own: undefined, earlier: undefined });
  await dialogues.save({ ...mine, state: 'x', startedAt: clock.now() });
  await dialogues.end(mine);
  assert.deepEqual(await dialogues.load({ ...mine, earlier: true }), { own: undefined, earlier: undefined });
});

test('a session belongs to its number: another number that comes with its id begins anew', async () => {
  const mine = ref();
  await dialogues.save({ ...mine, state: 'mine', startedAt: clock.now() });
  const theirs = { ...mine, number: newIndex() };
  assert.equal((await dialogues.load({ ...theirs, earlier: false })).own, undefined);
  await dialogues.save({ ...theirs, state: 'theirs', startedAt: clock.now() });
  assert.equal((await dialogues.load({ ...theirs, earlier: false })).own?.state, 'theirs');
  assert.equal((await dialogues.load({ ...mine, earlier: false })).own, undefined);
});

test('a redial finds the latest other dialogue of the number, for three minutes after its last step', async () => {
  const number = newIndex();
  for (const state of ['first', 'second']) {
    await dialogues.save({ ...ref(number), state, startedAt: clock.now() });
    clock.advance(1_000);
  }
  const redial = ref(number);
  assert.equal((await dialogues.load({ ...redial, earlier: true })).earlier?.state, 'second');
  assert.equal((await dialogues.load({ ...redial, earlier: false })).earlier, undefined, 'only where it is asked for');
  assert.equal((await dialogues.load({ ...ref(), earlier: true })).earlier, undefined, 'and only for the same number');
  clock.advance(limits.ussdSessionMs - 1_000);
  assert.equal((await dialogues.load({ ...redial, earlier: true })).earlier?.state, 'second');
  clock.advance(1);
  assert.equal((await dialogues.load({ ...redial, earlier: true })).earlier, undefined);
});

test('many dialogues at once each get their own answer', async () => {
  const refs = Array.from({ length: 500 }, () => ref());
  await Promise.all(refs.map((one, index) => dialogues.save({ ...one, state: `${index}`, startedAt: clock.now() })));
  const found = await Promise.all(refs.map((one, index) => dialogues.load({ ...one, earlier: index % 2 === 0 })));
  assert.deepEqual(
    found.map(({ own }) => own?.state),
    refs.map((_, index) => `${index}`),
  );
});

test('the same session saved by two processes at once keeps one of the two states', async () => {
  const other = createDialogues({ db: platform.db, clock, lanes: 2 });
  const refs = Array.from({ length: 50 }, () => ref());
  const save = (one: Dialogues, state: string) =>
    refs.map((each) => one.save({ ...each, state, startedAt: clock.now() }));
  await Promise.all([...save(dialogues, 'a'), ...save(other, 'b'), ...save(other, 'b').reverse()]);
  for (const each of refs)
    assert.match(String((await dialogues.load({ ...each, earlier: false })).own?.state), /^[ab]$/);
  await other.close();
});

test('a step is a HOT update: no index grows with the steps of a dialogue', async () => {
  const mine = ref();
  for (let step = 0; step < 20; step += 1) {
    clock.advance(1);
    await dialogues.save({ ...mine, state: `${step}`, startedAt: new Date('2026-11-05T09:05:00Z') });
  }
  const [definition] = await platform.sql<{ columns: string }>(
    `select string_agg(distinct attname, ',') as columns from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey) where indrelid = 'ussd_session'::regclass`,
  );
  assert.doesNotMatch(String(definition?.columns), /state|updated_at/);
});

test('the sweep takes what is an hour old, in more than one batch, and leaves what is alive', async () => {
  await dialogues.sweep();
  const old = Array.from({ length: limits.ussdSweepRows + 200 }, () => ref());
  await Promise.all(old.map((one) => dialogues.save({ ...one, state: 'old', startedAt: clock.now() })));
  const alive = ref();
  await dialogues.save({ ...alive, state: 'alive', startedAt: clock.now() });
  clock.advance(limits.ussdKeptMs);
  await dialogues.save({
    ...alive,
    state: 'stepped on',
    startedAt: new Date(clock.now().getTime() - limits.ussdKeptMs),
  });
  clock.advance(1);
  assert.ok((await dialogues.sweep()) >= old.length);
  assert.equal((await dialogues.load({ ...alive, earlier: false })).own?.state, 'stepped on');
  assert.equal(await dialogues.sweep(), 0);
});

test('nothing is flushed to disk for a dialogue: its table is unlogged', async () => {
  const [row] = await platform.sql<{ kind: string }>(
    "select relpersistence as kind from pg_class where oid = 'ussd_session'::regclass",
  );
  assert.equal(row?.kind, 'u');
});
