// Item sizes and request units as the DynamoDB developer guide states them ("Item sizes and formats",
// "Read and write operations"): for what the engine's own numbers leave out.

/** DynamoDB's JSON: one key names the type. */
export type AttributeValue = Readonly<Record<string, unknown>>;
export type Item = Readonly<Record<string, AttributeValue>>;

const writeUnitBytes = 1024;
const documentOverheadBytes = 3;
const elementOverheadBytes = 1;

/** On demand: one write unit per 1 KB begun, and never less than one. */
export function writeUnits(...images: readonly (Item | undefined)[]): number {
  const sizeBytes = Math.max(0, ...images.map((image) => (image ? itemSizeBytes(image) : 0)));
  return Math.max(1, Math.ceil(sizeBytes / writeUnitBytes));
}

export function itemSizeBytes(item: Item): number {
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(item)) {
    sizeBytes += Buffer.byteLength(name) + valueSizeBytes(value);
  }
  return sizeBytes;
}

function valueSizeBytes(value: AttributeValue): number {
  const [type, content] = Object.entries(value)[0] ?? ['', undefined];
  switch (type) {
    case 'S':
      return Buffer.byteLength(content as string);
    case 'N':
      return numberSizeBytes(content as string);
    case 'B':
      return Buffer.byteLength(content as string, 'base64');
    case 'BOOL':
    case 'NULL':
      return 1;
    case 'SS':
      return sum(content as string[], (text) => Buffer.byteLength(text));
    case 'NS':
      return sum(content as string[], numberSizeBytes);
    case 'BS':
      return sum(content as string[], (text) => Buffer.byteLength(text, 'base64'));
    case 'L':
      return (
        documentOverheadBytes +
        sum(content as AttributeValue[], (element) => elementOverheadBytes + valueSizeBytes(element))
      );
    case 'M': {
      const map = content as Item;
      return documentOverheadBytes + elementOverheadBytes * Object.keys(map).length + itemSizeBytes(map);
    }
    default:
      return 0;
  }
}

/** One byte per two significant digits, and one more; another for the sign of a negative number. */
function numberSizeBytes(text: string): number {
  const [mantissa = ''] = text.toLowerCase().replace(/^[+-]/, '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return 1;
  // Digits are stored in pairs that start at the decimal point.
  const exponent = Number(text.toLowerCase().split('e')[1] ?? 0);
  const leadingZeros = (whole + fraction).length - (whole + fraction).replace(/^0+/, '').length;
  const firstPosition = whole.length - leadingZeros + exponent;
  const padding = Math.abs(firstPosition % 2);
  return Math.ceil((digits.length + padding) / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((total, value) => total + sizeOf(value), 0);
}
