import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Dialect, dialects } from './dialogues.ts';
import { startSmsc } from './smsc.ts';

const help = `An operator's SMS centre with a USSD gateway: an SMPP 3.4 server on loopback, and an HTTP address for the phones behind it.

  --port N             of SMPP (default 2775)
  --control-port N     of the phones' address (default 2776); sapar simulate phone goes there
  --system-id NAME     who may bind (default sapar)
  --password WORD      and with what (default secret)
  --code CODE          what phones dial to come here (default 111)
  --dialect NAME       ${dialects.join(', ')} (default default)
  --receipt-ids FORM   same or decimal: how receipts name a message (default same)
  --no-receipt-tlvs    receipts as text alone
  --journal FILE       keep messages there, so that they outlive this program
  --cert FILE --key FILE   speak TLS with this certificate (PEM)

GET  /_control                    how it behaves, and who is bound
POST /_control {...}              misbehave: refuseBinds, bindStatus, throttle, refuse, refuseStatus, loseAnswers, garble, halfOpen, silent, delayMs, repeat;
                                  now: drop, garbage, nonsense or unbind. {} is good behaviour
POST /phones/NUMBER/dial {text}   dial: {"text":"*111#"}; answers with the screen. Then /answer {text}, /hangup
POST /phones/NUMBER/sms {text}    write a message to the service: {"text":"BAL"}
GET  /phones/NUMBER/inbox         messages on the phone; POST /phones/NUMBER/off and /on switch it
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '2775' },
    'control-port': { type: 'string', default: '2776' },
    'system-id': { type: 'string', default: 'sapar' },
    password: { type: 'string', default: 'secret' },
    code: { type: 'string', default: '111' },
    dialect: { type: 'string', default: 'default' },
    'receipt-ids': { type: 'string', default: 'same' },
    'receipt-tlvs': { type: 'boolean', default: true },
    journal: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

function dialectOf(name: string): Dialect {
  const dialect = dialects.find((one) => one === name);
  if (dialect === undefined) throw new Error(`--dialect is one of ${dialects.join(', ')}`);
  return dialect;
}

if (values.help) {
  process.stdout.write(help);
} else {
  const { cert, key } = values;
  const smsc = await startSmsc({
    port: Number(values.port),
    controlPort: Number(values['control-port']),
    systemId: values['system-id'],
    password: values.password,
    code: values.code,
    dialect: dialectOf(values.dialect),
    receipts: { id: values['receipt-ids'] === 'decimal' ? 'decimal' : 'same', tlvs: values['receipt-tlvs'] },
    journal: values.journal,
    tls: cert && key ? { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } : undefined,
  });
  process.stdout.write(`${JSON.stringify({ smpp: `127.0.0.1:${smsc.port}`, control: smsc.url })}\n`);
  const stop = (): void => {
    smsc.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
