// Numbers, sizes and times as people read them.

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

export function formatCount(count: number): string {
  return whole.format(Math.round(count));
}

/** Units come in halves. */
export function formatUnits(units: number): string {
  return short.format(units);
}

export function formatSize(sizeBytes: number): string {
  return sizeBytes < 1024 ? `${sizeBytes} B` : `${short.format(sizeBytes / 1024)} KB`;
}

export function formatClock(at: number): string {
  return `${clock.format(at)}.${String(at % 1000).padStart(3, '0')}`;
}

/** `12 s`, `3 min`, `1 h 05 min` */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
