import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/** The short address that documents and the start-up message name. */
export const GET: RequestHandler = ({ locals }) => redirect(302, `/${locals.language}/phone`);
