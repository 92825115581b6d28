// DynamoDB's numbers: decimals of up to 38 digits. Small integers, nearly all there are, take the short way.
import { ValidationException } from './errors.ts';

const plainInteger = /^(?:0|-?[1-9]\d{0,14})$/;
const plainFraction = /^-?(?:0|[1-9]\d{0,14})\.\d{0,14}[1-9]$/;
/** Two numbers this far apart are so after rounding to doubles, too. */
const CERTAIN = 1e-9;
const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const MAX_DIGITS = 38;

interface Decimal {
  readonly digits: bigint;
  /** The value is `digits` / 10 ** `scale`. */
  readonly scale: number;
}

/** As DynamoDB gives it back: `1.50` is `1.5`, `1e3` is `1000`. */
export function normalNumber(text: string): string {
  return plainInteger.test(text) || plainFraction.test(text) ? text : format(parse(text));
}

export function addNumbers(left: string, right: string): string {
  if (plainInteger.test(left) && plainInteger.test(right)) return String(Number(left) + Number(right));
  const [first, second, scale] = align(parse(left), parse(right));
  return format({ digits: first + second, scale });
}

export function subtractNumbers(left: string, right: string): string {
  if (plainInteger.test(left) && plainInteger.test(right)) return String(Number(left) - Number(right));
  const [first, second, scale] = align(parse(left), parse(right));
  return format({ digits: first - second, scale });
}

export function compareNumbers(left: string, right: string): number {
  if (plainInteger.test(left) && plainInteger.test(right)) return Number(left) - Number(right);
  const difference = Number(left) - Number(right);
  if (Math.abs(difference) > CERTAIN * (Math.abs(Number(left)) + Math.abs(Number(right)))) return difference;
  const [first, second] = align(parse(left), parse(right));
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function parse(text: string): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = decimal.exec(text) ?? [];
  if (whole + fraction === '') {
    throw new ValidationException('The parameter cannot be converted to a numeric value');
  }
  const magnitude = BigInt(whole + fraction);
  return {
    digits: sign === '-' ? -magnitude : magnitude,
    scale: fraction.length - Number(exponent),
  };
}

function align(left: Decimal, right: Decimal): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  const scaled = (number: Decimal) => number.digits * 10n ** BigInt(scale - number.scale);
  return [scaled(left), scaled(right), scale];
}

function format({ digits, scale }: Decimal): string {
  if (digits === 0n) return '0';
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits);
  const significant = all.replace(/0+$/, '');
  if (significant.length > MAX_DIGITS) {
    throw new ValidationException('Attempting to store more than 38 significant digits in a Number');
  }
  const places = scale - (all.length - significant.length);
  if (places <= 0) return sign + significant + '0'.repeat(-places);
  const padded = significant.padStart(places + 1, '0');
  return `${sign}${padded.slice(0, -places)}.${padded.slice(-places)}`;
}
