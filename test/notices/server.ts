import pino from 'pino';
import { openPlatform } from '../../src/app.ts';
import { createUssdEngine } from '../../src/channels/ussd/index.ts';
import { readConfig } from '../../src/config.ts';
import { readGatewayFile } from '../../src/gateway_file.ts';
import { openGateways } from '../../src/gateways.ts';
import { type SmsRoute, smppSmsRoute } from '../../src/notices/index.ts';
import { smsDoor } from '../../src/sms.ts';
import { type Control, isControl } from './control.ts';
import { hurried, waitMs } from './hurry.ts';

// The platform's text messages as they ship, in a hurry, in a process that is killed. A negative control breaks them from outside, to see that
// the harness notices: nothing in the product knows of it.

const [control] = process.argv.slice(2);
const chosen = control !== undefined && isControl(control) ? control : 'none';

/** What comes of it when no answer is taken for one. */
const unanswered = (route: SmsRoute, kind: 'accepted' | 'busy'): SmsRoute => ({
  ...route,
  async submit(submission) {
    const outcome = await route.submit(submission);
    if (outcome.kind !== 'unknown') return outcome;
    return kind === 'busy' ? { kind, reason: 'RMSGQFUL' } : { kind, messageId: 'none' };
  },
});

const broken: Record<Control, (route: SmsRoute) => SmsRoute> = {
  none: (route) => route,
  /** It is sent again as if it were the first. */
  refused: (route) => unanswered(route, 'busy'),
  /** It is not sent again. */
  taken: (route) => ({ ...unanswered(route, 'accepted'), hasReceipts: false }),
};

const config = readConfig(process.env, { demo: false });
const log = pino({ level: 'error' }, pino.destination(2));
const platform = await openPlatform(config, { log, patience: hurried });
const door = smsDoor(platform, () => undefined);
const gateways = await openGateways({
  file: readGatewayFile(process.env, platform.catalogue),
  platform,
  engine: createUssdEngine(platform),
  log,
  onCount: () => undefined,
  onSms: door.onSms,
  timings: {
    connectMs: 500,
    // A centre with much to remember is busy with that at first.
    bindMs: 5_000,
    answerMs: 700,
    reconnectMsMin: 20,
    reconnectMsMax: 100,
    enquireMs: 2_000,
    enquireAnswerMs: 5_000,
  },
});
platform.sms.startWorking(
  gateways.smpp.map(({ id, operator, language, esme, row }) => {
    const route = smppSmsRoute(esme, {
      id,
      operator,
      language,
      sender: { ton: 5, npi: 0, address: row.sender ?? '' },
      inHandMax: 4 * (row.window ?? 1),
      waitMs,
    });
    return broken[chosen](route);
  }),
);
process.send?.('ready');
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
