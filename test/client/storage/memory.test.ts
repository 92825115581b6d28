// Memory keeps the contract, for as long as it is there.
import { describe } from 'vitest';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { storageContract } from './contract.ts';

describe('memory storage', () => {
  storageContract({ open: async () => new MemoryStorage(), durable: false }, 200);
});
