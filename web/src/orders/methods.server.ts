import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';
import { statementName } from '../settings.server.ts';

/** A way to pay as people know it. One there is no word for is called what the API calls it. */
export function methodNames(id: string, language: Language): { name: string; text: string | undefined } {
  const locale = { locale: language };
  switch (id) {
    case 'stripe':
      return { name: m.pay_method_stripe({}, locale), text: m.pay_method_stripe_text({}, locale) };
    case 'paypal':
      return { name: m.pay_method_paypal({}, locale), text: m.pay_method_paypal_text({}, locale) };
    case 'sandbox':
      return { name: m.pay_method_sandbox({}, locale), text: m.pay_method_sandbox_text({}, locale) };
    default:
      return { name: id, text: undefined };
  }
}

const REFERENCE_SHOWN = 9;

/** The line on the payer's statement, for the methods that take real money: the account's name, with Stripe the reference's first groups. */
export function statementLine(method: string, reference: string): string | undefined {
  const name = statementName();
  switch (method) {
    case 'stripe': {
      const part = reference.slice(0, REFERENCE_SHOWN);
      // A part without a letter is not accepted there.
      return /[A-Z]/.test(part) ? `${name}* ${part}` : name;
    }
    case 'paypal':
      return `PAYPAL *${name}`;
    default:
      return undefined;
  }
}
