// The quotas of API Gateway's WebSocket APIs, shortened by tests only
// (docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html).

export interface GatewayLimits {
  readonly integrationTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lifetimeMs: number;
  /** What a client sends in one frame. */
  readonly frameBytes: number;
  /** What a client sends in all frames of a message, what it is answered, and what is posted to it. */
  readonly messageBytes: number;
  /** What may wait for a slow client before posts to it get 429; AWS does not say how much that is. */
  readonly bufferedBytes: number;
  /** How long the gateway waits for the client's half of a closing handshake. */
  readonly closeTimeoutMs: number;
}

export const defaultGatewayLimits: GatewayLimits = {
  integrationTimeoutMs: 29_000,
  idleTimeoutMs: 10 * 60_000,
  lifetimeMs: 2 * 60 * 60_000,
  frameBytes: 32 * 1024,
  messageBytes: 128 * 1024,
  bufferedBytes: 1024 * 1024,
  closeTimeoutMs: 2_000,
};
