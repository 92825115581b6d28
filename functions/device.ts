// `device`: registers the calling device for push notifications, or takes it back.
import { registerForPush } from '../src/core/push-devices.ts';
import { deviceFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ device: [deviceFrame, registerForPush] });
