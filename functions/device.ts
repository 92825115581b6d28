// `device`: registers the calling device for push notifications, or takes it back.
import { registerForPush } from '../src/core/push-devices.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ device: registerForPush });
