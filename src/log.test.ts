import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from './log.ts';

function written(log: (logger: ReturnType<typeof createLog>) => void): {
  line: string;
  entry: Record<string, unknown>;
} {
  const lines: string[] = [];
  log(createLog('info', { write: (text) => void lines.push(text) }));
  const line = lines.join('');
  return { line, entry: JSON.parse(line) };
}

test('a line is JSON and says when', () => {
  const { entry } = written((logger) =>
    logger.info({ serial: 1_000_000_001, ids: [1_234_567_890, -12_345_678_901.5, 2e30] }, 'made'),
  );
  const age = Math.abs(Date.now() - new Date(String(entry.time)).getTime());
  assert.ok(age < 5_000, String(entry.time));
  assert.equal(entry.msg, 'made');
});

test('digits long enough for a number or a PIN are cut out, wherever they stand and however many there are', () => {
  const secrets = ['77011234567', '3720134519489873', '37201345194898731234567890'];
  for (const secret of secrets) {
    const { line } = written((logger) =>
      logger.info(
        { text: `a,${secret},b`, quoted: `{"n":${secret},"m":1}`, [secret]: 1, error: new Error(`no ${secret}`) },
        secret,
      ),
    );
    assert.ok(!/\d{10}/.test(line), line);
  }
});

test('what is called a secret is not written', () => {
  const { line } = written((logger) => logger.info({ pin: 'abc', call: { token: 'def', secret: 'ghi' } }, 'said'));
  assert.ok(!/abc|def|ghi/.test(line), line);
});
