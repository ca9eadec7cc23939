import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ControlError, json, jsonOf, startServer } from '../wire/server.ts';
import { createNetwork, goodManners, type Manners, type Network, type Paid, type Wire } from './network.ts';

export type Simulator = {
  readonly name: string;
  readonly protocol: string;
  readonly agent: string;
  readonly wire: Wire;
};

const usage = ({ name, protocol, agent }: Simulator): string => `usage: sapar simulate ${name} [NUMBER SUM] [options]

Pays into NUMBER over the ${protocol} protocol, as a payment network does: asks, takes the money, asks for the payment until it is told what became of
it. Without NUMBER and SUM it asks for them. Ends with 0 when the payment is done, 1 when it is not.

  --url URL          where the agent's payments are taken (default http://127.0.0.1:8080/${protocol}/${agent})
  --user NAME        of HTTP Basic; the password is read from PASSWORD in the environment
  --post             as a form instead of a query (OSMP)
  --txn DIGITS       its own name for the payment (default: a new one)
  --no-check         without asking first
  --hang-ups N       hangs up on the first N answers, and asks again
  --copies N         sends each request N times at once
  --patience S       how long it asks for one payment (default 60)
  --register FILE    adds what was paid to a register, for \`sapar reconcile import agent:${agent} FILE\`
  --control PORT     stays, and pays what is asked for at its control address:
                       POST /_control/payments {"account": "7011234567", "sum": "200.00"}
                       POST /_control          {"hangUps": 1, "copies": 2}  how it behaves from now on
                       GET  /_control/payments what became of each
  --help
`;

/** Runs one of the two programs; answers its exit code. */
export async function runNetwork(simulator: Simulator, args: string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(usage(simulator));
    return 0;
  }
  const url = values.url ?? `http://127.0.0.1:8080/${simulator.protocol}/${simulator.agent}`;
  const network = createNetwork({
    wire: simulator.wire,
    url,
    method: values.post && simulator.wire.methods.includes('POST') ? 'POST' : 'GET',
    user: values.user,
    password: process.env.PASSWORD,
    register: values.register,
    say: (line) => void process.stdout.write(`${line}\n`),
  });
  const manners: Manners = {
    hangUps: Number(values['hang-ups'] ?? goodManners.hangUps),
    copies: Number(values.copies ?? goodManners.copies),
    checks: values['no-check'] !== true,
    patienceMs: values.patience === undefined ? goodManners.patienceMs : Number(values.patience) * 1_000,
  };
  if (values.control !== undefined) return stay(network, manners, Number(values.control));
  const [account, sum] = positionals.length > 0 ? positionals : await askPerson();
  if (account === undefined || sum === undefined) {
    process.stderr.write(usage(simulator));
    return 2;
  }
  const paid = await network.serve(
    { account, sum, ...(values.txn === undefined ? {} : { txnId: values.txn }) },
    manners,
  );
  process.stdout.write(`${endText(paid)}\n`);
  return paid.told?.result === 0 ? 0 : 1;
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: text,
      user: text,
      post: flag,
      txn: text,
      'no-check': flag,
      'hang-ups': text,
      copies: text,
      patience: text,
      register: text,
      control: text,
      help: flag,
    },
  });
}

/** Line by line: what is piped in comes all at once. */
async function askPerson(): Promise<string[]> {
  const lines = createInterface({ input: process.stdin });
  const said = lines[Symbol.asyncIterator]();
  const next = async (prompt: string): Promise<string[]> => {
    process.stdout.write(prompt);
    const line = await said.next();
    return line.done ? [] : [line.value.trim()];
  };
  const wanted = [...(await next('number: ')), ...(await next('sum: '))];
  lines.close();
  return wanted;
}

function endText({ told, asked }: Paid): string {
  if (told === undefined) return 'Nobody said what became of it: a person must ask.';
  if (told.result !== 0)
    return asked === 0 ? 'Turned away; the payer keeps the money.' : 'Refused for good; the payer gets the money back.';
  return `Paid, after ${asked} ${asked === 1 ? 'request' : 'requests'}.`;
}

/** Pays what it is asked to, until it is stopped. */
async function stay(network: Network, start: Manners, port: number): Promise<number> {
  const paid: Paid[] = [];
  let manners = start;
  const { url, close } = await startServer({
    port,
    routes: {
      'GET /_control': () => json(200, manners),
      'POST /_control': ({ body }) => {
        manners = { ...manners, ...readManners(jsonOf(body)) };
        return json(200, manners);
      },
      'GET /_control/payments': () => json(200, paid),
      'POST /_control/payments': async ({ body }) => {
        const { account, sum, txnId } = jsonOf(body);
        if (typeof account !== 'string' || typeof sum !== 'string') throw new ControlError('account and sum are texts');
        const one = await network.serve({ account, sum, ...(typeof txnId === 'string' ? { txnId } : {}) }, manners);
        paid.push(one);
        return json(200, one);
      },
    },
  });
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await close();
  return 0;
}

function readManners(asked: Readonly<Record<string, unknown>>): Partial<Manners> {
  const known = new Set(['hangUps', 'copies', 'checks', 'patienceMs']);
  for (const [name, value] of Object.entries(asked)) {
    if (!known.has(name)) throw new ControlError(`there is no ${name}`);
    const isRight = name === 'checks' ? typeof value === 'boolean' : Number.isInteger(value) && Number(value) >= 0;
    if (!isRight) throw new ControlError(`${name} is ${name === 'checks' ? 'true or false' : 'a number'}`);
  }
  return asked;
}
