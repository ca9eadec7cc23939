import { assert } from './assert.ts';

/**
 * Calendar days as text, `2026-11-24`, as banks and holidays count them. Kazakhstan keeps UTC+5 for the whole country and all year
 * since 2024-03-01, so a day is 24 hours and its beginning needs no table.
 */
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;
const OFFSET_MS = 5 * 3_600_000;

/** The 30th of February is not one. */
export function isDay(text: string): boolean {
  return DAY.test(text) && textOf(Date.parse(text)) === text;
}

/** The day it is in Kazakhstan. */
export function dayOf(at: Date): string {
  return textOf(at.getTime() + OFFSET_MS);
}

/** Its first instant in Kazakhstan. */
export function startOfDay(day: string): Date {
  return new Date(midnight(day) - OFFSET_MS);
}

export function addDays(day: string, count: number): string {
  return textOf(midnight(day) + count * DAY_MS);
}

export function isWeekend(day: string): boolean {
  const weekday = new Date(midnight(day)).getUTCDay();
  return weekday === 0 || weekday === 6;
}

function midnight(day: string): number {
  assert(isDay(day), 'a day is written as 2026-11-24');
  return Date.parse(day);
}

/** Empty where there is no such instant. */
function textOf(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 10);
}
