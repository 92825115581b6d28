// Browsers that have the web chat open, and what people do there.
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Cloud, CloudOptions } from '../../local/cloud.ts';
import { Devices } from '../client/devices.ts';
import { launchChromium, type ChromiumOptions } from '../support/chromium.ts';
import { startCloud } from '../support/cloud.ts';

export class Pages {
  readonly address: string;
  private readonly contexts: BrowserContext[] = [];
  private readonly problems: string[] = [];

  constructor(cloud: Cloud) {
    this.address = `http://127.0.0.1:${cloud.port}/chat/`;
  }

  /** A browser of its own: another device. */
  async browser(options: ChromiumOptions = {}): Promise<BrowserContext> {
    const context = await launchChromium(options);
    this.contexts.push(context);
    return context;
  }

  async open(context: BrowserContext, user: string): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.problems.push(message.text());
    });
    await page.goto(`${this.address}?user=${user}`);
    await page.waitForSelector('.side-head');
    return page;
  }

  /** What went wrong in pages counts as a failure of the test. */
  async close(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
    expect(this.problems.splice(0)).toEqual([]);
  }
}

/** A local cloud, there from the first test of the file to its last, and who uses it, until each test ends. */
export interface World {
  readonly cloud: Cloud;
  readonly devices: Devices;
  readonly pages: Pages;
}

/** Of the file that calls it; its members are there in tests. */
export function startWorld(options: Partial<CloudOptions> = {}): World {
  const world = {} as { -readonly [Name in keyof World]: World[Name] };
  beforeAll(async () => {
    world.cloud = await startCloud(options);
    world.devices = new Devices(world.cloud);
    world.pages = new Pages(world.cloud);
  });
  afterEach(async () => {
    world.cloud.clearFaults();
    await world.devices.close();
    await world.pages.close();
  });
  afterAll(async () => {
    await world.cloud.settled();
    await world.cloud.close();
  });
  return world;
}

export async function openChat(page: Page, peer: string): Promise<void> {
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByLabel('With whom?').fill(peer);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.composer');
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Write a message').fill(text);
  await page.keyboard.press('Enter');
}

export const texts = (page: Page) => page.locator('.message .text').allTextContents();

/** Until the page shows exactly these. */
export async function shows(page: Page, expected: readonly string[]): Promise<void> {
  await expect.poll(() => texts(page), { timeout: 15_000 }).toEqual(expected);
}
