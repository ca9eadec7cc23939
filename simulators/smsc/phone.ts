import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';

const help = `A phone in this terminal, behind a simulated network that is running: sapar simulate ussd-gateway, sapar simulate msc, or the demo.

  sapar simulate phone --number 77011234567                  dial and answer as you like
  sapar simulate phone --number 77011234567 '*111#' 9 2      dial, answer, and end
  sapar simulate phone --number 77011234567 --sms BAL        write to the service, and wait for its answer

  --at URL          where its network is (default http://127.0.0.1:2776)
  --number DIGITS   the phone's number, or its IMSI behind sapar simulate msc (default 77011234567)
  --sms TEXT        a message, in the place of a call
  --inbox           what messages have come

In the terminal: *111# dials, a text answers, "sms TEXT" writes, "hangup" hangs up, "off" and "on" switch the phone, "quit" ends.
`;

const { values, positionals } = parseArgs({
  options: {
    at: { type: 'string', default: 'http://127.0.0.1:2776' },
    number: { type: 'string', default: '77011234567' },
    sms: { type: 'string' },
    inbox: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

type Shown = { readonly text?: string; readonly end?: boolean; readonly error?: string };
type Received = { readonly id: string; readonly from: string; readonly text: string; readonly part: unknown };

const WAIT_MS = 10_000;
const LOOK_MS = 500;

async function call(path: string, body?: object): Promise<unknown> {
  const method = body ? { method: 'POST', body: JSON.stringify(body) } : {};
  const response = await fetch(`${values.at}/phones/${values.number}/${path}`, method);
  return response.json();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Shows a screen; whether it waits for an answer. */
async function show(path: 'dial' | 'answer', text: string): Promise<boolean> {
  const shown = (await call(path, { text })) as Shown;
  say(shown.error === undefined ? `┌\n${(shown.text ?? '').replace(/^/gm, '│ ')}\n└` : `(${shown.error})`);
  return shown.error === undefined && shown.end !== true;
}

const seen = new Set<string>();

/** Messages that have come since the last look. A network without any has none. */
async function news(): Promise<Received[]> {
  const inbox = await call('inbox');
  const fresh = (Array.isArray(inbox) ? (inbox as Received[]) : []).filter(({ id }) => !seen.has(id));
  for (const { id } of fresh) seen.add(id);
  return fresh;
}

function tell(messages: readonly Received[]): void {
  for (const { from, text } of messages) say(`SMS from ${from}: ${text}`);
}

async function write(text: string): Promise<void> {
  const { answers } = (await call('sms', { text })) as { answers?: (number | null)[] };
  const isSent = answers?.every((status) => status === 0) ?? false;
  say(isSent ? '(sent)' : `(not sent: ${JSON.stringify(answers)})`);
}

/** Answers from the arguments, then the end. */
async function runAlone(): Promise<void> {
  const [code = '', ...answers] = positionals;
  let goesOn = await show('dial', code);
  for (const text of answers) {
    if (!goesOn) break;
    say(`> ${text}`);
    goesOn = await show('answer', text);
  }
  if (goesOn) await call('hangup', {});
}

async function writeAndWait(text: string): Promise<void> {
  await news();
  await write(text);
  for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
    const messages = await news();
    tell(messages);
    if (messages.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  say('(no answer came)');
}

async function runTerminal(): Promise<void> {
  await news();
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Lines that were piped in are still read when there is nobody to ask any more.
  let isOver = false;
  terminal.once('close', () => {
    isOver = true;
  });
  const looking = setInterval(() => void news().then(tell, () => undefined), LOOK_MS);
  let isTalking = false;
  say(`Phone ${values.number}. *111# dials, "sms BAL" writes, "quit" ends.`);
  terminal.setPrompt('> ');
  terminal.prompt();
  for await (const line of terminal) {
    const text = line.trim();
    if (text === 'quit') break;
    if (text === 'hangup') {
      await call('hangup', {});
      isTalking = false;
    } else if (text === 'off' || text === 'on') await call(text, {});
    else if (text.startsWith('sms ')) await write(text.slice(4));
    else if (text.startsWith('*') && !isTalking) isTalking = await show('dial', text);
    else if (isTalking) isTalking = await show('answer', text);
    else if (text !== '') say('(not in a call: *111# dials)');
    if (!isOver) terminal.prompt();
  }
  clearInterval(looking);
  terminal.close();
  if (isTalking) await call('hangup', {});
}

async function run(): Promise<void> {
  if (values.help) process.stdout.write(help);
  else if (values.inbox) tell(await news());
  else if (values.sms !== undefined) await writeAndWait(values.sms);
  else if (positionals.length > 0) await runAlone();
  else await runTerminal();
}

await run().catch((error: unknown) => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  process.stderr.write(`No network at ${values.at}: ${cause}\n`);
  process.exitCode = 1;
});
