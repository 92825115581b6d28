export type Action = 'send' | 'sync' | 'ack' | 'pending' | 'history' | 'device' | 'ping';
