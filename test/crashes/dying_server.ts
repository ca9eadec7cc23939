import { readConfig } from '../../src/config.ts';
import { type Adapt, serve } from '../../src/serve.ts';

// The platform as it ships, which is killed at one point of the first payments it takes: before anything is committed, or between the credit and
// the answer. Nothing in the product knows of it.

const [point] = process.argv.slice(2);

const adapt: Adapt = (platform) => ({
  ...platform,
  topups: {
    ...platform.topups,
    async pay(command) {
      if (point === 'before') process.kill(process.pid, 'SIGKILL');
      const payment = await platform.topups.pay(command);
      if (point === 'after') process.kill(process.pid, 'SIGKILL');
      return payment;
    },
  },
});

await serve(readConfig(process.env, { demo: false }), adapt);
process.send?.('ready');
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
