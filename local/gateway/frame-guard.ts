// Reads the headers of WebSocket frames (RFC 6455 §5.2) as bytes go by: `ws` tells messages, not frames, and API
// Gateway limits both.

const opcodeContinuation = 0;
const firstControlOpcode = 8;

export interface FrameGuard {
  /** True as soon as a frame or a message is announced that is longer than its limit. */
  exceedsLimit(chunk: Uint8Array): boolean;
}

export function createFrameGuard(limits: { frameBytes: number; messageBytes: number }): FrameGuard {
  let header: number[] = [];
  let payloadLeft = 0;
  let messageBytes = 0;

  /** @returns whether the frame is within the limits. */
  function admit(opcode: number, lengthBytes: number): boolean {
    if (opcode >= firstControlOpcode) return true;
    messageBytes = opcode === opcodeContinuation ? messageBytes + lengthBytes : lengthBytes;
    return lengthBytes <= limits.frameBytes && messageBytes <= limits.messageBytes;
  }

  return {
    exceedsLimit(chunk) {
      let position = 0;
      while (position < chunk.length) {
        if (payloadLeft > 0) {
          const skipped = Math.min(payloadLeft, chunk.length - position);
          payloadLeft -= skipped;
          position += skipped;
          continue;
        }
        header.push(chunk[position]!);
        position += 1;
        if (header.length < headerLength(header)) continue;
        payloadLeft = payloadLength(header);
        const within = admit(header[0]! & 0x0f, payloadLeft);
        header = [];
        if (!within) return true;
      }
      return false;
    },
  };
}

/** Two bytes, then 0, 2 or 8 of an extended length, then 4 of the mask that every client's frame has. */
function headerLength(header: readonly number[]): number {
  if (header.length < 2) return 2;
  return 2 + extendedLengthBytes(header) + (header[1]! & 0x80 ? 4 : 0);
}

function extendedLengthBytes(header: readonly number[]): 0 | 2 | 8 {
  const short = header[1]! & 0x7f;
  if (short < 126) return 0;
  return short === 126 ? 2 : 8;
}

function payloadLength(header: readonly number[]): number {
  const extended = header.slice(2, 2 + extendedLengthBytes(header));
  if (extended.length === 0) return header[1]! & 0x7f;
  return extended.reduce((length, byte) => length * 256 + byte, 0);
}
