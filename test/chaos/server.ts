import type { Platform } from '../../src/app.ts';
import { Refusal } from '../../src/base/refusal.ts';
import { Secret } from '../../src/base/secret.ts';
import { readConfig } from '../../src/config.ts';
import { createDelivery, createDtone, createOsmp, type Delivery } from '../../src/delivery/index.ts';
import type { PaymentProvider, ProviderId } from '../../src/payments/index.ts';
import { serve } from '../../src/serve.ts';
import { createOrders } from '../../src/topups/index.ts';
import { type Control, isControl } from './control.ts';
import { everyNotice, guessing, hoping } from './defects.ts';
import { breakerOpenMs, operatorTimeoutMs, patienceAt } from './patience.ts';

// The platform as it ships, in a hurry, in a process that is killed. A negative control breaks it from outside, to see that the harness
// notices: nothing in the product knows of it.

const [control, pace] = process.argv.slice(2);
const chosen: Control = control !== undefined && isControl(control) ? control : 'none';

function hurried(platform: Platform): Platform {
  const { context } = platform.orders;
  const delivery = deliveryIn(platform);
  const orders = createOrders({
    ...context,
    patience: patienceAt(Number(pace)),
    delivery: chosen === 'guess' ? guessing(delivery) : delivery,
    providers: chosen === 'hope' ? hopingAll(context.providers) : context.providers,
    // Any other error of an order is a defect; a database that is away is what this is about.
    onError(error, order) {
      if (!(error instanceof Refusal))
        process.stderr.write(`order ${order}: ${error instanceof Error ? error.stack : error}\n`);
    },
  });
  return { ...platform, orders: chosen === 'every-notice' ? everyNotice(platform, orders) : orders };
}

/** The same routes, given up sooner. */
function deliveryIn({ config: { env }, clock }: Platform): Delivery {
  return createDelivery({
    routes: [
      createOsmp({
        url: String(env.OSMP_URL),
        user: env.OSMP_USER,
        password: new Secret(String(env.OSMP_PASSWORD)),
        timeoutMs: operatorTimeoutMs,
      }),
      createDtone({
        url: String(env.DTONE_URL),
        key: String(env.DTONE_KEY),
        secret: new Secret(String(env.DTONE_SECRET)),
        products: new Map([['tele2', 6006]]),
        callbackUrl: env.DTONE_CALLBACK_URL,
        timeoutMs: operatorTimeoutMs,
      }),
    ],
    clock,
    breaker: { failures: 8, openMs: breakerOpenMs },
  });
}

function hopingAll(providers: ReadonlyMap<ProviderId, PaymentProvider>): Map<ProviderId, PaymentProvider> {
  return new Map([...providers].map(([id, provider]) => [id, hoping(provider)]));
}

const { platform } = await serve(readConfig(process.env, { demo: false }), hurried);
process.send?.({ databaseUrl: platform.ownerUrl });
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
