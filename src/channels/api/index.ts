/** The HTTP door: the partner API, its description, health and metrics; other HTTP doors and the site hang on the same server. */
export { SITE } from './auth.ts';
export type { Papers } from './receipts.ts';
export { buildServer, type ServerOptions } from './server.ts';
