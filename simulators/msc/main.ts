import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { json, jsonOf, type Routes, startServer, wordOf } from '../wire/server.ts';
import { type Call, Exchange, misdeeds, type Shown } from './exchange.ts';

const help = `A mobile switching centre: phones behind a real HLR that speaks GSUP, osmo-hlr say. It dials, and shows what comes back.

  sapar simulate msc --imsi 901700000000001 --dial '*111#'            a phone in this terminal
  sapar simulate msc --imsi 901700000000001 --dial '*111#' 9 2 1      the same with these answers, then ends

  --hlr HOST:PORT       where the HLR listens for GSUP (default 127.0.0.1:4222)
  --name NAME           by which the HLR knows us (default MSC-00-00-00-00-00-01); one connection a name
  --imsi DIGITS         whose phone it is; the HLR has to know it, and its number
  --dial CODE           what is dialled
  --control-port N      instead of dialling, an HTTP address for phones by their IMSI:
                          POST /phones/IMSI/dial {"text":"*111#"}, then /answer {"text":"1"} and /hangup
                          POST /_control {"misdeed":"NAME"}: the next message goes out wrongly
                        NAME is one of ${misdeeds.join(', ')}
`;

const { values, positionals } = parseArgs({
  options: {
    hlr: { type: 'string', default: '127.0.0.1:4222' },
    name: { type: 'string', default: 'MSC-00-00-00-00-00-01' },
    imsi: { type: 'string' },
    dial: { type: 'string' },
    'control-port': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

function fail(why: string): never {
  process.stderr.write(`${why}\n\n${help}`);
  process.exit(2);
}

async function open(): Promise<Exchange> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(values.hlr) ?? fail('--hlr is HOST:PORT');
  try {
    return await Exchange.open({ host, port: Number(port), name: values.name });
  } catch (error) {
    process.stderr.write(`No HLR at ${values.hlr}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

function say(shown: Shown): void {
  if (shown.kind === 'error') process.stdout.write(`The network answers with error 0x${shown.error.toString(16)}.\n`);
  else if (shown.kind === 'lost') process.stdout.write(`Nothing came back: ${shown.why}.\n`);
  else process.stdout.write(`${shown.text}\n`);
}

/** Answers are taken from the arguments, or typed when there are none. */
async function runPhone(exchange: Exchange, { imsi, code }: { imsi: string; code: string }): Promise<number> {
  const call = await exchange.dial(imsi, code);
  say(call.shown);
  const typing =
    positionals.length === 0 ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
  const answers = [...positionals];
  while (call.shown.kind === 'question') {
    const text = typing ? await typing.question('> ').catch(() => undefined) : answers.shift();
    if (text === undefined) {
      call.hangUp();
      break;
    }
    if (!typing) process.stdout.write(`> ${text}\n`);
    say(await call.answer(text));
  }
  typing?.close();
  return call.shown.kind === 'error' || call.shown.kind === 'lost' ? 1 : 0;
}

/** Phones by their IMSI, for programs: `sapar simulate phone` and tests. */
function phoneRoutes(exchange: Exchange): Routes {
  const calls = new Map<string, Call>();
  const answer = (shown: Shown) => {
    if ('text' in shown) return json(200, { text: shown.text, end: shown.kind === 'text' });
    return json(504, {
      error: shown.kind === 'error' ? `the network's error 0x${shown.error.toString(16)}` : shown.why,
    });
  };
  const textIn = (body: Buffer): string => String(jsonOf(body).text ?? '');
  return {
    'POST /phones/:imsi/dial': async ({ params, body }) => {
      const call = await exchange.dial(params.imsi ?? '', textIn(body));
      calls.set(params.imsi ?? '', call);
      return answer(call.shown);
    },
    'POST /phones/:imsi/answer': async ({ params, body }) => {
      const call = calls.get(params.imsi ?? '');
      return call?.shown.kind === 'question'
        ? answer(await call.answer(textIn(body)))
        : json(409, { error: 'not asked' });
    },
    'POST /phones/:imsi/hangup': ({ params }) => {
      calls.get(params.imsi ?? '')?.hangUp();
      calls.delete(params.imsi ?? '');
      return json(200, {});
    },
    'POST /_control': ({ body }) => {
      exchange.misbehave(wordOf(jsonOf(body).misdeed ?? 'none', misdeeds, 'misdeed'));
      return json(200, {});
    },
  };
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const controlPort = values['control-port'];
  if (controlPort === undefined && (values.imsi === undefined || values.dial === undefined))
    fail('--imsi and --dial are needed, or --control-port');
  const exchange = await open();
  if (controlPort === undefined) {
    process.exitCode = await runPhone(exchange, { imsi: values.imsi ?? '', code: values.dial ?? '' });
    await exchange.close();
    return;
  }
  const server = await startServer({ routes: phoneRoutes(exchange), port: Number(controlPort) });
  process.stdout.write(`${JSON.stringify({ hlr: values.hlr, control: server.url })}\n`);
  const stop = (): void => {
    void Promise.all([server.close(), exchange.close()]).then(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

await main();
