import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapedJson, labelJsonText } from './json-text.ts';

test('labels are escaped as json-iterator does it without HTML', () => {
  assert.equal(
    labelJsonText('a"\\b\b\f\n\t\u0001\u007f<&>\u2028é'),
    '"a\\"\\\\b\\u0008\\u000c\\n\\t\\u0001\u007f<&>\u2028é"',
  );
});

test('everything else is escaped for HTML too, keys included', () => {
  assert.equal(
    escapedJson({ 'a<b': ['\\b"\b&\u2028', 1, null] }),
    '{"a\\u003cb":["\\\\b\\"\\u0008\\u0026\\u2028",1,null]}',
  );
});
