// Where the service API is, and who calls: from the environment, as on a server, else from `npm start` on this machine.
import type { ServiceClientOptions } from '../src/client/package/service.ts';

export async function serviceAccess(): Promise<ServiceClientOptions> {
  const { SERVICE_URL: url, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (url) {
    const [accessKeyId, secretAccessKey] = [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY];
    if (!accessKeyId || !secretAccessKey)
      throw new Error('AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: missing');
    return { url, credentials: { accessKeyId, secretAccessKey, sessionToken: AWS_SESSION_TOKEN } };
  }
  const local = process.env['LOCAL_CLOUD'] ?? 'http://127.0.0.1:4000';
  const response = await fetch(`${local}/dev/service`);
  const access = (await response.json()) as {
    url: string;
    region: string;
    accessKeyId: string;
    secretAccessKey: string;
  };
  return { url: access.url, region: access.region, credentials: access };
}
