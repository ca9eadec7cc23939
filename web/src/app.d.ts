import type { Language } from './language.ts';

declare global {
  namespace App {
    interface Locals {
      language: Language;
    }
    interface Error {
      /** A page that explains itself better than its status does. */
      code?: 'demo_off' | 'no_order' | 'no_link' | undefined;
    }
  }
}
