import { FEED_PATH, startBank } from '../simulators/bank/bank.ts';
import { startSandbox } from '../simulators/sandbox/index.ts';
import { endWithParent } from './children.ts';

// The parties outside that orders need, in a process of their own: a payment provider without webhooks (the driver brings the news) and a bank.

endWithParent();
const secret = process.env.BENCH_SANDBOX_SECRET ?? '';
const [sandbox, bank] = await Promise.all([startSandbox({ secret }), startBank()]);
process.once('SIGTERM', () => process.exit(0));
process.send?.({ sandbox: sandbox.url, rates: `${bank.url}${FEED_PATH}` });
