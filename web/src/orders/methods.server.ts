import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';

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
