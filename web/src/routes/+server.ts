import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/** The bare address leads to the visitor's language: the one chosen before, else the one the browser asks for, else English. */
export const GET: RequestHandler = ({ locals, setHeaders }) => {
  setHeaders({ vary: 'Accept-Language, Cookie', 'cache-control': 'private, no-cache' });
  redirect(302, `/${locals.language}`);
};
