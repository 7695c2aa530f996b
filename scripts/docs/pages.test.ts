import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf } from '../../libs/runtime/config-settings.ts';
import { configSchema } from '../../services/all/configuration/config.ts';
import { ROUTES } from '../../services/gateway/routing/routes.ts';
import { apiPage } from './api-page.ts';
import { settingsPage } from './settings-page.ts';

test('every setting has a description, and is on the page', () => {
  const settings = settingsOf(configSchema);
  const page = settingsPage(settings);
  for (const { key, description } of settings) {
    assert.notEqual(description, '', key);
    assert.ok(page.includes(`\`${key}\``), key);
  }
});

test('every path is on the page, with its methods', () => {
  const page = apiPage(ROUTES);
  assert.match(
    page,
    /`\/prometheus\/api\/v1\/label\/\{name\}\/values`<br>`\/api\/v1\/label\/\{name\}\/values` \| GET \| read/,
  );
  for (const { paths, summary } of ROUTES) {
    assert.match(summary, /\.$/);
    for (const path of paths) assert.ok(page.includes(path.split(':')[0]), path);
  }
});
