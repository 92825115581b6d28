// Times as people say them: relative for a day, then dates, as the browser's locale has them.
import { words } from './words.ts';

/** Some systems name theirs in a way that no browser knows (`en-US@posix`): then the browser's own. */
function knownLocale(): string | undefined {
  try {
    return new Intl.Locale(navigator.language).toString();
  } catch {
    return undefined;
  }
}

const locale = knownLocale();
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
const short = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'numeric' });
const DAY_MS = 86_400_000;

export const timeOf = (at: number) => clock.format(at);

/** Whole days between, by the calendar of this place. */
export const daysBetween = (from: number, to: number) =>
  Math.round((new Date(to).setHours(0, 0, 0, 0) - new Date(from).setHours(0, 0, 0, 0)) / DAY_MS);

export function dayOf(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return words.today;
  if (days === 1) return words.yesterday;
  if (days < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? day.format(at) : date.format(at);
}

/** In a list: the time of today, else the day. */
export function momentOf(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return timeOf(at);
  if (days === 1) return words.yesterday;
  return days < 7 ? weekday.format(at) : short.format(at);
}
