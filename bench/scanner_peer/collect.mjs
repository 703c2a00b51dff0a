// One Blacklight collection: `node collect.mjs URL PAGES CHROMIUM` prints {"seconds", "pages", "cookies"} as JSON.
import blacklight from '@themarkup/blacklight-collector';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const [url, pages, executable] = process.argv.slice(2);
const outDir = mkdtempSync(join(tmpdir(), 'blacklight-'));
const began = performance.now();
const found = await blacklight.collect(url, {
  numPages: Number(pages) - 1, outDir, headless: true, captureHar: false, saveScreenshots: false,
  puppeteerExecutablePath: executable,
  extraChromiumArgs: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-features=TrackingProtection3pcd'],
});
const seconds = (performance.now() - began) / 1000;
const inspection = JSON.parse(readFileSync(join(outDir, 'inspection.json'), 'utf8'));
const cookies = inspection.reports.cookies.map((cookie) => cookie.name).sort();
rmSync(outDir, {recursive: true, force: true});
console.log(JSON.stringify({status: found.status, seconds, pages: inspection.browsing_history.length, cookies: [...new Set(cookies)]}));
process.exit(0);
