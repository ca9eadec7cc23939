import { openLink } from '../../../../../orders/link.server.ts';
import type { PageServerLoad } from './$types';

/** The browser's own sharing is offered where script runs. */
export const csr = true;

export const load: PageServerLoad = (event) => openLink(event, event.params.id);
